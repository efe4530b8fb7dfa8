"""What a node costs a task in the network, and which nodes are too far from what the task talks with.

A task talks with the tasks of the services it depends on, and with those that depend on it. Each is taken to use the
nearest task of the other service. So a service's limit holds on a node if some task of the dependency is near enough;
and a task of the dependency that is placed anew must be near enough to one dependent at least, as long as there are
dependents without. Where the other service has no task on a node yet, there is nothing to be near to.

The cost of a node is what placing the task there adds to the traffic under way: bit/s of each connection times its
round trip, in bits. Traffic that nobody declared counts as 1 Mbit/s, so that all connections count alike.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf

import numpy as np

from okube.model.quantities import format_bandwidth, format_round_trip
from okube.scheduler.nodes import BoolArray, FloatArray, IntArray
from okube.scheduler.topology import Topology

__all__ = ["DEFAULT_TRAFFIC", "Neighbour", "NetworkView", "Verdict", "on_a_scale"]

DEFAULT_TRAFFIC = 1_000_000
"""Bit/s of a connection for which none were declared."""

_KEPT_ROWS = 512
_UNKNOWN_S = 1.0
_STEEPNESS = 100.0


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
    """On every node: the cost in bits under way, whether it is near enough, and who found it too far."""

    cost: FloatArray
    allowed: BoolArray
    refusals: list[tuple[Neighbour, BoolArray]] = field(default_factory=list)


class NetworkView:
    """A topology as placements look at it: the rows they ask for again and again are kept, a bounded number of them."""

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self._kept: OrderedDict[tuple[str, int], FloatArray | IntArray] = OrderedDict()
        self._latency_limits = topology.knows_latencies()
        self._bandwidth_limits = topology.knows_bandwidths()

    def judge(self, own: IntArray, neighbours: Sequence[Neighbour]) -> Verdict:
        """What the nodes are worth to a task of a service that has tasks on the nodes ``own`` (rows, each once)."""
        nodes = len(self.topology)
        verdict = Verdict(np.zeros(nodes), np.ones(nodes, dtype=np.bool_))
        for neighbour in neighbours:
            if len(neighbour.rows) == 0:
                continue
            traffic = neighbour.traffic_bps or DEFAULT_TRAFFIC
            if neighbour.depends:
                verdict.cost += traffic * self._cost_to_dependents(own, neighbour)
                near = self._near_dependents(own, neighbour)
            else:
                verdict.cost += traffic * _filled(self._nearest(neighbour.rows))
                near = self._near_dependency(neighbour)
            if near is not None and not near.all():
                verdict.refusals.append((neighbour, ~near))
                verdict.allowed &= near
        return verdict

    def _nearest(self, rows: IntArray) -> FloatArray:
        """The round trip from each node to the nearest of some nodes, NaN where none is known."""
        nearest = np.full(len(self.topology), np.nan)
        for row in rows.tolist():
            np.fmin(nearest, self._latency_to(row), out=nearest)
        return nearest

    def _cost_to_dependents(self, own: IntArray, neighbour: Neighbour) -> FloatArray:
        """The sum of the round trips of all dependents, were there a task on the node as well; a sum for each node."""
        served = self._served(own, neighbour.rows)
        total = np.zeros(len(self.topology))
        for row, tasks, now in zip(neighbour.rows.tolist(), neighbour.tasks.tolist(), served.tolist(), strict=True):
            total += tasks * _filled(np.fmin(self._latency_from(row), now))
        return total

    def _served(self, own: IntArray, rows: IntArray) -> FloatArray:
        """The round trip from each of the nodes to the nearest one that has a task already, NaN where none is known."""
        if len(own) == 0:
            return np.full(len(rows), np.nan)
        return np.asarray(np.fmin.reduce(self.topology.latency_between(rows, own), axis=1), dtype=np.float64)

    def _near_dependency(self, neighbour: Neighbour) -> BoolArray | None:
        if not self._limits(neighbour):
            return None
        near = np.zeros(len(self.topology), dtype=np.bool_)
        for row in neighbour.rows.tolist():
            near |= self._within(neighbour, self._latency_to, self._bandwidth_to, row)
        return near

    def _near_dependents(self, own: IntArray, neighbour: Neighbour) -> BoolArray | None:
        if not self._limits(neighbour):
            return None
        near = np.zeros(len(self.topology), dtype=np.bool_)
        alone = False
        for row in neighbour.rows.tolist():
            reached = self._within(neighbour, self._latency_from, self._bandwidth_from, row)
            if not reached[own].any():
                alone = True
                near |= reached
        return near if alone else None

    def _limits(self, neighbour: Neighbour) -> bool:
        """Whether the neighbour has a limit that anything is known about: none is kept where nothing was measured."""
        return (neighbour.max_latency_s < inf and self._latency_limits) or (
            neighbour.min_bandwidth_bps > 0 and self._bandwidth_limits
        )

    def _within(
        self,
        neighbour: Neighbour,
        latency: Callable[[int], FloatArray],
        bandwidth: Callable[[int], IntArray],
        row: int,
    ) -> BoolArray:
        within = np.ones(len(self.topology), dtype=np.bool_)
        if neighbour.max_latency_s < inf and self._latency_limits:
            within &= latency(row) <= neighbour.max_latency_s  # NaN is not
        if neighbour.min_bandwidth_bps > 0 and self._bandwidth_limits:
            within &= bandwidth(row) >= neighbour.min_bandwidth_bps  # nor is -1
        return within

    def _latency_to(self, row: int) -> FloatArray:
        return np.asarray(self._keep("latency to", row, self.topology.latency_to), dtype=np.float64)

    def _latency_from(self, row: int) -> FloatArray:
        return np.asarray(self._keep("latency from", row, self.topology.latency_from), dtype=np.float64)

    def _bandwidth_to(self, row: int) -> IntArray:
        return np.asarray(self._keep("bandwidth to", row, self.topology.bandwidth_to), dtype=np.int64)

    def _bandwidth_from(self, row: int) -> IntArray:
        return np.asarray(self._keep("bandwidth from", row, self.topology.bandwidth_from), dtype=np.int64)

    def _keep(self, what: str, row: int, make: Callable[[int], FloatArray | IntArray]) -> FloatArray | IntArray:
        key = (what, row)
        found = self._kept.pop(key, None)
        self._kept[key] = found = make(row) if found is None else found
        if len(self._kept) > _KEPT_ROWS:
            self._kept.popitem(last=False)
        return found


def on_a_scale(cost: FloatArray) -> FloatArray:
    """Costs as shares of 1: 0 for the cheapest of these nodes, 1 for the dearest, on a logarithmic scale.

    Round trips within a rack and between continents are apart by a factor of a thousand; on a linear scale all that is
    near would look alike as soon as one node is far.
    """
    if len(cost) == 0:
        return cost
    above = cost - cost.min()
    most = above.max()
    if not most > 0:
        return np.zeros_like(cost)
    return np.asarray(np.log1p(above * (_STEEPNESS / most)) / np.log1p(_STEEPNESS), dtype=np.float64)


def _filled(latency: FloatArray) -> FloatArray:
    """Round trips with what is unknown as bad as the worst that is known."""
    unknown = np.isnan(latency)
    if not unknown.any():
        return latency
    known = latency[~unknown]
    return np.where(unknown, known.max() if len(known) else _UNKNOWN_S, latency)
