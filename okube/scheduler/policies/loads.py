"""Scores that look at what is used of a node's cores, memory and disk."""

import numpy as np

from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import FloatArray, IntArray
from okube.scheduler.policies.basis import Basis
from okube.scheduler.policies.score import Reach
from okube.scheduler.scores import load_of, load_of_one, of_load
from okube.scheduler.use import Use

__all__ = ["AnyTasks", "Balance", "Binpack", "Epvm"]

_MOST_USED = 4.0
"""A node can be used beyond what it has, where that shrank; beyond this it makes no difference any more."""
_MANY = 100.0
"""A node with so many tasks is halfway to the worst."""


class _UseScore:
    """A score that minds nothing but what nodes hold."""

    reach: Reach = "node"

    def basis(self, demand: Demand) -> Basis:
        """What it follows from."""
        return "use"

    def applies(self, demand: Demand) -> bool:
        """See ``Score``."""
        return True

    def costs(self, ledger: Ledger, demand: Demand, rows: IntArray) -> FloatArray:
        """See ``Score``."""
        return self.of_use(ledger.use(rows), demand)

    def of_use(self, use: Use, demand: Demand) -> FloatArray:
        """See ``ByUse``."""
        raise NotImplementedError


class Balance(_UseScore):
    """The share of the most used resource of a node, with the task on it: fuller nodes cost more."""

    name = "balance"

    def of_use(self, use: Use, demand: Demand) -> FloatArray:
        """See ``ByUse``."""
        return np.minimum(np.maximum(load_of(use, demand), 0.0), 1.0)

    def of_one(self, total: list[int], free: list[int], tasks: int, demand: Demand) -> float:
        """See ``OneByOne``."""
        return min(max(load_of_one(total, free, demand), 0.0), 1.0)


class AnyTasks(_UseScore):
    """How many tasks of any service a node has: with n tasks, n of n + 100."""

    name = "tasks"

    def of_use(self, use: Use, demand: Demand) -> FloatArray:
        """See ``ByUse``."""
        share: FloatArray = use.tasks / (use.tasks + _MANY)
        return share

    def of_one(self, total: list[int], free: list[int], tasks: int, demand: Demand) -> float:
        """See ``OneByOne``."""
        return tasks / (tasks + _MANY)


class Binpack(_UseScore):
    """What is left of the resources that the task asks for, with the task on it: emptier nodes cost more.

    For a task that asks for nothing, nodes with more tasks cost less.
    """

    name = "binpack"

    def of_use(self, use: Use, demand: Demand) -> FloatArray:
        """See ``ByUse``."""
        asked = [row for row, amount in enumerate(demand.asked) if amount > 0]
        if not asked:
            return np.asarray(1.0 / (1.0 + use.tasks), dtype=np.float64)
        left = (use.free[asked] - demand.resources[asked]) / np.maximum(use.total[asked], 1)
        mean: FloatArray = np.mean(np.clip(left, 0.0, 1.0), axis=0, dtype=np.float64)
        return mean


class Epvm(_UseScore):
    """What the task adds to a cost that grows exponentially with the use of each resource.

    The rule of Amir, Awerbuch, Barak, Borgstrom and Keren, "An Opportunity Cost Approach for Job Assignment in a
    Scalable Computing Cluster" (IEEE TPDS 11(7), 2000): a node whose resources are used to the shares u costs the sum
    of n^u over its resources, with n the number of nodes, and a task goes where it raises that sum least. So a resource
    that becomes scarce is dear, however much there is of the others. The sum is divided by the most it can be raised.
    """

    name = "epvm"

    def applies(self, demand: Demand) -> bool:
        """See ``Score``."""
        return any(demand.asked)

    def of_use(self, use: Use, demand: Demand) -> FloatArray:
        """See ``ByUse``."""
        base = float(max(2, use.nodes))
        kinds = of_load(demand)
        total = np.maximum(use.total[kinds], 1)
        used = total - use.free[kinds]
        before = np.clip(used / total, 0.0, _MOST_USED)
        after = np.clip((used + demand.resources[kinds]) / total, 0.0, _MOST_USED)
        raised: FloatArray = (base**after - base**before).sum(axis=0) / (len(total) * (base - 1.0))
        return np.minimum(raised, 1.0)
