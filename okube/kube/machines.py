"""The nodes of a Kubernetes cluster as the network sees them: where each stands, by its labels or by a file."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import NamedTuple

import numpy as np

from okube.kube.protocol import Metadata
from okube.scheduler.declared import UNKNOWN_BANDWIDTH, Cost, Level, LevelCosts, Place
from okube.scheduler.network import NetworkView
from okube.scheduler.nodes import FloatArray, IntArray
from okube.scheduler.topology import Topology

__all__ = ["USUAL_COSTS", "Known", "Machines", "place_of"]

_REGION, _ZONE, _RACK = "topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.kubernetes.io/rack"
_MOST_NODES = 20_000

USUAL_COSTS: Mapping[Level, LevelCosts] = {
    Level.RACK: LevelCosts(within=Cost(0.0002)),
    Level.ZONE: LevelCosts(within=Cost(0.0005), between=Cost(0.002)),
    Level.REGION: LevelCosts(within=Cost(0.002), between=Cost(0.05)),
}
"""Round trips that are usual, for a cluster that only labels its nodes: who knows better gives a topology file."""


class Known(NamedTuple):
    """What an Okube cluster knows of a node: where it stands, and what was measured of it.

    ``coordinate`` is a position and, last, a height, in seconds of round trip; ``link_bps`` is in bit/s, -1 where
    nobody knows.
    """

    place: Place = Place()
    coordinate: tuple[float, ...] | None = None
    link_bps: int = UNKNOWN_BANDWIDTH


_NOTHING = Known()


class Machines:
    """The nodes by name, each with a row of the topology, which is made anew when a node has come, gone or moved.

    Args:
        costs: what is declared between regions, zones and racks; else what ``learn`` is told, else what is usual.
        told: where nodes stand by a person's word, which counts before their labels.
    """

    def __init__(
        self, costs: Mapping[Level, LevelCosts] | None = None, told: Mapping[str, Place] | None = None
    ) -> None:
        self._costs = costs
        self._told = dict(told or {})
        self._places: dict[str, Place] = dict(self._told)
        self._known: Mapping[str, Known] = {}
        self._declared: Mapping[Level, LevelCosts] = {}
        self._rows: dict[str, int] = {}
        self._view: NetworkView | None = None
        self.version = 0

    def __len__(self) -> int:
        return len(self._places)

    def put(self, metadata: Metadata) -> None:
        """A node as it is now."""
        place = self._told.get(metadata.name) or place_of(metadata)
        if self._places.get(metadata.name) == place:
            return
        if len(self._places) >= _MOST_NODES and metadata.name not in self._places:
            self._places = dict(self._told)  # nodes that come only with requests never go: begin again
        self._places[metadata.name] = place
        self._changed()

    def remove(self, name: str) -> None:
        """A node that is there no more; one that a person told of stays known."""
        if name not in self._told and self._places.pop(name, None) is not None:
            self._changed()

    def replace(self, nodes: Iterable[Metadata]) -> None:
        """All nodes there are."""
        listed = set()
        for metadata in nodes:
            listed.add(metadata.name)
            self.put(metadata)
        for name in [name for name in self._places if name not in listed]:
            self.remove(name)

    def learn(self, known: Mapping[str, Known], declared: Mapping[Level, LevelCosts]) -> None:
        """What an Okube cluster knows of nodes by their names, and what is declared there; counts after all else."""
        if (known, declared) != (self._known, self._declared):
            self._known, self._declared = dict(known), declared
            self._changed()

    @property
    def view(self) -> NetworkView:
        """The network between them as it is known now."""
        if self._view is None:
            self._rows = {name: row for row, name in enumerate(self._places)}
            self._view = NetworkView(self._topology())
        return self._view

    def _topology(self) -> Topology:
        known = [self._known.get(name, _NOTHING) for name in self._places]
        places = [_completed(place, of) for place, of in zip(self._places.values(), known, strict=True)]
        costs = self._declared or USUAL_COSTS if self._costs is None else self._costs
        links = np.array([of.link_bps for of in known], dtype=np.int64)
        return Topology(places, costs, coordinates=_coordinates([of.coordinate for of in known]), links=links)

    def rows_of(self, names: Iterable[str], otherwise: int) -> list[int]:
        """The row of each node in ``view``, or ``otherwise`` for one that is not known."""
        assert self._view is not None
        return list(map(self._rows.get, names, repeat(otherwise)))

    def known(self, counts: Mapping[str, int]) -> tuple[IntArray, IntArray]:
        """Rows and counts of those nodes of a count that are known, in the order of their rows."""
        found = sorted((self._rows[name], count) for name, count in counts.items() if name in self._rows)
        pairs = np.array(found, dtype=np.int64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]

    def _changed(self) -> None:
        self._view = None
        self.version += 1


def _completed(place: Place, known: Known) -> Place:
    """A place, with what it leaves open as an Okube cluster has it."""
    there = known.place
    return Place(place.region or there.region, place.zone or there.zone, place.rack or there.rack)


def _coordinates(given: Sequence[tuple[float, ...] | None]) -> FloatArray | None:
    """A row for each node, NaN where it has none; None where no node has any."""
    width = max((len(each) for each in given if each is not None), default=0)
    if not width:
        return None
    nowhere = (np.nan,) * width
    return np.array([each if each is not None and len(each) == width else nowhere for each in given], dtype=np.float64)


def place_of(metadata: Metadata) -> Place:
    """Where a node stands by its labels."""
    labels = metadata.labels or {}
    return Place(labels.get(_REGION, ""), labels.get(_ZONE, ""), labels.get(_RACK, ""))
