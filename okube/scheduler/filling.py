"""Puts many equal tasks onto nodes at once, with the result of placing them one by one."""

import numpy as np

from okube.scheduler.choice import Choice, among_words
from okube.scheduler.filters import room_for
from okube.scheduler.groups import TaskGroup
from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import IntArray
from okube.scheduler.scores import best_by_score, order_by_score

__all__ = ["Filling"]


class Filling:
    """The tasks of one group on their way to nodes.

    Spread counts first, so nodes fill like water: no node gets another task while one with fewer of the service has
    room. Each step therefore takes the lowest level, sorts it once, and gives each of its nodes one task; k tasks on n
    nodes cost about k/n sorts. What a node has room for is counted once, at the start.
    """

    def __init__(self, ledger: Ledger, group: TaskGroup, demand: Demand) -> None:
        self._ledger = ledger
        self._demand = demand
        self._spread = ledger.spread
        self._room = room_for(ledger, demand)
        self._fewest = f"fewest tasks of {group.name or 'its service'}"

    def rows_with_room(self) -> IntArray:
        """The nodes that can take another task."""
        return np.flatnonzero(self._room > 0)

    def count_room(self, room: IntArray) -> None:
        """Each node takes so many more tasks: what was placed meanwhile can have made it less, or more."""
        self._room[:] = room

    def fill(self, among: IntArray, wanted: int) -> list[Choice]:
        """Places at most ``wanted`` tasks on these nodes (rows, ascending), and tells the node of each, in order."""
        choices: list[Choice] = []
        while wanted > 0:
            among = among[self._room[among] > 0]
            if len(among) == 0:
                break
            choices.append(self._step(among, wanted))
            wanted -= len(choices[-1].rows)
        return choices

    def _step(self, among: IntArray, wanted: int) -> Choice:
        tasks = self._spread.by_node[among]
        lowest = tasks.min()
        level = among[tasks == lowest]
        reasons = (self._fewest,) if len(level) < len(among) else ()
        if len(level) == 1:
            return self._raise_one(level, among, wanted, reasons)
        if wanted == 1:
            chosen, more = best_by_score(self._ledger, self._demand, self._spread, level)
        else:
            chosen = order_by_score(self._ledger, self._demand, self._spread, level)[:wanted]
            more = self._why_first(len(chosen), len(level))
        self._take(chosen, 1)
        rows: list[int] = chosen.tolist()
        return Choice(rows, self._sentence(among, (*reasons, *more)))

    def _raise_one(self, level: IntArray, among: IntArray, wanted: int, reasons: tuple[str, ...]) -> Choice:
        """A node that is alone at the lowest level gets every task until it reaches the next level."""
        tasks = self._spread.by_node[among]
        above = tasks[tasks > tasks.min()]
        times = min(wanted, int(self._room[level[0]]))
        if len(above):
            times = min(times, int(above.min() - tasks.min()))
        self._take(level, times)
        return Choice([int(level[0])] * times, self._sentence(among, reasons))

    def _why_first(self, chosen: int, level: int) -> tuple[str, ...]:
        if chosen == level:
            return ("each of these gets one",)
        return ("zones in turn", "least loaded") if self._ledger.zone_count > 1 else ("least loaded",)

    def _sentence(self, among: IntArray, reasons: tuple[str, ...]) -> str:
        return among_words(len(among), len(self._ledger.nodes), reasons)

    def _take(self, rows: IntArray, times: int) -> None:
        self._ledger.take(rows, self._demand, times)
        self._spread.add(rows, times)
        self._room[rows] -= times
