"""Scores that keep tasks apart: by node, by zone, and from tasks of any kind."""

import numpy as np

from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import FloatArray, IntArray
from okube.scheduler.policies.score import Reach

__all__ = ["AnyTasks", "OwnTasks", "OwnZone"]

_MANY = 100.0
"""A node with so many tasks is halfway to the worst."""


class OwnTasks:
    """The share of its service's tasks that a node has: what is lost with the node."""

    name = "spread"
    reach: Reach = "node"

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

    def applies(self, demand: Demand) -> bool:
        """See ``Score``."""
        return True

    def costs(self, ledger: Ledger, demand: Demand, rows: IntArray) -> FloatArray:
        """See ``Score``."""
        if ledger.zone_count == 1:
            return np.zeros(len(rows))
        return ledger.spread.by_zone[ledger.zones[rows]] / ledger.spread.most


class AnyTasks:
    """How many tasks of any service a node has: with n tasks, n of n + 100."""

    name = "tasks"
    reach: Reach = "node"

    def applies(self, demand: Demand) -> bool:
        """See ``Score``."""
        return True

    def costs(self, ledger: Ledger, demand: Demand, rows: IntArray) -> FloatArray:
        """See ``Score``."""
        tasks = ledger.tasks[rows]
        return tasks / (tasks + _MANY)
