"""The plain rule of placement: one task after another, all nodes looked at anew for each, nothing kept in between.

What is placed goes into the nodes and the counts of services, and the next task finds a cluster that it knows nothing
else of. What the scheduler keeps, orders or skips to be fast must not show: it has to come to the same.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from okube.scheduler import NodeTable, Policy, TaskGroup
from okube.scheduler.filters import FILTERS
from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.network import NetworkView
from okube.scheduler.nodes import IntArray
from okube.scheduler.policies import whole_costs
from okube.scheduler.scores import load_with
from okube.scheduler.topology import Topology
from tests.unit.scheduler.builders import Node, a_table

__all__ = ["PlainPlacement", "place_plainly"]


@dataclass
class PlainPlacement:
    """The (task, node, host ports) of all tasks that are placed, in order, and the tasks that are not."""

    placed: list[tuple[str, str, tuple[int, ...]]] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)


@dataclass
class _World:
    nodes: list[Node]
    topology: Topology | None
    counts: dict[str, Counter[str]] = field(default_factory=dict)

    def of_service(self, service: str, before: Mapping[str, int]) -> dict[str, int]:
        return dict(Counter(before) + self.counts.get(service, Counter()))

    def as_of_now(self, group: TaskGroup, tasks: Sequence[str]) -> TaskGroup:
        others = {service: self.of_service(service, group.others.get(service, {})) for service in self.counts}
        return replace(
            group,
            tasks=tuple(tasks),
            placed=self.of_service(group.service, group.placed),
            others={**group.others, **others},
        )

    def give(self, group: TaskGroup, row: int, ports: tuple[int, ...]) -> None:
        taken = {(port, request.protocol) for port, request in zip(ports, group.ports, strict=True)}
        node = self._hold(group, row)
        self.nodes[row] = replace(node, tasks=node.tasks + 1, ports=node.ports | taken)
        self.counts.setdefault(group.service, Counter())[node.name] += 1

    def hold(self, group: TaskGroup, name: str) -> None:
        for row, node in enumerate(self.nodes):
            if node.name == name:
                held = self._hold(group, row)
                fixed = {(request.host, request.protocol) for request in group.ports if request.host}
                self.nodes[row] = replace(held, ports=held.ports | fixed)

    def _hold(self, group: TaskGroup, row: int) -> Node:
        node = self.nodes[row]
        return replace(
            node,
            cores_used=node.cores_used + group.cpus,
            memory_used=node.memory_used + group.memory,
            disk_used=node.disk_used + group.disk,
        )


def place_plainly(
    nodes: Sequence[Node],
    groups: Sequence[TaskGroup],
    policy: Policy,
    port_range: tuple[int, int],
    topology: Topology | None = None,
) -> PlainPlacement:
    """Places all tasks by the plain rule; ``topology`` has the rows of the nodes in the order of their names."""
    world, result = _World(sorted(nodes, key=lambda node: node.name), topology), PlainPlacement()
    for group in groups:
        left_over: list[str] = []
        for number, task in enumerate(group.tasks):
            now = world.as_of_now(group, [*left_over, *group.tasks[number:]])
            table = a_table(*world.nodes)
            row = _best(table, now, task, policy, port_range, topology)
            if row is None:
                left_over.append(task)
                world.hold(group, group.nominated.get(task, ""))
                continue
            ports = Ledger(table, port_range).ports.take(row, group.ports) if group.ports else ()
            world.give(group, row, ports)
            result.placed.append((task, table.names[row], ports))
        result.rejected += left_over
    return result


def _best(
    table: NodeTable,
    group: TaskGroup,
    task: str,
    policy: Policy,
    port_range: tuple[int, int],
    topology: Topology | None,
) -> int | None:
    ledger = Ledger(table, port_range, (), None if topology is None else NetworkView(topology))
    demand = Demand.of(group, ledger.named)
    ledger.begin(group)
    fits = [row for row in range(len(table)) if all(rule.room(ledger, demand)[row] > 0 for rule in FILTERS)]
    if task in group.pinned:
        fits = [row for row in fits if table.names[row] == group.pinned[task]]
    elif toward := [row for row in fits if table.names[row] == group.toward.get(task)]:
        fits = toward
    else:
        fits = [row for row in fits if table.names[row] not in group.avoid.get(task, ())] or fits
    key = _keys(ledger, demand, policy, np.arange(len(table)))
    return min(fits, key=lambda row: (key[row], row), default=None)


def _keys(ledger: Ledger, demand: Demand, policy: Policy, rows: IntArray) -> list[tuple[float, ...]]:
    """What is compared between nodes: four numbers where the policy is exact, else the sum of what its scores cost."""
    if not policy.spreads_exactly(demand):
        return [(cost,) for cost in whole_costs(ledger, demand, policy.terms_for(demand), rows).tolist()]
    spread, load = ledger.spread, load_with(ledger, demand, rows).tolist()
    balance = zip(load, ledger.tasks.tolist(), strict=True)
    ordered = balance if demand.resources.any() else ((tasks, load) for load, tasks in balance)
    own, zones = spread.by_node.tolist(), spread.by_zone[ledger.zones].tolist()
    return [(mine, zone, *pair) for mine, zone, pair in zip(own, zones, ordered, strict=True)]
