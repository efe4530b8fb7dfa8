"""Declared network costs: what a person wrote down about regions, zones and racks, as arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from math import isfinite, isnan, nan

import numpy as np

from okube.model.topology import DeclaredTopology, LevelTopology, PathCost
from okube.scheduler.nodes import BoolArray, FloatArray, IntArray

__all__ = ["UNKNOWN_BANDWIDTH", "Cost", "DeclaredCosts", "Level", "LevelCosts", "Place", "costs_of"]

UNKNOWN_BANDWIDTH = -1
_NONE = -1
_Cases = tuple[BoolArray, BoolArray, BoolArray, IntArray, IntArray]


class Level(IntEnum):
    """How near two places are to each other, nearest first."""

    RACK = 0
    ZONE = 1
    REGION = 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node stands; empty where nobody said so."""

    region: str = ""
    zone: str = ""
    rack: str = ""

    def upto(self, level: Level) -> tuple[str, ...]:
        """What tells a rack, zone or region from others: its name and where it is, for many a zone has a rack ``1``."""
        return (self.region, self.zone, self.rack)[: 3 - level]


@dataclass(frozen=True, slots=True)
class Cost:
    """A round trip in seconds (NaN: unknown) and a bandwidth in bit/s (-1: unknown).

    Raises ``ValueError`` for a latency that is negative or infinite, and for a bandwidth below -1.
    """

    latency_s: float = nan
    bandwidth_bps: int = UNKNOWN_BANDWIDTH

    def __post_init__(self) -> None:
        if self.latency_s < 0 or not (isfinite(self.latency_s) or isnan(self.latency_s)):
            raise ValueError(f"a latency of {self.latency_s} s is no latency: 0 or more")
        if self.bandwidth_bps < UNKNOWN_BANDWIDTH:
            raise ValueError(f"a bandwidth of {self.bandwidth_bps} bit/s is no bandwidth: 0 or more")


@dataclass(frozen=True, slots=True)
class LevelCosts:
    """What is declared for the places of one level.

    ``pairs`` has what was said of two places by name, from the first to the second; a pair of one name twice is about
    the inside of that place. ``within`` is for the inside of every place, and ``between`` for every two places that
    are in one place of the level above, where ``pairs`` does not say otherwise.
    """

    pairs: Mapping[tuple[str, str], Cost] = field(default_factory=dict)
    within: Cost = Cost()
    between: Cost = Cost()


def costs_of(declared: DeclaredTopology) -> dict[Level, LevelCosts]:
    """What a person wrote, by level; a pair counts for the way back as well where that is not given itself."""
    levels = {Level.REGION: declared.regions, Level.ZONE: declared.zones, Level.RACK: declared.racks}
    return {level: _level_costs(costs) for level, costs in levels.items() if costs != LevelTopology()}


def _level_costs(level: LevelTopology) -> LevelCosts:
    back = {(pair.target, pair.origin): _cost(pair) for pair in level.pairs}
    forth = {(pair.origin, pair.target): _cost(pair) for pair in level.pairs}
    return LevelCosts(back | forth, _cost(level.within), _cost(level.between))


def _cost(path: PathCost) -> Cost:
    return Cost(
        nan if path.latency is None else path.latency,
        UNKNOWN_BANDWIDTH if path.bandwidth is None else path.bandwidth,
    )


class DeclaredCosts:
    """What is declared, for a sequence of different places.

    The nearest level that says something of a pair counts, for latency and for bandwidth each: what is said of two
    racks before what is said of their zones, and that before what is said of their regions. A level at which one of
    the two has no name says nothing.
    """

    def __init__(self, places: Sequence[Place], levels: Mapping[Level, LevelCosts]) -> None:
        said = [cost for each in levels.values() for cost in (each.within, each.between, *each.pairs.values())]
        self.has_latencies = any(not isnan(cost.latency_s) for cost in said)
        self.has_bandwidths = any(cost.bandwidth_bps != UNKNOWN_BANDWIDTH for cost in said)
        self._levels = [_Compiled(places, level, levels[level]) for level in sorted(levels)]

    def between(self, origins: IntArray, targets: IntArray) -> tuple[FloatArray, IntArray]:
        """Latency and bandwidth from places to places, given as positions in the sequence; the arrays broadcast."""
        shape = np.broadcast_shapes(origins.shape, targets.shape)
        latency = np.full(shape, nan)
        bandwidth = np.full(shape, UNKNOWN_BANDWIDTH, dtype=np.int64)
        for level in self._levels:
            level.fill_in(origins, targets, latency, bandwidth)
        return latency, bandwidth

    def links(self, origins: IntArray, targets: IntArray) -> tuple[IntArray, IntArray]:
        """Which declared link is on the way from places to places, and its bandwidth; both -1 where there is none.

        Links are told apart by numbers that mean nothing but to ``link``.
        """
        shape = np.broadcast_shapes(origins.shape, targets.shape)
        link, bandwidth = np.full(shape, _NONE), np.full(shape, UNKNOWN_BANDWIDTH, dtype=np.int64)
        for number, level in enumerate(self._levels):
            level.fill_in_links(origins, targets, link, bandwidth, number, len(self._levels))
        return link, bandwidth

    def link(self, number: int) -> tuple[Level, str, str, bool]:
        """The level of a link, the names of its two ends, and whether it leads but one way."""
        code, level = divmod(number, len(self._levels))
        return self._levels[level].ends(code)


class _Compiled:
    """One level: who is whom as numbers, and the pairs as a matrix over the few names that pairs mention."""

    def __init__(self, places: Sequence[Place], level: Level, costs: LevelCosts) -> None:
        names = sorted({name for pair in costs.pairs for name in pair})
        position = {name: number for number, name in enumerate(names)}
        rest = len(names)  # the row and the column of every name that no pair mentions
        self._latency = np.full((rest + 1, rest + 1), nan)
        self._bandwidth = np.full((rest + 1, rest + 1), UNKNOWN_BANDWIDTH, dtype=np.int64)
        for (origin, target), cost in costs.pairs.items():
            self._latency[position[origin], position[target]] = cost.latency_s
            self._bandwidth[position[origin], position[target]] = cost.bandwidth_bps
        own = [place.upto(level)[-1] for place in places]
        self._mentioned = np.array([position.get(name, rest) for name in own], dtype=np.int64)
        whole = [place.upto(level) if place.upto(level)[-1] else None for place in places]
        self._number = _numbered(whole)
        self._whole = list(dict.fromkeys(each for each in whole if each is not None))
        self._level = level
        self._parent = _numbered([place.upto(level)[:-1] for place in places])
        self._costs = costs

    def fill_in(self, origins: IntArray, targets: IntArray, latency: FloatArray, bandwidth: IntArray) -> None:
        """Writes into the holes of the two arrays what this level knows."""
        named, inside, across, name, other = self._cases(origins, targets)
        within, between = self._costs.within, self._costs.between
        for where, latency_s, bandwidth_bps in (
            (named, self._latency[name, other], self._bandwidth[name, other]),
            (inside, within.latency_s, within.bandwidth_bps),
            (across, between.latency_s, between.bandwidth_bps),
        ):
            np.copyto(latency, latency_s, where=where & np.isnan(latency))
            np.copyto(bandwidth, bandwidth_bps, where=where & (bandwidth == UNKNOWN_BANDWIDTH))

    def fill_in_links(
        self, origins: IntArray, targets: IntArray, link: IntArray, bandwidth: IntArray, level: int, levels: int
    ) -> None:
        """Writes into the holes of the two arrays which link of this level is on the way, and what it carries."""
        named, inside, across, name, other = self._cases(origins, targets)
        forth, back = self._bandwidth[name, other], self._bandwidth[other, name]
        said = np.where(named, forth, UNKNOWN_BANDWIDTH)
        one_way = (said != UNKNOWN_BANDWIDTH) & (forth != back)
        for where, bandwidth_bps in (
            (inside, self._costs.within.bandwidth_bps),
            (across, self._costs.between.bandwidth_bps),
        ):
            np.copyto(said, bandwidth_bps, where=where & (said == UNKNOWN_BANDWIDTH))
        here, there = self._number[origins], self._number[targets]
        turned = ~one_way & (here > there)
        first, second = np.where(turned, there, here), np.where(turned, here, there)
        codes = (first * len(self._whole) + second) * 2 + one_way
        hole = (bandwidth == UNKNOWN_BANDWIDTH) & (said != UNKNOWN_BANDWIDTH)
        np.copyto(link, codes * levels + level, where=hole)
        np.copyto(bandwidth, said, where=hole)

    def ends(self, code: int) -> tuple[Level, str, str, bool]:
        """What ``DeclaredCosts.link`` tells."""
        ends, one_way = divmod(code, 2)
        first, second = divmod(ends, len(self._whole))
        return self._level, self._label(first), self._label(second), bool(one_way)

    def _cases(
        self, origins: IntArray, targets: IntArray
    ) -> tuple[BoolArray, BoolArray, BoolArray, IntArray, IntArray]:
        """Where ``pairs``, ``within`` and ``between`` say something, and the names on both ends."""
        known = (self._number[origins] != _NONE) & (self._number[targets] != _NONE)
        same = self._number[origins] == self._number[targets]
        inside, across = known & same, known & ~same & (self._parent[origins] == self._parent[targets])
        name, other = self._mentioned[origins], self._mentioned[targets]
        named = known & (same | (name != other))  # of two racks that share a name, what is said is about neither pair
        return named, inside, across, name, other

    def _label(self, number: int) -> str:
        """The name of a place, with where it is if another has that name too."""
        whole = self._whole[number]
        if sum(each[-1] == whole[-1] for each in self._whole) == 1:
            return whole[-1]
        return "/".join(part for part in whole if part)


def _numbered(keys: Sequence[tuple[str, ...] | None]) -> IntArray:
    """Equal keys get equal numbers; None is -1."""
    numbers: dict[tuple[str, ...], int] = {}
    return np.array([_NONE if key is None else numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)
