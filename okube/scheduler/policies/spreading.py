"""Scores that keep tasks of a service apart: by node, and by zone."""

import numpy as np

from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import FloatArray, IntArray
from okube.scheduler.policies.basis import Basis
from okube.scheduler.policies.score import Reach

__all__ = ["OwnTasks", "OwnZone"]


class OwnTasks:
    """The share of its service's tasks that a node has: what is lost with the node."""

    name = "spread"
    reach: Reach = "node"

    def basis(self, demand: Demand) -> Basis:
        """What it follows from."""
        return "own"

    def applies(self, demand: Demand) -> bool:
        """See ``Score``."""
        return True

    def costs(self, ledger: Ledger, demand: Demand, rows: IntArray) -> FloatArray:
        """See ``Score``."""
        return ledger.spread.by_node[rows] / ledger.spread.most


class OwnZone:
    """The share of its service's tasks that a node's zone has: what is lost with the zone."""

    name = "zones"
    reach: Reach = "zone"

    def basis(self, demand: Demand) -> Basis:
        """What it follows from."""
        return "zone"

    def applies(self, demand: Demand) -> bool:
        """See ``Score``."""
        return True

    def costs(self, ledger: Ledger, demand: Demand, rows: IntArray) -> FloatArray:
        """See ``Score``."""
        if ledger.zone_count == 1:
            return np.zeros(len(rows))
        return ledger.spread.by_zone[ledger.zones[rows]] / ledger.spread.most
