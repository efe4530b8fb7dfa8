"""A score that gives nodes tasks in turn."""

from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import FloatArray, IntArray
from okube.scheduler.policies.score import Reach

__all__ = ["RoundRobin"]


class RoundRobin:
    """How many nodes come before a node, by name, until it is its turn.

    Whose turn it is, is the number of tasks that all nodes have: so nothing needs to be remembered, and another leader
    goes on where the one before stopped.
    """

    name = "round-robin"
    reach: Reach = "cluster"

    def applies(self, demand: Demand) -> bool:
        """See ``Score``."""
        return True

    def costs(self, ledger: Ledger, demand: Demand, rows: IntArray) -> FloatArray:
        """See ``Score``."""
        count = len(ledger.nodes)
        return ((rows - int(ledger.tasks.sum())) % count) / count
