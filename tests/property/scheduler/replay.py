"""Goes through a placement task by task, and asks every rule of every task at its turn: the slow and plain way."""

from collections import Counter

import numpy as np

from okube.scheduler import CallRule, CompanyRule, Placement, TaskGroup
from okube.scheduler.network import Neighbour
from tests.property.scheduler.limits import allowed_slowly
from tests.property.scheduler.reference import Machine
from tests.property.scheduler.strategies import PORT_RANGE
from tests.property.scheduler.worlds import SERVICES, World

__all__ = ["Replay"]


class Replay:
    """The cluster as it is at one moment of a placement."""

    def __init__(self, world: World) -> None:
        self._topology = world.topology()
        self._rows = {node.name: row for row, node in enumerate(world.rows)}
        self.machines = {node.name: Machine.of(node) for node in world.rows}
        self._zones = {node.name: node.zone for node in world.rows}
        self._counts = {
            service: Counter({name: n for name, n in world.placed.get(service, {}).items() if name in self._rows})
            for service in SERVICES
        }
        ports: dict[str, set[tuple[int, str]]] = {}
        for node in world.rows:  # those of one host share a set
            shared = ports.setdefault(node.host or node.name, set())
            shared |= node.ports
            self.machines[node.name].ports = shared

    def fits(self, group: TaskGroup, task: str, node: str) -> bool:
        """Whether every filter would let this task onto this node now."""
        own = self._counts[group.service]
        return (
            group.pinned.get(task, node) == node
            and self.machines[node].fits(group, PORT_RANGE)
            and not (group.max_per_node and own[node] >= group.max_per_node)
            and all(self._keeps(group, rule, node) for rule in group.company if rule.weight is None)
            and all(self._is_near_enough(group, rule, node) for rule in group.calls)
        )

    def take(self, group: TaskGroup, node: str) -> tuple[int, ...]:
        """The task is there from now on; tells its host ports."""
        self._counts[group.service][node] += 1
        return self.machines[node].take(group, PORT_RANGE)

    def _keeps(self, group: TaskGroup, rule: CompanyRule, node: str) -> bool:
        counts = self._counts[rule.service]
        near = [n for n in self._zones if n == node or (rule.within == "zone" and self._zones[n] == self._zones[node])]
        present = any(counts[n] for n in near)
        if rule.apart:
            return not present
        return present or (rule.service == group.service and not any(counts.values()))

    def _is_near_enough(self, group: TaskGroup, rule: CallRule, node: str) -> bool:
        neighbour = self._neighbour(rule)
        if rule.awaited and not rule.depends and not len(neighbour.rows):
            return False
        own = [self._rows[name] for name, count in self._counts[group.service].items() if count]
        return not neighbour.limited or allowed_slowly(self._topology, own, neighbour)[self._rows[node]]

    def _neighbour(self, rule: CallRule) -> Neighbour:
        there = sorted((self._rows[name], count) for name, count in self._counts[rule.service].items() if count)
        return Neighbour(
            rule.name,
            np.array([row for row, _ in there], dtype=np.int64),
            np.array([count for _, count in there], dtype=np.int64),
            float("inf") if rule.max_latency_s is None else rule.max_latency_s,
            rule.min_bandwidth_bps,
            rule.traffic_bps,
            rule.depends,
        )


def who_is_where(placement: Placement) -> dict[str, str]:
    """The node of each task that was placed."""
    return {task.task: task.node for task in placement.placed}
