"""What the leader knows of the network between the nodes: where each says that it is, and what others measured to it.

It is in the leader's memory alone, and a new leader hears it with the first heartbeats: each agent knows its own place.
What is kept of a node is bounded, so all of it grows with the number of nodes and not with that of pairs.

A node is believed where it says it is as far as the others find it there: the median of how far their last
measurements to it are from what its coordinate says must not be more than a half. So one that lies about itself is
found out by what others measure, and one that lies about others is outvoted. One that is not believed goes on being
measured, and weighs next to nothing meanwhile.
"""

import random
import statistics
from collections import OrderedDict
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from okube.model.network import Coordinate
from okube.model.wire import NetworkReport, ProbePeer, Probing
from okube.network.coordinates import DIMENSIONS, FARTHEST_S, ORIGIN, distance, is_sound, misfit
from okube.seams.clock import Clock
from okube.state import Tables

__all__ = ["Place", "Survey"]

PEERS_AT_ONCE = 4
NEAR_AT_ONCE = 2
EVERY_S = 10.0
EVERY_UNSURE_S = 2.0
STALE_S = 120.0  # a coordinate of which nothing was heard for so long says nothing

_MOST_MISFIT = 0.5
_SURE_ERROR = 0.2
_USABLE_ERROR = 0.5
_DOUBTED_ERROR = 10.0
_MOST_WITNESSES = 16
_MOST_MEASURED = 64
_NAMES_EVERY_S = 1.0


class Place(msgspec.Struct):
    """What is known of one node."""

    coordinate: Coordinate | None = None
    told_s: float = 0.0  # when, on the clock's monotonic time
    link_bps: int = -1
    sent_bps: int = -1
    received_bps: int = -1
    misfit: float | None = None  # the median of the others' measurements; None: none has measured
    measured: OrderedDict[str, float] = msgspec.field(default_factory=OrderedDict)  # by it: peer → seconds
    witnesses: OrderedDict[str, float] = msgspec.field(default_factory=OrderedDict)  # of it: who measured → seconds

    def believed(self, now_s: float) -> Coordinate | None:
        """Where the node is; None where that is not known, or not believed."""
        if self.coordinate is None or now_s - self.told_s > STALE_S:
            return None
        wrong, most = (self.coordinate.error, _USABLE_ERROR) if self.misfit is None else (self.misfit, _MOST_MISFIT)
        return self.coordinate if wrong <= most else None

    @property
    def is_doubted(self) -> bool:
        """Whether it is sure of itself, and the others do not find it there."""
        sure = self.coordinate is not None and self.coordinate.error <= _USABLE_ERROR
        return sure and self.misfit is not None and self.misfit > _MOST_MISFIT


class Survey:
    """Of one leader, as long as it leads."""

    def __init__(self, tables: Tables, clock: Clock, rng: random.Random) -> None:
        self._tables = tables
        self._clock = clock
        self._rng = rng
        self._places: dict[str, Place] = {}
        self._due: dict[str, float] = {}
        self._names: list[str] = []
        self._by_zone: dict[str, list[str]] = {}
        self._names_s = -_NAMES_EVERY_S

    def place(self, name: str) -> Place | None:
        """What is known of a node."""
        return self._places.get(name)

    def believed(self, name: str) -> Coordinate | None:
        """Where a node is, as far as that is known and believed."""
        place = self._places.get(name)
        return None if place is None else place.believed(self._clock.monotonic())

    def rows(self, names: Sequence[str]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """Coordinates (position and, last, height, in seconds; NaN where none) and link speeds (bit/s, -1) of nodes."""
        now_s = self._clock.monotonic()
        coordinates = np.full((len(names), DIMENSIONS + 1), np.nan)
        links = np.full(len(names), -1, dtype=np.int64)
        for row, name in enumerate(names):
            place = self._places.get(name)
            if place is None:
                continue
            links[row] = place.link_bps
            found = place.believed(now_s)
            if found is not None:
                coordinates[row, :-1] = found.position
                coordinates[row, -1] = found.height
        return coordinates, links

    def heard(self, name: str, report: NetworkReport) -> None:
        """Take what an agent says; numbers that cannot be are passed over."""
        place = self._places.setdefault(name, Place())
        place.told_s = self._clock.monotonic()
        moved = False
        if report.coordinate is not None and is_sound(report.coordinate):  # an agent that forgot it is told it again
            moved = report.coordinate != place.coordinate
            place.coordinate = report.coordinate
        place.link_bps = _speed(report.link_bps)
        place.sent_bps, place.received_bps = _speed(report.sent_bps), _speed(report.received_bps)
        for found in report.round_trips[:_MOST_MEASURED]:
            if found.peer in self._tables.nodes and found.peer != name and 0 < found.rtt_s <= FARTHEST_S:
                _remember(place.measured, found.peer, found.rtt_s, _MOST_MEASURED)
                other = self._places.setdefault(found.peer, Place())
                _remember(other.witnesses, name, found.rtt_s, _MOST_WITNESSES)
                self._judge(other)  # which may say nothing of what it measures itself
        if report.round_trips or moved:
            self._judge(place)

    def probing(self, name: str) -> Probing | None:
        """What a node is to measure next; None where it is not time yet, or there is nobody else."""
        now_s = self._clock.monotonic()
        if now_s < self._due.get(name, 0.0):
            return None
        place = self._places.get(name, Place())
        sure = place.coordinate is not None and place.coordinate.error <= _SURE_ERROR
        every_s = EVERY_S if sure else EVERY_UNSURE_S
        self._due[name] = now_s + every_s * self._rng.uniform(0.9, 1.1)
        self._look_at_names(now_s)
        peers = tuple(self._peer(each, now_s) for each in self._chosen(name))
        return Probing(peers, every_s, place.believed(now_s)) if peers else None

    def _chosen(self, name: str) -> list[str]:
        """Some of its own zone, and some of anywhere: near ones alone would not show where the others are."""
        node = self._tables.nodes[name]
        near = self._some(self._by_zone.get(node.zone, []), NEAR_AT_ONCE, {name}) if node.zone else []
        return near + self._some(self._names, PEERS_AT_ONCE - len(near), {name, *near})

    def _some(self, names: list[str], count: int, without: set[str]) -> list[str]:
        drawn = self._rng.sample(names, min(len(names), count + len(without)))
        fit = (name for name in drawn if name not in without and self._is_ready(name))
        return [name for _, name in zip(range(count), fit, strict=False)]

    def _is_ready(self, name: str) -> bool:
        node = self._tables.nodes.get(name)
        return node is not None and node.state == "ready"

    def _peer(self, name: str, now_s: float) -> ProbePeer:
        place = self._places.get(name, Place())
        found = place.believed(now_s)
        if found is None:
            found = place.coordinate or ORIGIN
            if place.is_doubted:
                found = msgspec.structs.replace(found, error=_DOUBTED_ERROR)
        return ProbePeer(name, self._tables.nodes[name].address, found)

    def _judge(self, place: Place) -> None:
        own = place.coordinate
        if own is None:
            return
        found = [
            misfit(distance(own, there), rtt_s)
            for name, rtt_s in place.witnesses.items()
            if (witness := self._places.get(name)) is not None and (there := witness.coordinate) is not None
        ]
        place.misfit = statistics.median(found) if found else None

    def _look_at_names(self, now_s: float) -> None:
        """The nodes that there are, and those that are none any more: not at each call, for there may be thousands."""
        if now_s - self._names_s < _NAMES_EVERY_S:
            return
        self._names_s = now_s
        self._names = sorted(self._tables.nodes)
        self._by_zone = {}
        for name in self._names:
            self._by_zone.setdefault(self._tables.nodes[name].zone, []).append(name)
        for gone in self._places.keys() - self._tables.nodes.keys():
            del self._places[gone]
            self._due.pop(gone, None)


def _remember(known: OrderedDict[str, float], name: str, rtt_s: float, most: int) -> None:
    known[name] = rtt_s
    known.move_to_end(name)
    if len(known) > most:
        known.popitem(last=False)


def _speed(bps: int) -> int:
    return bps if 0 <= bps <= 1 << 53 else -1
