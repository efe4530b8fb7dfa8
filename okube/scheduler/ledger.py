"""What is left on every node while a call of ``place`` takes from it."""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from okube.model.constraints import Constraint
from okube.scheduler.amounts import NANOCORES
from okube.scheduler.demand import Demand
from okube.scheduler.groups import TaskGroup
from okube.scheduler.kept import Kept
from okube.scheduler.nodes import BoolArray, FloatArray, IntArray, NodeTable
from okube.scheduler.ports import HostPorts
from okube.scheduler.reserved import reserved_in
from okube.scheduler.spread import Spread
from okube.scheduler.use import Use
from okube.scheduler.whereabouts import Census, Whereabouts

if TYPE_CHECKING:
    from okube.scheduler.filters import Filter
    from okube.scheduler.network import Hearing, NetworkView

__all__ = ["Demand", "Ledger", "Resource"]


_MOST = 2**61
_NOWHERE: Mapping[str, int] = MappingProxyType({})


class Resource(IntEnum):
    """The first rows of the resource arrays: nanocores, bytes, bytes; below them one for each named resource."""

    CPU = 0
    MEMORY = 1
    DISK = 2


class Ledger:
    """The nodes with what the decisions of one call have taken so far.

    ``total`` and ``free`` have a row for each ``Resource``, then one for each of ``named`` (whole numbers, in the order
    of their names), and a column for each node; ``tasks`` counts the tasks of all services on a node; ``zones`` numbers
    the zone of each node, from 0 up to ``zone_count``. ``more_filters`` are asked after the usual; ``network`` is what
    is known between the nodes, and ``hearing`` what it says for the group being placed where others call that;
    ``reserved`` is what tasks have reserved on its links, None where no task asks for any.
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
        self.hearing: tuple[Demand, Hearing] | None = None
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
        self._census = Census(self._row)
        self._group: TaskGroup | None = None
        self._spread: Spread | None = None

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

    def begin(self, group: TaskGroup) -> None:
        """The tasks of this group are placed next."""
        self._group = group
        self._spread = None

    @property
    def spread(self) -> Spread:
        """The tasks of the service whose group is being placed; counted when they are first asked for."""
        if self._spread is None:
            counts, coming = np.zeros(len(self.nodes), dtype=np.int64), 0
            if self._group is not None:
                coming = len(self._group.tasks)
                for row, count in self.own_counts().items():
                    counts[row] = count
            self._spread = Spread(counts, self.zones, self.zone_count, coming)
        return self._spread

    @property
    def is_new(self) -> bool:
        """Whether the service whose group is being placed has no task on any node yet."""
        return self._group is None or self._census.has_none(self._group.service, self._group.placed)

    def own_counts(self) -> dict[int, int]:
        """How many tasks of the service whose group is being placed nodes (rows) have: what is remembered of it."""
        return {} if self._group is None else self._census.counts(self._group.service, self._group.placed)

    def recount(self) -> None:
        """Lets ``spread`` be counted anew, from what is remembered."""
        self._spread = None

    def whereabouts(self, service: str) -> Whereabouts:
        """Where the tasks of a service are that the group has rules about; the same object as long as nothing changes.

        Not for the group's own service, whose tasks come while it is placed.
        """
        return self._census.of(service, {} if self._group is None else self._group.others.get(service, _NOWHERE))

    def tasks_of(self, service: str) -> IntArray:
        """How many tasks of a service that the group has rules about each node has; to be read, not changed."""
        if self._group is not None and service == self._group.service:
            return self.spread.by_node
        return self.whereabouts(service).by_node(len(self.nodes))

    def use(self, rows: IntArray) -> Use:
        """What these nodes have and what is left of it."""
        return Use(self.total[:, rows], self.free[:, rows], self.tasks[rows], len(self.nodes))

    def take_one(self, row: int, demand: Demand) -> None:
        """Takes the resources of one task on a node."""
        for kind, amount in enumerate(demand.asked):
            if amount:
                self.free[kind, row] -= amount
        self.tasks[row] += 1
        self.kept.touch((row,))

    def take(self, rows: IntArray, demand: Demand, times: int | IntArray = 1) -> None:
        """Takes the resources of so many tasks on each of these nodes, every one named once; ports are taken apart."""
        self.free[:, rows] -= demand.resources * times
        self.tasks[rows] += times
        self.kept.touch(rows.tolist())

    def hold_back(self, row: int, demand: Demand) -> None:
        """Keeps free on a node what one task asks for, until it comes."""
        self.free[:, row] -= demand.resources[:, 0]
        self.ports.hold_back(row, demand.ports)
        self.kept.touch([row])

    def remember(self, service: str, rows: list[int]) -> None:
        """Counts tasks of a service, one for each row given, for the groups of the service that follow."""
        self._census.add(service, rows)
        if self.reserved is not None and self._group is not None:
            self.reserved.add(self._group, rows)


def _amounts(cores: FloatArray, *more: IntArray) -> IntArray:
    """A row for each resource. What is no number is nothing, and what is beyond counting is cut, lest sums overflow."""
    counted = np.clip(np.where(np.isfinite(cores), cores, 0.0), -_MOST / NANOCORES, _MOST / NANOCORES)
    nanocores = np.rint(counted * NANOCORES).astype(np.int64)
    return np.stack((nanocores, *more)).clip(-_MOST, _MOST)
