"""Flows: tasks of one service that ask for bandwidth to another, and whom each of them reserves it to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from okube.scheduler.links import Links
from okube.scheduler.nodes import BoolArray, FloatArray, IntArray

__all__ = ["Flow", "Pairing", "Way", "without_task"]


@dataclass(frozen=True, slots=True)
class Flow:
    """Tasks of one service that talk with those of another at so many bit/s each; nodes with their counts."""

    service: str
    target: str
    bps: int
    dependents: Mapping[str, int]
    dependencies: Mapping[str, int]

    @property
    def key(self) -> tuple[str, str, int]:
        """What tells a flow from others."""
        return self.service, self.target, self.bps


class Pairing:
    """What one dependent in each place reserves beyond its own link, given the nodes with tasks of the dependency."""

    def __init__(self, links: Links, bps: int, targets: IntArray) -> None:
        rows, counts = np.flatnonzero(targets), targets[targets > 0]
        every, place = np.arange(links.places), links.place_of[rows]
        shared = links.shared(every[:, None], place[None, :])
        carries = np.where(shared < 0, np.inf, links.capacity[shared])
        speeds: FloatArray = links.capacity[rows]
        able: BoolArray = np.minimum(carries, speeds[None, :]) >= bps
        self.able: BoolArray = np.asarray(able.any(axis=1))
        distance = links.nearness(every[:, None], place[None, :])
        distance[~able & self.able[:, None]] = np.inf
        self.nearest = distance.min(axis=1)
        weight = np.where(distance == self.nearest[:, None], counts[None, :], 0)
        self.tasks = weight.sum(axis=1)
        share = weight * (bps / self.tasks)[:, None]
        self.links, self.load = _by_link(np.broadcast_to(rows, shared.shape), shared, share)

    def on(self, place: int, link: int) -> float:
        """What one dependent in a place puts on a link, in bit/s."""
        column = int(np.searchsorted(self.links, link))
        there = column < len(self.links) and self.links[column] == link
        return float(self.load[place, column]) if there else 0.0


def _by_link(rows: IntArray, shared: IntArray, share: FloatArray) -> tuple[IntArray, FloatArray]:
    """Loads by place (rows of the result) and by link: those named, and what each place puts on each."""
    both = np.concatenate((rows, shared), axis=1)
    links, column = np.unique(both, return_inverse=True)
    load = np.zeros((len(both), len(links)))
    place = np.broadcast_to(np.arange(len(both))[:, None], both.shape)
    np.add.at(load, (place, column.reshape(both.shape)), np.concatenate((share, share), axis=1))
    if len(links) and links[0] < 0:  # no link is on the way there
        links, load = links[1:], load[:, 1:]
    used = load.any(axis=0)
    return links[used], load[:, used]


class Way:
    """One flow with its counts by row, which change as tasks are placed."""

    def __init__(self, flow: Flow, dependents: IntArray, targets: IntArray) -> None:
        self.flow = flow
        self.dependents = dependents
        self.targets = targets
        self._pairing: Pairing | None = None

    def pairing(self, links: Links) -> Pairing:
        """Whom its dependents reserve bandwidth to, kept until ``forget``."""
        if self._pairing is None:
            self._pairing = Pairing(links, self.flow.bps, self.targets)
        return self._pairing

    def forget(self) -> None:
        """The dependency has other tasks now."""
        self._pairing = None

    @property
    def remote(self) -> IntArray:
        """The dependents on nodes without a task of the dependency."""
        return np.where(self.targets > 0, 0, self.dependents)

    def by_place(self, links: Links) -> FloatArray:
        """How many of those each place has."""
        counts = np.bincount(links.place_of, weights=self.remote, minlength=links.places)
        return counts.astype(np.float64)


def without_task(flows: Sequence[Flow], service: str, node: str) -> list[Flow]:
    """The flows as they would be without one task of a service on a node."""
    return [
        replace(
            flow,
            dependents=_one_less(flow.dependents, node) if flow.service == service else flow.dependents,
            dependencies=_one_less(flow.dependencies, node) if flow.target == service else flow.dependencies,
        )
        for flow in flows
    ]


def _one_less(counts: Mapping[str, int], node: str) -> Mapping[str, int]:
    return {name: count - (name == node) for name, count in counts.items()}
