"""What every node costs by what it holds, kept up to date: the part of a cost that tasks of many services share."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np

from okube.scheduler.filters import allowed_for, room_of_shape
from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import FloatArray, IntArray
from okube.scheduler.policies.basis import ByUse
from okube.scheduler.policies.parts import Parts
from okube.scheduler.policies.policy import Term
from okube.scheduler.policies.price import weighed_one, weighed_share
from okube.scheduler.ports import UNLIMITED
from okube.scheduler.use import Use

__all__ = ["OneByOne", "Standing", "standing_for"]

_FEW = 8
OfOne = Callable[[list[int], list[int], int, Demand], float]
Weighed = tuple[float, OfOne]


@runtime_checkable
class OneByOne(Protocol):
    """A score by use that tells the same of one node without arrays, which is quicker for a few of them."""

    def of_one(self, total: list[int], free: list[int], tasks: int, demand: Demand) -> float:
        """What ``of_use`` says of a node with these resources and so many tasks: 0 to 1."""


class Standing:
    """The cost of each node in billionths for tasks of one shape, infinite where there is no room, and that room.

    ``terms`` are scores by use. A task that is placed changes the numbers of its node alone: after ``renew`` all are
    what they would be if they were asked for anew. ``fitting`` is how many nodes have room.
    """

    def __init__(self, ledger: Ledger, demand: Demand, terms: tuple[Term, ...]) -> None:
        self._ledger = ledger
        self._demand = demand
        self._terms = [(term.weight, term.score) for term in terms if isinstance(term.score, ByUse)]
        ones = [(term.weight, term.score.of_one) for term in terms if isinstance(term.score, OneByOne)]
        self._ones = ones if len(ones) == len(terms) else None
        self._heaviest = terms[0] if terms else None
        self._allowed = allowed_for(ledger, demand)
        self._seen = ledger.kept.now
        rows = np.arange(len(ledger.nodes))
        self.room: IntArray = room_of_shape(ledger, demand, rows)
        self.costs: FloatArray = self.ask(ledger.use(rows))
        self.costs[self.room <= 0] = np.inf
        self.fitting = int(np.count_nonzero(self.room > 0))

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
        rows = np.array(touched)
        room = room_of_shape(self._ledger, self._demand, rows)
        costs = self.ask(self._ledger.use(rows))
        costs[room <= 0] = np.inf
        self.fitting += int(np.count_nonzero(room > 0) - np.count_nonzero(self.room[rows] > 0))
        self.room[rows], self.costs[rows] = room, costs

    def cost_of(self, term: Term, row: int) -> float:
        """What one of the scores adds to the cost of a node that has room."""
        if term is self._heaviest and self._ones is not None:  # what the others leave: to tell these takes less
            return float(self.costs[row]) - self._one(row, self._ledger.free[:, row].tolist(), self._ones[1:])
        assert isinstance(term.score, ByUse)
        use = self._ledger.use(np.array([row]))
        return float(weighed_share(term.weight, term.score.of_use(use, self._demand))[0])

    def _renew_one(self, row: int, ones: list[Weighed]) -> None:
        free = self._ledger.free[:, row].tolist()
        room = self._room_of_one(row, free)
        self.fitting += (room > 0) - bool(self.room[row] > 0)
        self.room[row] = room
        self.costs[row] = self._one(row, free, ones) if room else np.inf

    def _one(self, row: int, free: list[int], ones: list[Weighed]) -> float:
        total, tasks, cost = self._ledger.total[:, row].tolist(), int(self._ledger.tasks[row]), 0.0
        for weight, of_one in ones:
            cost += weighed_one(weight, of_one(total, free, tasks, self._demand))
        return cost

    def _room_of_one(self, row: int, free: list[int]) -> int:
        if not self._allowed[row]:
            return 0
        rooms = [left // asked for left, asked in zip(free, self._demand.asked, strict=True) if asked]
        return max(min(rooms, default=UNLIMITED), 0)


def standing_for(ledger: Ledger, demand: Demand, parts: Parts) -> Standing:
    """The standing for tasks of the shape of the demand, as of now."""
    standing = ledger.kept.fixed(("standing", demand.shape, parts), lambda: Standing(ledger, demand, parts.use))
    standing.renew()
    return standing
