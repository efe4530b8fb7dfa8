"""Scores that look at what is used of a node's cores, memory and disk."""

from collections.abc import Callable

import numpy as np

from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import FloatArray, IntArray
from okube.scheduler.policies.score import Reach
from okube.scheduler.scores import kept_load, of_load

__all__ = ["Balance", "Binpack", "Epvm"]

_MOST_USED = 4.0
"""A node can be used beyond what it has, where that shrank; beyond this it makes no difference any more."""


Costs = Callable[[Ledger, Demand, IntArray], FloatArray]


def _kept(name: str, costs: Costs, ledger: Ledger, demand: Demand) -> FloatArray:
    """What a score that depends on nothing but the node and the shape of the demand says of all nodes."""
    return ledger.kept.array((name, demand.shape), lambda rows: costs(ledger, demand, rows))


class Balance:
    """The share of the most used resource of a node, with the task on it: fuller nodes cost more."""

    name = "balance"
    reach: Reach = "node"

    def applies(self, demand: Demand) -> bool:
        """See ``Score``."""
        return True

    def costs(self, ledger: Ledger, demand: Demand, rows: IntArray) -> FloatArray:
        """See ``Score``."""
        return np.minimum(kept_load(ledger, demand)[rows], 1.0)


class Binpack:
    """What is left of the resources that the task asks for, with the task on it: emptier nodes cost more.

    For a task that asks for nothing, nodes with more tasks cost less.
    """

    name = "binpack"
    reach: Reach = "node"

    def applies(self, demand: Demand) -> bool:
        """See ``Score``."""
        return True

    def costs(self, ledger: Ledger, demand: Demand, rows: IntArray) -> FloatArray:
        """See ``Score``."""
        return _kept(self.name, self._costs, ledger, demand)[rows]

    def _costs(self, ledger: Ledger, demand: Demand, rows: IntArray) -> FloatArray:
        asked = demand.resources[:, 0] > 0
        if not asked.any():
            return np.asarray(1.0 / (1.0 + ledger.tasks[rows]), dtype=np.float64)
        left = (ledger.free[asked][:, rows] - demand.resources[asked]) / np.maximum(ledger.total[asked][:, rows], 1)
        mean: FloatArray = np.mean(np.clip(left, 0.0, 1.0), axis=0, dtype=np.float64)
        return mean


class Epvm:
    """What the task adds to a cost that grows exponentially with the use of each resource.

    The rule of Amir, Awerbuch, Barak, Borgstrom and Keren, "An Opportunity Cost Approach for Job Assignment in a
    Scalable Computing Cluster" (IEEE TPDS 11(7), 2000): a node whose resources are used to the shares u costs the sum
    of n^u over its resources, with n the number of nodes, and a task goes where it raises that sum least. So a resource
    that becomes scarce is dear, however much there is of the others. The sum is divided by the most it can be raised.
    """

    name = "epvm"
    reach: Reach = "node"

    def applies(self, demand: Demand) -> bool:
        """See ``Score``."""
        return bool(demand.resources.any())

    def costs(self, ledger: Ledger, demand: Demand, rows: IntArray) -> FloatArray:
        """See ``Score``."""
        return _kept(self.name, self._costs, ledger, demand)[rows]

    def _costs(self, ledger: Ledger, demand: Demand, rows: IntArray) -> FloatArray:
        base = float(max(2, len(ledger.nodes)))
        kinds = of_load(ledger, demand)
        total = np.maximum(ledger.total[kinds][:, rows], 1)
        used = total - ledger.free[kinds][:, rows]
        before = np.clip(used / total, 0.0, _MOST_USED)
        after = np.clip((used + demand.resources[kinds]) / total, 0.0, _MOST_USED)
        raised: FloatArray = (base**after - base**before).sum(axis=0) / (len(total) * (base - 1.0))
        return np.minimum(raised, 1.0)
