"""What a node costs a task in the network, and which nodes are too far from what the task talks with.

A task talks with the tasks of the services it depends on, and with those that depend on it. Each is taken to use the
nearest task of the other service. So a service's limit holds on a node if some task of the dependency is near enough;
and a task of the dependency that is placed anew must be near enough to one dependent at least, as long as there are
dependents without. Where the other service has no task on a node yet, there is nothing to be near to.

The cost of a node is what placing the task there adds to the traffic under way: bit/s of each connection times its
round trip, in bits. Traffic that nobody declared counts as 1 Mbit/s, so that all connections count alike.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Generic, TypeVar

import numpy as np

from okube.model.quantities import format_bandwidth, format_round_trip
from okube.scheduler.drawn import Drawn
from okube.scheduler.flows import Flow
from okube.scheduler.nodes import BoolArray, FloatArray, IntArray
from okube.scheduler.topology import Topology

__all__ = ["DEFAULT_TRAFFIC", "Hearing", "Neighbour", "NetworkView", "Verdict", "on_a_scale"]

DEFAULT_TRAFFIC = 1_000_000
"""Bit/s of a connection for which none were declared."""

_KEPT_ROWS = 1024
_CHUNK = 128
_UNKNOWN_S = 1.0
_STEEPNESS = 100.0
_FAR_S = 0.010
Row = TypeVar("Row", FloatArray, IntArray)


@dataclass(frozen=True, slots=True, eq=False)
class Neighbour:
    """A service that the placed one talks with: the nodes (rows, each once) that have its tasks, and how many.

    ``depends`` tells whether it depends on the placed one, rather than the other way round. ``max_latency_s`` is in
    seconds of round trip, bandwidth and traffic in bit/s.
    """

    service: str
    rows: IntArray
    tasks: IntArray
    max_latency_s: float = inf
    min_bandwidth_bps: int = 0
    traffic_bps: int = 0
    depends: bool = False

    @property
    def limited(self) -> bool:
        """Whether it has a limit at all."""
        return self.max_latency_s < inf or self.min_bandwidth_bps > 0

    @property
    def limits(self) -> str:
        """``within 2 ms and at 100 Mbit/s or more``."""
        within = f"within {format_round_trip(self.max_latency_s)}" if self.max_latency_s < inf else ""
        least = f"at {format_bandwidth(self.min_bandwidth_bps)} or more" if self.min_bandwidth_bps else ""
        return " and ".join(part for part in (within, least) if part)

    @property
    def complaint(self) -> str:
        """What stands against a node that is too far from it: the same sentence for each such node."""
        if self.depends:
            return f"no task of {self.service}, which depends on it and has none near, is {self.limits}"
        return f"no task of {self.service} is {self.limits}"


@dataclass(slots=True, eq=False)
class Verdict:
    """On every node: the cost in bits under way, whether it is near enough, and who found it too far.

    ``traffic_bps`` is that of all connections together: times a round trip, it is what a cost is to be compared with.
    """

    cost: FloatArray
    allowed: BoolArray
    refusals: list[tuple[Neighbour, BoolArray]] = field(default_factory=list)
    traffic_bps: float = 0.0
    _scaled: FloatArray | None = None

    @property
    def scaled(self) -> FloatArray:
        """The costs of all nodes as ``on_a_scale`` has them, worked out once; to be read, not changed."""
        if self._scaled is None:
            self._scaled = on_a_scale(self.cost, self.traffic_bps * _FAR_S)
        return self._scaled


class NetworkView:
    """A topology as placements look at it: the rows they ask for again and again are kept, a bounded number of them.

    ``flows`` are those of the whole cluster that reserve bandwidth, of tasks that are placed and of tasks that wait.
    """

    def __init__(self, topology: Topology, flows: Sequence[Flow] = ()) -> None:
        self.topology = topology
        self.flows = tuple(flows)
        self._latencies: _Kept[FloatArray] = _Kept()
        self._bandwidths: _Kept[IntArray] = _Kept()
        self._latency_limits = topology.knows_latencies()
        self._bandwidth_limits = topology.knows_bandwidths()

    def judge(self, own: IntArray, neighbours: Sequence[Neighbour]) -> Verdict:
        """What the nodes are worth to a task of a service that has tasks on the nodes ``own`` (rows, each once)."""
        return Hearing(self, neighbours).judge(own)

    def to_dependency(self, neighbour: Neighbour) -> tuple[FloatArray, BoolArray | None]:
        """The round trip from each node to the nearest task of a dependency, and which nodes are near enough."""
        nearest = np.full(len(self.topology), np.nan)
        near = np.zeros(len(self.topology), dtype=np.bool_)
        limited = self._limits(neighbour)
        for some in _chunks(neighbour.rows):
            latency = self._latency_to(some)
            np.fmin(nearest, np.fmin.reduce(latency, axis=0), out=nearest)
            if limited:
                near |= self._within(neighbour, latency, self._bandwidth_to, some).any(axis=0)
        return _filled(nearest), near if limited else None

    def from_dependents(self, neighbour: Neighbour) -> Drawn:
        """The round trips of all dependents to each node, and which nodes are near enough to each of them."""
        shape = len(neighbour.rows), len(self.topology)
        latency = np.empty(shape)
        within = np.empty(shape, dtype=np.bool_) if self._limits(neighbour) else None
        for some in _chunks(np.arange(len(neighbour.rows))):
            rows = neighbour.rows[some]
            known = self._latency_from(rows)
            if within is not None:
                within[some] = self._within(neighbour, known, self._bandwidth_from, rows)
            latency[some] = _filled(known)
        return Drawn(latency, neighbour.tasks, within)

    def _limits(self, neighbour: Neighbour) -> bool:
        """Whether the neighbour has a limit that anything is known about: none is kept where nothing was measured."""
        return (neighbour.max_latency_s < inf and self._latency_limits) or (
            neighbour.min_bandwidth_bps > 0 and self._bandwidth_limits
        )

    def _within(
        self, neighbour: Neighbour, latency: FloatArray, bandwidth: Callable[[IntArray], IntArray], rows: IntArray
    ) -> BoolArray:
        """Which nodes keep the limits on the way to or from some nodes: a row for each of these."""
        if neighbour.max_latency_s < inf and self._latency_limits:
            within = latency <= neighbour.max_latency_s  # NaN is not
        else:
            within = np.ones(latency.shape, dtype=np.bool_)
        if neighbour.min_bandwidth_bps > 0 and self._bandwidth_limits:
            within &= bandwidth(rows) >= neighbour.min_bandwidth_bps  # nor is -1
        return within

    def _latency_to(self, rows: IntArray) -> FloatArray:
        return np.stack([self._latencies.row("to", row, self.topology.latency_to) for row in rows.tolist()])

    def _latency_from(self, rows: IntArray) -> FloatArray:
        return np.stack([self._latencies.row("from", row, self.topology.latency_from) for row in rows.tolist()])

    def _bandwidth_to(self, rows: IntArray) -> IntArray:
        return np.stack([self._bandwidths.row("to", row, self.topology.bandwidth_to) for row in rows.tolist()])

    def _bandwidth_from(self, rows: IntArray) -> IntArray:
        return np.stack([self._bandwidths.row("from", row, self.topology.bandwidth_from) for row in rows.tolist()])


class Hearing:
    """The neighbours of one service, while its tasks are placed: what they are worth changes by these alone."""

    def __init__(self, view: NetworkView, neighbours: Sequence[Neighbour]) -> None:
        self._nodes = len(view.topology)
        some = [neighbour for neighbour in neighbours if len(neighbour.rows)]
        self._drawn = {at: view.from_dependents(each) for at, each in enumerate(some) if each.depends}
        self._said = {at: view.to_dependency(each) for at, each in enumerate(some) if not each.depends}
        self._neighbours = some
        self._own: set[int] = set()
        self._verdict: Verdict | None = None

    def knows_no_more_than(self, own: IntArray) -> bool:
        """Whether all nodes that the service was said to have tasks on are among these."""
        return self._own <= set(own.tolist())

    def judge(self, own: IntArray) -> Verdict:
        """The verdict now that the service has tasks on these nodes, of which there are never less."""
        new = [row for row in own.tolist() if row not in self._own]
        self._own.update(new)
        changed = [drawn.add(new) for drawn in self._drawn.values()]
        if self._verdict is None or any(changed):
            self._verdict = self._sum_up()
        return self._verdict

    def _sum_up(self) -> Verdict:
        verdict = Verdict(np.zeros(self._nodes), np.ones(self._nodes, dtype=np.bool_))
        for at, neighbour in enumerate(self._neighbours):
            drawn = self._drawn.get(at)
            cost, near = self._said[at] if drawn is None else (drawn.cost, drawn.near)
            traffic = neighbour.traffic_bps or DEFAULT_TRAFFIC
            verdict.cost += traffic * cost
            verdict.traffic_bps += traffic * (1 if drawn is None else int(neighbour.tasks.sum()))
            if near is not None and not near.all():
                verdict.refusals.append((neighbour, ~near))
                verdict.allowed &= near
        return verdict


class _Kept(Generic[Row]):
    """Rows that were made before, the ones used last."""

    def __init__(self) -> None:
        self._rows: OrderedDict[tuple[str, int], Row] = OrderedDict()

    def row(self, direction: str, row: int, make: Callable[[int], Row]) -> Row:
        """The row, made if it is not kept."""
        key = (direction, row)
        found = self._rows.get(key)
        if found is not None:
            self._rows.move_to_end(key)
            return found
        self._rows[key] = made = make(row)
        if len(self._rows) > _KEPT_ROWS:
            self._rows.popitem(last=False)
        return made


def _chunks(rows: IntArray) -> Iterator[IntArray]:
    """So many at a time that the arrays stay small."""
    for start in range(0, len(rows), _CHUNK):
        yield rows[start : start + _CHUNK]


def on_a_scale(cost: FloatArray, far: float = 0.0) -> FloatArray:
    """Costs as shares of 1: 0 for the cheapest of these nodes, 1 for the dearest, on a logarithmic scale.

    Where no node is as much as ``far`` dearer than the cheapest, that takes the place of the dearest: microseconds
    between the machines of one rack are not blown up to a matter of all or nothing.

    Round trips within a rack and between continents are apart by a factor of a thousand; on a linear scale all that is
    near would look alike as soon as one node is far.
    """
    if len(cost) == 0:
        return cost
    above = cost - cost.min()
    most = max(above.max(), far)
    if not most > 0:
        return np.zeros_like(cost)
    return np.asarray(np.log1p(above * (_STEEPNESS / most)) / np.log1p(_STEEPNESS), dtype=np.float64)


def _filled(latency: FloatArray) -> FloatArray:
    """Round trips with what is unknown as bad as the worst that is known of the row."""
    unknown = np.isnan(latency)
    if not unknown.any():
        return latency
    worst = np.nan_to_num(np.fmax.reduce(latency, axis=-1, keepdims=True), nan=_UNKNOWN_S)
    return np.where(unknown, worst, latency)
