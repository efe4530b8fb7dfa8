"""Moves of single tasks that make a placement better by the policy in force, until none does any more. Pure.

Each move that is found lowers one and the same measure of the whole placement (``okube.scheduler.gains``) by more than
a threshold. So the search ends; and where its moves were all made, a second search finds nothing.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from okube.scheduler.edges import Edge, cost_of
from okube.scheduler.filters import room_for
from okube.scheduler.gains import GAINS, Share
from okube.scheduler.groups import TaskGroup
from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.network import DEFAULT_TRAFFIC, Neighbour
from okube.scheduler.nodes import BoolArray, FloatArray, IntArray

__all__ = ["THRESHOLD", "Board", "Movable", "Step"]

THRESHOLD = 0.02
"""What a move has to gain of the score that says most for it, of 1."""

_UNIT = DEFAULT_TRAFFIC * 0.010
_UNMET = 10.0
_TARGETS = 8
_AT_ONCE = 8


@dataclass(slots=True, eq=False)
class Movable:
    """Tasks of one version of a service that may move; ``counts`` is how many of them each node has.

    ``group`` is one of them as ``place`` takes it; what it says of tasks on nodes is not looked at.
    """

    group: TaskGroup
    counts: IntArray


@dataclass(frozen=True, slots=True)
class Step:
    """One task of a movable (by number) goes from one node (row) to another, and why: the gain by each score."""

    movable: int
    origin: int
    target: int
    gain: float
    terms: tuple[tuple[str, float], ...]


class Board:
    """The nodes, the tasks that may move, and where all tasks of the services that matter are.

    ``placed`` has how many tasks of each service (id) each node has: of the movable ones, and of those in their rules
    and ``edges``. ``weights`` are those of the policy's scores, by name; ones without a measure count for nothing.
    """

    def __init__(
        self,
        ledger: Ledger,
        movables: Sequence[Movable],
        placed: Mapping[str, IntArray],
        edges: Sequence[Edge],
        weights: Mapping[str, float],
    ) -> None:
        self.ledger = ledger
        self.movables = movables
        self.placed = dict(placed)
        self._demands = [Demand.of(movable.group, ledger.named) for movable in movables]
        self._weights = {name: weight for name, weight in weights.items() if name in GAINS}
        self._made = 0
        self._shares: tuple[int, int, dict[str, Share]] | None = None
        self._network = weights.get("network", 0.0)
        self._edges: dict[str, list[Edge]] = {}
        for edge in edges if ledger.network is not None else ():
            for service in {edge.source, edge.target}:
                self._edges.setdefault(service, []).append(edge)

    def search(self, most: int, *, threshold: float = THRESHOLD) -> Generator[None, None, list[Step]]:
        """At most so many moves, those that gain most first, a slice of work at a time; they are made on this board."""
        steps: list[Step] = []
        while len(steps) < most:
            found = yield from self._candidates()
            before = len(steps)
            for count, (_, number, origin) in enumerate(found):
                if count % _AT_ONCE == _AT_ONCE - 1:
                    yield
                if len(steps) == most:
                    break
                if not self.movables[number].counts[origin]:
                    continue
                step = self._best(number, origin, threshold)
                if step is not None:
                    self.make(step)
                    steps.append(step)
            if len(steps) == before:
                break
        return steps

    def make(self, step: Step) -> None:
        """Have the move made."""
        movable, demand = self.movables[step.movable], self._demands[step.movable]
        self.ledger.free[:, step.origin] += demand.resources[:, 0]
        self.ledger.free[:, step.target] -= demand.resources[:, 0]
        for counts in (movable.counts, self.placed[movable.group.service], self.ledger.tasks):
            counts[step.origin] -= 1
            counts[step.target] += 1
        self.ledger.kept.touch([step.origin, step.target])
        self.ledger.hearing = None
        self._made += 1

    def _candidates(self) -> Generator[None, None, list[tuple[float, int, int]]]:
        """What may be worth a closer look: movables and nodes, what promises most first."""
        found = []
        for number, movable in enumerate(self.movables):
            origins = np.flatnonzero(movable.counts)
            if self._talks(number):
                promised = np.zeros(len(origins))
                for count, origin in enumerate(origins.tolist()):
                    if count % _AT_ONCE == _AT_ONCE - 1:
                        yield
                    promised[count] = self._promises(number, origin)[0].max(initial=0.0)
            else:
                promised = self._most(number)[origins]
            found += [(-promised[at], number, int(origins[at])) for at in np.flatnonzero(promised > 0).tolist()]
            yield
        return sorted(found)

    def _talks(self, number: int) -> bool:
        return bool(self._network and self._edges.get(self.movables[number].group.service))

    def _most(self, number: int) -> FloatArray:
        """For each node, no less than a move of a task away from it can gain."""
        counts = self.placed[self.movables[number].group.service]
        leaving, arriving = np.zeros(len(counts)), np.zeros(len(counts))
        for name, share in self._shares_of(number).items():
            leaving += self._weights[name] * share.leaving
            arriving += self._weights[name] * share.arriving
        if not len(counts):
            return leaving
        in_zone = self._weights.get("zones", 0.0) / max(1, int(counts.sum()))
        return np.asarray(leaving - arriving.min() + in_zone, dtype=np.float64)

    def _shares_of(self, number: int) -> dict[str, Share]:
        """What moves of such tasks are worth by each score; worked out once between two moves."""
        if self._shares is None or self._shares[:2] != (number, self._made):
            demand, counts = self._demands[number], self.placed[self.movables[number].group.service]
            found = {name: GAINS[name](self.ledger, demand, counts) for name in self._weights}
            self._shares = (number, self._made, found)
        return self._shares[2]

    def _promises(self, number: int, origin: int) -> tuple[FloatArray, dict[str, FloatArray]]:
        """What each node would gain, weighed and in all, if it had room; and by each score, not weighed."""
        counts = self.placed[self.movables[number].group.service]
        terms = {name: share.leaving[origin] - share.arriving for name, share in self._shares_of(number).items()}
        if "zones" in terms:
            terms["zones"][self.ledger.zones == self.ledger.zones[origin]] = 0.0
        if self._talks(number):
            terms["network"] = self._nearer(number, origin)
        total = np.zeros(len(counts))
        for name, gain in terms.items():
            total += (self._network if name == "network" else self._weights[name]) * gain
        total[origin] = 0.0
        return total, terms

    def _best(self, number: int, origin: int, threshold: float) -> Step | None:
        total, terms = self._promises(number, origin)
        if total.max(initial=0.0) <= 0:
            return None
        total = np.where(self._room(number, origin), total, 0.0)
        for target in np.argsort(-total, kind="stable")[:_TARGETS].tolist():
            if total[target] <= 0:
                return None
            step = self._step(number, origin, target, {name: float(gain[target]) for name, gain in terms.items()})
            if step is not None and step.gain >= threshold:
                return step
        return None

    def _step(self, number: int, origin: int, target: int, terms: dict[str, float]) -> Step | None:
        """The move, with what it gains in the network counted out; None where it breaks a limit."""
        service = self.movables[number].group.service
        edges = self._edges.get(service, ())
        if edges:
            unmet, cost = self._network_of(service)
            counts = self.placed[service]
            counts[origin] -= 1
            counts[target] += 1
            unmet_then, cost_then = self._network_of(service)
            counts[origin] += 1
            counts[target] -= 1
            if unmet_then > unmet:
                return None
            if self._network:
                terms["network"] = (cost - cost_then) / _UNIT + _UNMET * (unmet - unmet_then)
        weights = {**self._weights, "network": self._network}
        weighed = {name: weights[name] * gain for name, gain in terms.items()}
        first = max(weighed, key=lambda name: (weighed[name], name), default=None)
        if first is None or weighed[first] <= 0:
            return None
        told = sorted(((name, gain) for name, gain in weighed.items() if gain), key=lambda each: -each[1])
        return Step(number, origin, target, sum(weighed.values()) / weights[first], tuple(told))

    def _network_of(self, service: str) -> tuple[int, float]:
        """For how many tasks a limit is not kept, and the bits under way, of all edges of a service."""
        assert self.ledger.network is not None
        found = [
            cost_of(self.ledger.network, e, self.placed[e.source], self.placed[e.target]) for e in self._edges[service]
        ]
        return sum(each.unmet_tasks for each in found), sum(each.cost for each in found)

    def _nearer(self, number: int, origin: int) -> FloatArray:
        """What the network seems to gain on each node, with the task off its own."""
        assert self.ledger.network is not None
        service = self.movables[number].group.service
        own = self.placed[service].copy()
        own[origin] -= 1
        neighbours = []
        for edge in self._edges[service]:
            depends = edge.target == service
            counts = self.placed[edge.source if depends else edge.target]
            rows = np.flatnonzero(counts)
            neighbours.append(
                Neighbour(edge.source_name, rows, counts[rows], traffic_bps=edge.traffic_bps, depends=depends)
            )
        cost = self.ledger.network.judge(np.flatnonzero(own), neighbours).cost
        return np.asarray((cost[origin] - cost) / _UNIT, dtype=np.float64)

    def _room(self, number: int, origin: int) -> BoolArray:
        """Which nodes could take such a task, were this one not where it is."""
        movable, demand, ledger = self.movables[number], self._demands[number], self.ledger
        group = movable.group
        names = ledger.nodes.names
        own = self.placed[group.service].copy()
        own[origin] -= 1
        asked = [*(rule.service for rule in group.company), *(rule.service for rule in group.calls)]
        others = {service: self.placed[service] for service in asked if service}
        others[group.service] = own
        known = {service: _by_name(names, counts) for service, counts in others.items()}
        lifted = replace(group, placed=known[group.service], others=known, avoid={}, nominated={})
        ledger.free[:, origin] += demand.resources[:, 0]
        ledger.kept.touch([origin])
        ledger.hearing = None
        ledger.begin(lifted)
        room: BoolArray = room_for(ledger, replace(demand, group=lifted)) > 0
        ledger.free[:, origin] -= demand.resources[:, 0]
        ledger.kept.touch([origin])
        ledger.hearing = None
        return room


def _by_name(names: Sequence[str], counts: IntArray) -> dict[str, int]:
    return {names[row]: int(counts[row]) for row in np.flatnonzero(counts).tolist()}
