"""The least network cost of an app, found by branch and bound: for apps of up to a dozen tasks."""

from itertools import combinations

import numpy as np

from okube.scheduler import TaskGroup
from okube.scheduler.nodes import FloatArray
from tests.bench.quality.instances import Instance
from tests.bench.quality.measures import Spots

__all__ = ["least_network_cost"]


def least_network_cost(instance: Instance, enough: float) -> float:
    """The least network cost of all placements with no two tasks of a service on one node; ``enough`` is possible.

    Services come dependencies first, so that what one costs is known when it is placed; what is dearer than the best so
    far is not followed any further.
    """
    rows = np.arange(len(instance.nodes))
    return _Search(instance, instance.topology.latency_between(rows, rows), enough).best()


class _Search:
    def __init__(self, instance: Instance, latency: FloatArray, enough: float) -> None:
        self._groups = instance.groups
        self._latency = latency
        self._free = [node.cores - node.cores_used for node in instance.nodes]
        self._where: Spots = {}
        self._best = enough

    def best(self) -> float:
        self._place(0, 0.0)
        return self._best

    def _place(self, number: int, cost: float) -> None:
        if number == len(self._groups):
            self._best = min(cost, self._best)
            return
        group = self._groups[number]
        price = self._price(group)
        fitting = [row for row, free in enumerate(self._free) if free >= group.cpus]
        choices = sorted((float(price[list(rows)].sum()), rows) for rows in combinations(fitting, len(group.tasks)))
        for added, rows in choices:
            if cost + added >= self._best:
                break
            self._take(rows, group.cpus)
            self._where[group.service] = list(rows)
            self._place(number + 1, cost + added)
            self._take(rows, -group.cpus)

    def _take(self, rows: tuple[int, ...], cpus: float) -> None:
        for row in rows:
            self._free[row] -= cpus

    def _price(self, group: TaskGroup) -> FloatArray:
        """What a task of the group adds on each node: the way to the nearest task of each dependency."""
        price = np.zeros(len(self._free))
        for rule in group.calls:
            if not rule.depends:
                price += rule.traffic_bps * self._latency[:, self._where[rule.service]].min(axis=1)
        return price
