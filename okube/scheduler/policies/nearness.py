"""A score for the network: nodes that are near to what a task talks with cost less."""

import numpy as np

from okube.scheduler.calls import verdict_is_steady, verdict_of
from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import FloatArray, IntArray
from okube.scheduler.policies.basis import Basis
from okube.scheduler.policies.score import Reach

__all__ = ["Nearness"]


class Nearness:
    """What the task adds to the traffic under way, on a logarithmic scale from the cheapest node to the dearest.

    Its dependents count as well as its dependencies, and each is taken to use the nearest task.
    """

    name = "network"
    reach: Reach = "cluster"

    def basis(self, demand: Demand) -> Basis:
        """A task of a dependency spares its dependents something; one of a dependent changes nothing for the next."""
        return "group" if verdict_is_steady(demand) else "any"

    def applies(self, demand: Demand) -> bool:
        """See ``Score``."""
        return bool(demand.group.calls)

    def costs(self, ledger: Ledger, demand: Demand, rows: IntArray) -> FloatArray:
        """See ``Score``."""
        verdict = verdict_of(ledger, demand)
        return np.zeros(len(rows)) if verdict is None else verdict.scaled[rows]
