"""What is left on every node while a call of ``place`` takes from it."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from okube.model.constraints import Constraint, parse_constraint
from okube.scheduler.amounts import NANOCORES
from okube.scheduler.groups import PortRequest, TaskGroup
from okube.scheduler.kept import Kept
from okube.scheduler.nodes import BoolArray, FloatArray, IntArray, NodeTable
from okube.scheduler.ports import HostPorts
from okube.scheduler.reserved import reserved_in
from okube.scheduler.spread import Spread

if TYPE_CHECKING:
    from okube.scheduler.filters import Filter
    from okube.scheduler.network import NetworkView, Verdict

__all__ = ["Demand", "Ledger", "Resource"]


_MOST = 2**61


class Resource(IntEnum):
    """The first rows of the resource arrays: nanocores, bytes, bytes; below them one for each named resource."""

    CPU = 0
    MEMORY = 1
    DISK = 2


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """What one task of ``group`` asks of a node; ``resources`` has a row for each resource and one column.

    ``missing`` are the named resources that it asks for and no node offers: they have no row.
    """

    resources: IntArray
    constraints: tuple[Constraint, ...]
    ports: tuple[PortRequest, ...]
    group: TaskGroup
    knows: int = 0
    prefer: tuple[tuple[Constraint, int], ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def shape(self) -> Hashable:
        """What tasks have in common for which every node is as good as for each other, but for rules about services."""
        group = self.group
        return (group.cpus, group.memory, group.disk, group.constraints, self.knows, group.named)

    @classmethod
    def of(cls, group: TaskGroup, named: Sequence[str] = ()) -> "Demand":
        """The demand of a task of the group, where nodes offer the ``named`` resources, as ``Ledger.named`` has them.

        Raises ``ValueError`` where a constraint cannot be read.
        """
        asked = dict(group.named)
        counts = ([asked.get(name, 0)] for name in named)
        resources = np.array([[round(group.cpus * NANOCORES)], [group.memory], [group.disk], *counts], dtype=np.int64)
        constraints = tuple(parse_constraint(text) for text in group.constraints)
        prefer = tuple((parse_constraint(text), weight) for text, weight in group.prefer)
        missing = tuple(name for name in asked if name not in named)
        return cls(resources, constraints, group.ports, group, group.knows, prefer, missing)


class Ledger:
    """The nodes with what the decisions of one call have taken so far.

    ``total`` and ``free`` have a row for each ``Resource``, then one for each of ``named`` (whole numbers, in the order
    of their names), and a column for each node; ``tasks`` counts the tasks of
    all services on a node; ``zones`` numbers the zone of each node, from 0 up to ``zone_count``. ``spread`` counts the
    tasks of the service whose group is being placed, as ``begin`` has it. ``more_filters`` are asked after the usual;
    ``network`` is what is known between the nodes, and ``last_verdict`` what was last asked of it; ``reserved`` is what
    tasks have reserved on its links, None where no task asks for any.
    """

    def __init__(
        self,
        nodes: NodeTable,
        port_range: tuple[int, int],
        more_filters: Sequence["Filter"] = (),
        network: "NetworkView | None" = None,
    ) -> None:
        self.nodes = nodes
        self.network = network
        self.reserved = reserved_in(network, nodes.names)
        self.last_verdict: tuple[tuple[Demand, int], Verdict] | None = None
        self.more_filters = tuple(more_filters)
        self.named = tuple(sorted(nodes.extra))
        more = [nodes.extra[name] for name in self.named]
        self.total = _amounts(nodes.cpus_total, nodes.memory_total, nodes.disk_total, *(there for there, _ in more))
        self.free = _amounts(nodes.cpus_free, nodes.memory_free, nodes.disk_free, *(left for _, left in more))
        self.tasks = nodes.tasks.copy()
        self.kept = Kept(len(nodes))
        self.ports = HostPorts(nodes.ports_used, port_range, nodes.hosts)
        numbers = {zone: number for number, zone in enumerate(sorted(set(self.attribute("node.zone"))))}
        self.zones = np.array([numbers[zone] for zone in self.attribute("node.zone")], dtype=np.int64)
        self.zone_count = len(numbers)
        self._row = {name: row for row, name in enumerate(nodes.names)}
        self._allowed: dict[Constraint, BoolArray] = {}
        self._of_service: dict[str, Counter[int]] = {}
        self._group: TaskGroup | None = None
        self._others: dict[str, IntArray] = {}
        self.spread = Spread(np.zeros(len(nodes), dtype=np.int64), self.zones, self.zone_count)

    def row(self, name: str) -> int | None:
        """The row of a node, if there is a node of that name."""
        return self._row.get(name)

    def attribute(self, name: str) -> list[str]:
        """One attribute of every node, empty where a node has none."""
        return [attributes.get(name, "") for attributes in self.nodes.attributes]

    def allowed(self, constraint: Constraint) -> BoolArray:
        """The nodes that meet the constraint; to be read, not changed."""
        if constraint not in self._allowed:
            values = self.attribute(constraint.attribute)
            self._allowed[constraint] = np.fromiter(map(constraint.allows, values), np.bool_, len(values))
        return self._allowed[constraint]

    def begin(self, group: TaskGroup) -> Spread:
        """The tasks of this group are placed next: counts those of its service."""
        self._group = group
        self._others.clear()
        self.spread = Spread(self.service_tasks(group), self.zones, self.zone_count, len(group.tasks))
        return self.spread

    def tasks_of(self, service: str) -> IntArray:
        """How many tasks of a service that the group has rules about each node has; to be read, not changed."""
        if self._group is not None and service == self._group.service:
            return self.spread.by_node
        if service not in self._others:
            placed = {} if self._group is None else self._group.others.get(service, {})
            self._others[service] = self._counts(placed, service)
        return self._others[service]

    def service_tasks(self, group: TaskGroup) -> IntArray:
        """How many tasks of the group's service each node has, those of this call included."""
        return self._counts(group.placed, group.service)

    def _counts(self, placed: Mapping[str, int], service: str) -> IntArray:
        counts = np.zeros(len(self.nodes), dtype=np.int64)
        for name, count in placed.items():
            if name in self._row:
                counts[self._row[name]] = count
        for row, count in self._of_service.get(service, {}).items():
            counts[row] += count
        return counts

    def take(self, rows: IntArray, demand: Demand, times: int = 1) -> None:
        """Takes the resources of so many tasks on each of these nodes, every one named once; ports are taken apart."""
        self.free[:, rows] -= demand.resources * times
        self.tasks[rows] += times
        self.kept.touch(rows)

    def hold_back(self, row: int, demand: Demand) -> None:
        """Keeps free on a node what one task asks for, until it comes."""
        self.free[:, row] -= demand.resources[:, 0]
        self.kept.touch(np.array([row]))

    def remember(self, service: str, rows: list[int]) -> None:
        """Counts tasks of a service, one for each row given, for the groups of the service that follow."""
        self._of_service.setdefault(service, Counter()).update(rows)
        if self.reserved is not None and self._group is not None:
            self.reserved.add(self._group, rows)


def _amounts(cores: FloatArray, *more: IntArray) -> IntArray:
    """A row for each resource. What is no number is nothing, and what is beyond counting is cut, lest sums overflow."""
    counted = np.clip(np.where(np.isfinite(cores), cores, 0.0), -_MOST / NANOCORES, _MOST / NANOCORES)
    nanocores = np.rint(counted * NANOCORES).astype(np.int64)
    return np.stack((nanocores, *more)).clip(-_MOST, _MOST)
