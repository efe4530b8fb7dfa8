"""The links of a cluster: that of each node, and those that are declared between and within places.

A link that is declared is shared by all whose way leads over it: of the levels that say a bandwidth for two places, the
nearest one has it. It carries its bandwidth in all, whichever way the data flow; only where a pair is declared with
another bandwidth for the way back, there are two, one for each way. A link of which nobody knows the speed carries any
amount, for a task would otherwise wait for a number.

Links are numbered: first those of the nodes, by row, then the declared ones, as they are met.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal

import numpy as np

from okube.scheduler.declared import Level
from okube.scheduler.nodes import FloatArray, IntArray
from okube.scheduler.topology import UNLIMITED_BANDWIDTH, Topology

__all__ = ["Link", "Links"]

LinkKind = Literal["node", "rack", "zone", "region"]
_NONE = -1
_KINDS: dict[Level, LinkKind] = {Level.RACK: "rack", Level.ZONE: "zone", Level.REGION: "region"}
_STEP_S = 1000.0
"""More than any round trip that can be declared: whoever is in the same rack is nearer than whoever is not."""


@dataclass(frozen=True, slots=True)
class Link:
    """What people call a link: ``kind`` is ``node``, or the level of the two places that it joins.

    A node's link has the node as ``origin`` and no ``target``. ``one_way`` is one that leads from the one to the other
    and not back.
    """

    kind: LinkKind
    origin: str
    target: str = ""
    one_way: bool = False

    @property
    def words(self) -> str:
        """``the link of node w3``, ``the link of racks 1 and 2``: as it stands in sentences."""
        if self.kind == "node":
            return f"the link of node {self.origin}"
        if self.origin == self.target:
            return f"the links inside {self.kind} {self.origin}"
        if self.one_way:
            return f"the link from {self.kind} {self.origin} to {self.target}"
        return f"the link of {self.kind}s {self.origin} and {self.target}"


class Links:
    """The links of a topology whose nodes have these names, in the order of the rows."""

    def __init__(self, topology: Topology, names: Sequence[str]) -> None:
        self._topology = topology
        self.names = tuple(names)
        self.nodes = len(names)
        self.place_of = topology.place_of
        self.places = len(topology.different)
        speeds = topology.speeds
        self._capacity = np.where(speeds == UNLIMITED_BANDWIDTH, inf, speeds.astype(np.float64))
        self._number_of: dict[int, int] = {}
        self._ends: list[int] = []
        parts = [(each.region, each.zone, each.rack) for each in topology.different]
        self._racks, self._zones, self._regions = (
            _numbered([part[:depth] if part[depth - 1] else None for part in parts]) for depth in (3, 2, 1)
        )

    @property
    def capacity(self) -> FloatArray:
        """What each link carries in bit/s, infinite where that is unknown; it grows as links are met."""
        return self._capacity

    def shared(self, origins: IntArray, targets: IntArray) -> IntArray:
        """The declared link on the way from places to places, -1 where there is none; the arrays broadcast."""
        declared = self._topology.declared
        if declared is None or not declared.has_bandwidths:
            return np.full(np.broadcast_shapes(origins.shape, targets.shape), _NONE, dtype=np.int64)
        codes, bandwidth = declared.links(origins, targets)
        found, first, back = np.unique(codes, return_index=True, return_inverse=True)
        carried = bandwidth.ravel()[first]
        numbers = [self._met(code, int(bps)) for code, bps in zip(found.tolist(), carried.tolist(), strict=True)]
        return np.array(numbers, dtype=np.int64)[back].reshape(codes.shape)

    def nearness(self, origins: IntArray, targets: IntArray) -> FloatArray:
        """How far places are from each other; the arrays broadcast, and the least is the nearest.

        In one rack before in one zone before in one region before elsewhere, and by the declared round trip within
        each. What was measured does not count: it changes by the minute, and would move what tasks have reserved.
        """
        steps = np.full(np.broadcast_shapes(origins.shape, targets.shape), 4.0)
        for step, numbers in ((3.0, self._regions), (2.0, self._zones), (1.0, self._racks)):
            same = (numbers[origins] == numbers[targets]) & (numbers[origins] != _NONE)
            steps[same] = step
        declared = self._topology.declared
        if declared is None:
            return steps * _STEP_S
        latency, _ = declared.between(origins, targets)
        return steps * _STEP_S + np.nan_to_num(latency, nan=_STEP_S - 1)

    def link(self, number: int) -> Link:
        """What people call a link."""
        if number < self.nodes:
            return Link("node", self.names[number])
        declared = self._topology.declared
        assert declared is not None  # else it would have no such number
        level, origin, target, one_way = declared.link(self._ends[number - self.nodes])
        return Link(_KINDS[level], origin, target, one_way)

    def all(self) -> IntArray:
        """The numbers of all links, those between any two places that have nodes among them."""
        every = np.arange(self.places)
        self.shared(every[:, None], every[None, :])
        return np.arange(len(self._capacity))

    def _met(self, code: int, bandwidth_bps: int) -> int:
        if code == _NONE:
            return _NONE
        if code not in self._number_of:
            self._number_of[code] = len(self._capacity)
            self._ends.append(code)
            self._capacity = np.append(self._capacity, float(bandwidth_bps))
        return self._number_of[code]


def _numbered(keys: list[tuple[str, ...] | None]) -> IntArray:
    numbers: dict[tuple[str, ...], int] = {}
    return np.array([_NONE if key is None else numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)
