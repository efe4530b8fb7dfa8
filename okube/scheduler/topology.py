"""The network between nodes: the round trip and the bandwidth from any node to any other, out of O(N) facts.

What is known of a pair, in this order: a node is no distance from itself; where both have network coordinates, these
give the round trip, because they were measured; else what is declared of their places (``okube.scheduler.declared``);
else nothing is known, which is NaN and never a guess. A bandwidth is the least of what is declared of the places and
of the links of both nodes.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from okube.scheduler.declared import UNKNOWN_BANDWIDTH, DeclaredCosts, Level, LevelCosts, Place
from okube.scheduler.nodes import FloatArray, IntArray

__all__ = ["UNLIMITED_BANDWIDTH", "Topology"]

UNLIMITED_BANDWIDTH = np.iinfo(np.int64).max
"""What a node has to itself, in bit/s."""

_FARTHEST_S = 3600.0
_NOTHING: Mapping[Level, LevelCosts] = MappingProxyType({})


class Topology:
    """The rows are those of the node table.

    ``coordinates`` has a row for each node: a position in a Euclidean space and, last, a height, in seconds of round
    trip; the round trip between two nodes is the distance of their positions and both heights. A node without them has
    a row of NaN; one whose numbers cannot be (infinite, a height below zero, farther out than an hour) counts as
    without. ``links`` is the speed of each node's link in bit/s, -1 where unknown.

    Raises ``ValueError`` where the columns differ in length.
    """

    def __init__(
        self,
        places: Sequence[Place],
        declared: Mapping[Level, LevelCosts] = _NOTHING,
        *,
        coordinates: FloatArray | None = None,
        links: IntArray | None = None,
    ) -> None:
        size = len(places)
        given = np.full((size, 2), np.nan) if coordinates is None else np.asarray(coordinates, dtype=np.float64)
        speeds = np.full(size, UNKNOWN_BANDWIDTH, dtype=np.int64) if links is None else np.asarray(links, np.int64)
        if given.ndim != 2 or len(given) != size or given.shape[1] < 2 or speeds.shape != (size,):
            raise ValueError(f"coordinates {given.shape} and links {speeds.shape} do not belong to {size} nodes")
        sound = (np.abs(given) <= _FARTHEST_S).all(axis=1) & (given[:, -1] >= 0)
        self._coordinates = np.where(sound[:, None], given, np.nan)
        *self._axes, self._heights = np.ascontiguousarray(self._coordinates.T)
        self._measured = bool(sound.any())
        self._links = np.where(speeds < 0, UNLIMITED_BANDWIDTH, speeds)
        different = list(dict.fromkeys(places))
        number = {place: each for each, place in enumerate(different)}
        self._place = np.array([number[place] for place in places], dtype=np.int64)
        self._places = np.arange(len(different))
        self._declared = DeclaredCosts(different, declared) if declared else None
        self.places = tuple(places)
        self.different = tuple(different)

    def __len__(self) -> int:
        return len(self.places)

    @property
    def place_of(self) -> IntArray:
        """Of each node, which of the ``different`` places it is in."""
        return self._place

    @property
    def speeds(self) -> IntArray:
        """The speed of each node's link in bit/s, ``UNLIMITED_BANDWIDTH`` where unknown."""
        return self._links

    @property
    def declared(self) -> DeclaredCosts | None:
        """What is declared for the ``different`` places."""
        return self._declared

    def latency_from(self, row: int) -> FloatArray:
        """The round trip in seconds from a node to each: 0 to itself, NaN where unknown."""
        declared = self._declared_from(self._place[row])[0][self._place]
        return self._latency(declared, row)

    def latency_to(self, row: int) -> FloatArray:
        """The round trip in seconds from each node to one; other than ``latency_from`` where so declared."""
        declared = self._declared_to(self._place[row])[0][self._place]
        return self._latency(declared, row)

    def latency_between(self, origins: IntArray, targets: IntArray) -> FloatArray:
        """The round trips in seconds from each of some nodes (rows) to each of others (columns)."""
        latency = self._between(origins, targets)[0]
        measured = self._distance(origins[:, None], targets[None, :])
        np.copyto(latency, measured, where=~np.isnan(measured))
        latency[origins[:, None] == targets[None, :]] = 0.0
        return latency

    def bandwidth_from(self, row: int) -> IntArray:
        """The bandwidth in bit/s from a node to each: -1 where unknown, ``UNLIMITED_BANDWIDTH`` to itself."""
        return self._bandwidth(self._declared_from(self._place[row])[1][self._place], row)

    def bandwidth_to(self, row: int) -> IntArray:
        """The bandwidth in bit/s from each node to one."""
        return self._bandwidth(self._declared_to(self._place[row])[1][self._place], row)

    def knows_latencies(self) -> bool:
        """Whether the latency of any pair can be known at all: something is declared, or has been measured."""
        return self._measured or (self._declared is not None and self._declared.has_latencies)

    def knows_bandwidths(self) -> bool:
        """Whether the bandwidth of any pair can be known at all."""
        declared = self._declared is not None and self._declared.has_bandwidths
        return declared or bool((self._links < UNLIMITED_BANDWIDTH).any())

    def _latency(self, declared: FloatArray, row: int) -> FloatArray:
        """What is known between a node and each: what was measured is as far there as back."""
        if not self._measured:
            latency = declared
        else:
            measured = self._distance_from(row)
            latency = np.where(np.isnan(measured), declared, measured)
        latency[row] = 0.0
        return latency

    def _distance_from(self, row: int) -> FloatArray:
        """The same as ``_distance`` from a node to each, a dimension at a time: some times as fast."""
        *position, height = self._coordinates[row].tolist()
        squares = np.zeros(len(self))
        for here, axis in zip(position, self._axes, strict=True):
            apart = axis - here
            squares += apart * apart
        distance: FloatArray = np.sqrt(squares) + (self._heights + height)
        return distance

    def _distance(self, origins: int | IntArray, targets: int | IntArray) -> FloatArray:
        here, there = self._coordinates[origins], self._coordinates[targets]
        apart = here[..., :-1] - there[..., :-1]
        distance: FloatArray = np.sqrt(np.einsum("...d,...d->...", apart, apart)) + (here[..., -1] + there[..., -1])
        return distance

    def _bandwidth(self, declared: IntArray, row: int) -> IntArray:
        bandwidth = np.where(declared == UNKNOWN_BANDWIDTH, UNLIMITED_BANDWIDTH, declared)
        np.minimum(bandwidth, np.minimum(self._links, self._links[row]), out=bandwidth)
        bandwidth[bandwidth == UNLIMITED_BANDWIDTH] = UNKNOWN_BANDWIDTH
        bandwidth[row] = UNLIMITED_BANDWIDTH
        return bandwidth

    def _declared_from(self, place: int) -> tuple[FloatArray, IntArray]:
        return self._said(np.array(place), self._places)

    def _declared_to(self, place: int) -> tuple[FloatArray, IntArray]:
        return self._said(self._places, np.array(place))

    def _between(self, origins: IntArray, targets: IntArray) -> tuple[FloatArray, IntArray]:
        return self._said(self._place[origins][:, None], self._place[targets][None, :])

    def _said(self, origins: IntArray, targets: IntArray) -> tuple[FloatArray, IntArray]:
        if self._declared is not None:
            return self._declared.between(origins, targets)
        shape = np.broadcast_shapes(origins.shape, targets.shape)
        return np.full(shape, np.nan), np.full(shape, UNKNOWN_BANDWIDTH, dtype=np.int64)
