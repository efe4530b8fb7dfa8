"""Bandwidth that tasks have reserved on the links of a cluster, and where there is enough left for another.

A dependency with ``min_bandwidth`` is a *flow*: each task of the dependent reserves that much on the link of its own
node, on the declared link between the places of both, and on the link of the node with the nearest task of the
dependency. With one of them on its own node it reserves nothing, and as long as there is none at all neither. Nearest
is what ``Links.nearness`` says, among those tasks whose links could carry as much when they were empty. Of several that
are equally near each has its share.

So what is reserved is a function of where tasks are and of nothing else: not of the order in which they came, nor of
what others have reserved. What a task frees when it ends is what it took.

A task of the dependency that is placed draws flows towards it. It may do so while their links can carry them; where one
of them is over its capacity as it is (links were made slower, or other tasks of the dependency are gone), a new task
can only help, and nobody asks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from okube.scheduler.flows import Flow, Pairing, Way
from okube.scheduler.groups import CallRule, TaskGroup
from okube.scheduler.links import Links
from okube.scheduler.nodes import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from okube.scheduler.network import NetworkView

__all__ = ["SLACK_BPS", "Reserved", "Short", "reserved_in"]

_OWN = -1
_Load = tuple[IntArray, list[Way], IntArray, FloatArray]
SLACK_BPS = 1.0
"""What is lacking by no more than this lacks by rounding."""


@dataclass(frozen=True, slots=True)
class Short:
    """A link (-1: the own ones of the nodes) on which tasks on so many nodes would lack bandwidth.

    ``asked_bps`` is the most that one of them would ask for, to talk with these ``services``, and ``free_bps`` what is
    left of the link, or of the own one that has most.
    """

    link: int
    nodes: int
    asked_bps: float
    free_bps: float
    services: tuple[str, ...]

    def joined(self, other: "Short | None") -> "Short":
        """Both together, if there is another one on the same link."""
        if other is None:
            return self
        services = tuple(dict.fromkeys((*other.services, *self.services)))
        most, left = max(self.asked_bps, other.asked_bps), max(self.free_bps, other.free_bps)
        return Short(self.link, self.nodes + other.nodes, most, left, services)


class Reserved:
    """What all flows reserve; those of tasks that are placed while it is there are added.

    A flow that has no tasks yet has to be among ``flows`` as well, if it is to count when it gets some.
    """

    def __init__(self, links: Links, flows: Sequence[Flow]) -> None:
        self.links = links
        self._row = {name: row for row, name in enumerate(links.names)}
        self._ways: dict[tuple[str, str, int], Way] = {}
        for flow in flows:
            way = Way(flow, self._counts(flow.dependents), self._counts(flow.dependencies))
            self._ways[flow.key] = way
        self._used: FloatArray | None = None
        self._kept: dict[tuple[tuple[str, str, int], ...], list[_Load]] = {}

    @property
    def used(self) -> FloatArray:
        """What is reserved on each link, in bit/s."""
        if self._used is None:
            self._used = np.zeros(len(self.links.capacity))
            for way in self._ways.values():
                self._count(way)
        self._used = self._widened(self._used)
        return self._used

    @property
    def free(self) -> FloatArray:
        """What is left of each link; negative where more is reserved than it carries."""
        used = self.used
        return self.links.capacity[: len(used)] - used

    def of_each(self) -> Iterator[tuple[Flow, FloatArray]]:
        """What each flow reserves on each link, flow by flow."""
        used = self.used
        for way in self._ways.values():
            self._used = np.zeros(len(self.links.capacity))
            self._count(way)
            yield way.flow, self._used
            self._used = used

    def add(self, group: TaskGroup, rows: Sequence[int]) -> None:
        """Tasks of a group were placed, one for each row."""
        own = {(group.service, rule.service, rule.min_bandwidth_bps) for rule in _asking(group)}
        for key, way in self._ways.items():
            draws = way.flow.target == group.service
            if draws:
                self._count(way, -1.0)
                np.add.at(way.dependents, rows, int(key in own))
                np.add.at(way.targets, rows, 1)
                way.forget()
                self._kept.clear()
                self._count(way)
            elif key in own:
                np.add.at(way.dependents, rows, 1)
                self._count_more(way, np.asarray(rows))

    def allows(self, group: TaskGroup) -> BoolArray:
        """The nodes on which one more task of the group would find all the bandwidth that it asks for."""
        allowed = np.ones(self.links.nodes, dtype=np.bool_)
        own = self._own(group)
        if own:
            loads = self._loads(own)
            free = self.free + SLACK_BPS  # by now all links on the way are met
            for nodes, _, links, load in loads:
                fits = ((load <= free[links][None, :]) | (load == 0)).all(axis=1)
                allowed[nodes] &= fits[self.links.place_of[nodes]]
            asked = self._asked_here(own)
            allowed &= (asked == 0) | (asked <= free[: self.links.nodes])
        for way in self._ways.values():
            if way.flow.target == group.service:
                allowed &= self._may_draw(way)
        return allowed

    def shorts(self, group: TaskGroup, rows: IntArray) -> list[Short]:
        """On which links one more task of the group on any of these nodes would lack bandwidth.

        A node counts for its own link first, then for one other. One where only the flows towards it would be too much
        counts for none.
        """
        own = self._own(group)
        if not own:
            return []
        asked, free = self._asked_here(own)[rows], self.free[rows]
        full = (asked > 0) & (asked > free + SLACK_BPS)
        found = {}
        if full.any():
            found[_OWN] = Short(_OWN, int(full.sum()), float(asked[full].max()), float(free[full].max()), _names(own))
        for short in self._shared_shorts(own, rows[~full]):
            found[short.link] = short.joined(found.get(short.link))
        return list(found.values())

    def _shared_shorts(self, own: Sequence[Way], rows: IntArray) -> Iterator[Short]:
        for nodes, asking, links, load in self._loads(own):
            places, counts = np.unique(self.links.place_of[np.intersect1d(nodes, rows)], return_counts=True)
            for place, count in zip(places.tolist(), counts.tolist(), strict=True):
                lacking = np.flatnonzero((load[place] > self.free[links] + SLACK_BPS) & (load[place] > 0))
                if len(lacking):
                    link = int(links[lacking[-1]])  # a declared one, where there is one, says most
                    users = [way for way in asking if way.pairing(self.links).on(place, link) > 0]
                    free = float(self.free[link])
                    yield Short(link, count, float(load[place, lacking[-1]]), free, _names(users))

    def _counts(self, on_nodes: Mapping[str, int]) -> IntArray:
        counts = np.zeros(self.links.nodes, dtype=np.int64)
        for name, count in on_nodes.items():
            if name in self._row:
                counts[self._row[name]] += count
        return counts

    def _own(self, group: TaskGroup) -> list[Way]:
        """The flows that a task of the group would be a dependent of, as far as there is somebody to talk with."""
        keys = dict.fromkeys((group.service, rule.service, rule.min_bandwidth_bps) for rule in _asking(group))
        ways = (self._ways[key] for key in keys if key in self._ways)
        return [way for way in ways if way.targets.any()]

    def _loads(self, ways: Sequence[Way]) -> list[_Load]:
        """For nodes that have the same of the dependencies beside them: the flows that need links there.

        And what a task puts on which links, by place. It is kept until there is another task of a dependency.
        """
        keys = tuple(way.flow.key for way in ways)
        if keys not in self._kept:
            self._kept[keys] = list(self._made_loads(ways))
        return self._kept[keys]

    def _made_loads(self, ways: Sequence[Way]) -> Iterator[_Load]:
        beside = np.zeros(self.links.nodes, dtype=np.uint64)
        for number, way in enumerate(ways):
            beside |= (way.targets > 0).astype(np.uint64) << np.uint64(number)
        patterns, which = np.unique(beside, return_inverse=True)
        for number, pattern in enumerate(patterns.tolist()):
            asking = [way for bit, way in enumerate(ways) if not pattern >> bit & 1]
            if not asking:
                continue
            pairings = [way.pairing(self.links) for way in asking]
            links = np.unique(np.concatenate([pairing.links for pairing in pairings]))
            load = np.zeros((self.links.places, len(links)))
            for pairing in pairings:
                load[:, np.searchsorted(links, pairing.links)] += pairing.load
            yield np.flatnonzero(which == number), asking, links, load

    def _asked_here(self, ways: Sequence[Way]) -> FloatArray:
        """What a task on each node asks of the link of its own node."""
        asked = np.zeros(self.links.nodes)
        for way in ways:
            asked += np.where(way.targets > 0, 0.0, float(way.flow.bps))
        return asked

    def _count(self, way: Way, sign: float = 1.0) -> None:
        """Count what a flow reserves, or with sign -1 no longer."""
        if self._used is None or not way.targets.any() or not way.dependents.any():
            return
        pairing = way.pairing(self.links)
        used = self._used = self._widened(self._used)
        used[: self.links.nodes] += sign * way.remote * float(way.flow.bps)
        used[pairing.links] += sign * (way.by_place(self.links) @ pairing.load)

    def _count_more(self, way: Way, rows: IntArray) -> None:
        """Count what one more dependent on each of these nodes reserves."""
        rows = rows[way.targets[rows] == 0]
        if self._used is None or not way.targets.any() or len(rows) == 0:
            return
        pairing = way.pairing(self.links)
        used = self._used = self._widened(self._used)
        np.add.at(used, rows, float(way.flow.bps))
        used[pairing.links] += pairing.load[self.links.place_of[rows]].sum(axis=0)

    def _widened(self, used: FloatArray) -> FloatArray:
        missing = len(self.links.capacity) - len(used)
        return np.concatenate((used, np.zeros(missing))) if missing else used

    def _may_draw(self, way: Way) -> BoolArray:
        """The nodes where one more task of the dependency would not draw more towards it than the links carry."""
        allowed = np.ones(self.links.nodes, dtype=np.bool_)
        if not way.targets.any() or not way.remote.any() or self._is_over(way):
            return allowed
        links, bps = self.links, float(way.flow.bps)
        pairing, by_place = way.pairing(links), way.by_place(links)
        origins, every = np.flatnonzero(by_place), np.arange(links.places)
        shared = links.shared(origins[:, None], every[None, :])
        carries = np.where(shared < 0, np.inf, links.capacity[shared])
        distance, nearest = links.nearness(origins[:, None], every[None, :]), pairing.nearest[origins][:, None]
        joins = np.where(distance == nearest, 1.0 / (pairing.tasks[origins][:, None] + 1.0), 0.0)
        moved = np.where(carries >= bps, np.where(distance < nearest, 1.0, joins), 0.0)  # from origin to each place
        drawn = bps * (by_place[origins] @ moved)
        met, change = self._change(pairing, shared, moved * by_place[origins][:, None], origins, bps)
        most = np.maximum(self.free[met], 0.0) + SLACK_BPS
        fits: BoolArray = np.asarray((change <= most[None, :]).all(axis=1))
        place = links.place_of
        position = np.searchsorted(origins, place).clip(max=len(origins) - 1)
        own_share = np.where(origins[position] == place, moved[position, place], 0.0)
        relieved = way.remote * bps * (1.0 + own_share)  # who is on the node itself needs no link any more
        enough = drawn[place] - relieved <= self.free[: links.nodes] + SLACK_BPS
        speeds: FloatArray = links.capacity[: links.nodes]
        return (speeds < bps) | (enough & fits[place])  # a node with a slower link draws nothing

    def _change(
        self, pairing: Pairing, shared: IntArray, moved: FloatArray, origins: IntArray, bps: float
    ) -> tuple[IntArray, FloatArray]:
        """Which declared links have more or less to carry, by the place of the new task (rows)."""
        declared = pairing.links >= self.links.nodes
        met = np.unique(np.concatenate((pairing.links[declared], shared[shared >= 0])))
        change = np.zeros((shared.shape[1], len(met)))
        place = np.broadcast_to(np.arange(shared.shape[1])[None, :], shared.shape)
        over = shared >= 0
        np.add.at(change, (place[over], np.searchsorted(met, shared[over])), moved[over] * bps)
        lost = moved.T @ pairing.load[origins][:, declared]
        change[:, np.searchsorted(met, pairing.links[declared])] -= lost
        return met, change

    def _is_over(self, way: Way) -> bool:
        pairing = way.pairing(self.links)
        places = way.by_place(self.links) > 0
        used = pairing.links[pairing.load[places].any(axis=0)]
        own = np.flatnonzero(way.remote)
        return bool((self.free[np.concatenate((used, own))] < -SLACK_BPS).any())


def _names(ways: Sequence[Way]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(way.flow.target for way in ways))


def reserved_in(network: "NetworkView | None", names: Sequence[str]) -> Reserved | None:
    """What is reserved at the start of a placement; None where no task asks for bandwidth."""
    if network is None or not network.flows:
        return None
    return Reserved(Links(network.topology, names), network.flows)


def _asking(group: TaskGroup) -> Iterator[CallRule]:
    return (rule for rule in group.calls if rule.min_bandwidth_bps > 0 and not rule.depends and rule.service)
