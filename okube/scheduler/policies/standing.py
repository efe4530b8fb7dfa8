"""What every node costs by what it holds, kept up to date: the part of a cost that tasks of many services share."""

from collections.abc import Callable
from math import inf
from typing import Protocol, runtime_checkable

import numpy as np

from okube.scheduler.filters import allowed_for, room_of_shape
from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import BoolArray, FloatArray, IntArray
from okube.scheduler.policies.basis import ByUse
from okube.scheduler.policies.parts import Parts
from okube.scheduler.policies.policy import Term
from okube.scheduler.policies.price import BILLION, weighed_share
from okube.scheduler.ports import UNLIMITED
from okube.scheduler.use import Use

__all__ = ["OneByOne", "Standing", "standing_for"]

_FEW = 8
OfOne = Callable[[list[int], list[int], int, Demand], float]
Weighed = tuple[float, OfOne, FloatArray]


@runtime_checkable
class OneByOne(Protocol):
    """A score by use that tells the same of one node without arrays, which is quicker for a few of them."""

    def of_one(self, total: list[int], free: list[int], tasks: int, demand: Demand) -> float:
        """What ``of_use`` says of a node with these resources and so many tasks: 0 to 1."""


class Standing:
    """The cost of each node in billionths for tasks of one shape, infinite where there is no room, and that room.

    ``terms`` are scores by use. A task that is placed changes the numbers of its node alone: after ``renew`` all are
    what they would be if they were asked for anew. ``fits`` tells which nodes have room.
    """

    def __init__(self, ledger: Ledger, demand: Demand, terms: tuple[Term, ...]) -> None:
        self._ledger = ledger
        self._demand = demand
        self._terms = [(term.weight, term.score) for term in terms if isinstance(term.score, ByUse)]
        self._each: dict[str, FloatArray] = {term.score.name: np.zeros(len(ledger.nodes)) for term in terms}
        ones: list[Weighed] = [
            (term.weight * BILLION, term.score.of_one, self._each[term.score.name])
            for term in terms
            if isinstance(term.score, OneByOne)
        ]
        self._ones = ones if len(ones) == len(terms) else None
        self._allowed = allowed_for(ledger, demand)
        self._seen = ledger.kept.now
        rows = np.arange(len(ledger.nodes))
        self.room: IntArray = np.zeros(len(rows), dtype=np.int64)
        self.fits: BoolArray = np.zeros(len(rows), dtype=np.bool_)
        self.costs: FloatArray = np.full(len(rows), np.inf)
        self._renew_many(rows)

    def ask(self, use: Use) -> FloatArray:
        """What one more task costs on nodes that are used so, whether or not there is room."""
        costs = np.zeros(len(use.tasks))
        for weight, score in self._terms:
            costs += weighed_share(weight, score.of_use(use, self._demand))
        return costs

    def renew(self) -> None:
        """Counts what was placed since."""
        kept = self._ledger.kept
        if self._seen == kept.now:
            return
        touched = kept.touched_since(self._seen)
        self._seen = kept.now
        if self._ones is not None and len(touched) <= _FEW:
            for row in touched:
                self._renew_one(row, self._ones)
            return
        self._renew_many(np.array(touched))

    def _renew_many(self, rows: IntArray) -> None:
        room, use, costs = room_of_shape(self._ledger, self._demand, rows), self._ledger.use(rows), np.zeros(len(rows))
        for weight, score in self._terms:
            each = self._each[score.name][rows] = weighed_share(weight, score.of_use(use, self._demand))
            costs += each
        fits = room > 0
        costs[~fits] = np.inf
        self.room[rows], self.fits[rows], self.costs[rows] = room, fits, costs

    def cost_of(self, term: Term, row: int) -> float:
        """What one of the scores adds to the cost of a node."""
        return float(self._each[term.score.name][row])

    def _renew_one(self, row: int, ones: list[Weighed]) -> None:
        ledger, demand, room, cost = self._ledger, self._demand, 0, inf
        if self._allowed[row]:
            free = ledger.free[:, row].tolist()
            rooms = [left // asked for left, asked in zip(free, demand.asked, strict=True) if asked]
            room = max(min(rooms), 0) if rooms else UNLIMITED
        if room:
            cost, total, tasks = 0.0, ledger.total[:, row].tolist(), int(ledger.tasks[row])
            for weight, of_one, each in ones:
                each[row] = one = float(round(of_one(total, free, tasks, demand) * weight))
                cost += one
        self.room[row], self.fits[row], self.costs[row] = room, room > 0, cost


def standing_for(ledger: Ledger, demand: Demand, parts: Parts) -> Standing:
    """The standing for tasks of the shape of the demand, as of now."""
    standing = ledger.kept.fixed(("standing", demand.shape, parts), lambda: Standing(ledger, demand, parts.use))
    standing.renew()
    return standing
