"""The cheapest nodes for many equal tasks, one after another, out of a few nodes instead of all.

The *frontier* are the nodes that cost no more than some bound. Those outside cost more, and nothing that is placed
makes them cheaper, for all that changes for them is the share of their zone, and that grows. So as long as the best
node of the frontier costs no more than the bound, it is the best of all; once it does, the bound is raised.

Within the frontier each zone has a heap of its nodes by their cost without the zone's share, which is the same for all
of them; and one more heap has the best node of each zone. A node that gets a task comes back with what the next one
costs there, which is worked out for all nodes of the frontier at once, some tasks ahead.
"""

from collections.abc import Callable
from heapq import heapify, heappop, heapreplace

import numpy as np

from okube.scheduler.nodes import FloatArray, IntArray

__all__ = ["Frontier"]

_AHEAD = 8
_SPARE = 4
_FOLDS = 4
_TIMES = np.arange(1, _AHEAD + 1)
Ahead = Callable[[IntArray, IntArray], FloatArray]


class Frontier:
    """Nodes that get tasks of a group in turn.

    Args:
        costs: what a task costs on each node without the share of its zone, infinite where there is no room.
        room: how many tasks each node has room for.
        zones: the number of each node's zone; all the same where zones do not matter.
        zone_cost: what the share of a zone costs with so many tasks of the service in it: no less for more.
        in_zone: how many tasks of the service are in each zone that has some.
        ahead: what one more task costs on some nodes (rows) after so many more on each, without the zone.
    """

    def __init__(
        self,
        costs: FloatArray,
        room: IntArray,
        zones: IntArray | None,
        zone_cost: Callable[[int], float],
        in_zone: dict[int, int],
        ahead: Ahead,
    ) -> None:
        self._costs = costs
        self._room = room
        self._zones = zones
        self._zone_cost = zone_cost
        self._in_zone = in_zone
        self._ahead = ahead
        self._bound = -np.inf
        self._first = self._with_zones()
        self._next: dict[int, list[float]] = {}
        self._heaps: dict[int, list[tuple[float, int]]] = {}
        self._best: list[tuple[float, int, int]] = []
        self.taken: dict[int, int] = {}

    def fill(self, wanted: int) -> list[int]:
        """The nodes of so many tasks, or of as many as there is room for; ``taken`` then says how many each got."""
        chosen: list[int] = []
        taken, heaps, in_zone = self.taken, self._heaps, self._in_zone
        shares: dict[int, float] = {}
        self._widen(wanted)
        while len(chosen) < wanted:
            best = self._best
            if not best or best[0][0] > self._bound:
                if self._bound == np.inf:
                    break
                self._widen(wanted - len(chosen))
                continue
            _, row, zone = best[0]
            chosen.append(row)
            taken[row] = times = taken.get(row, 0) + 1
            in_zone[zone] = there = in_zone.get(zone, 0) + 1
            heap, following = heaps[zone], self._next[row]
            if times == len(following):
                following += self._further(row, times)
            if following[times] < np.inf:
                heapreplace(heap, (following[times], row))
            else:
                heappop(heap)
            if heap:
                share = shares.get(there)
                if share is None:
                    shares[there] = share = self._zone_cost(there)
                cost, row = heap[0]
                heapreplace(best, (cost + share, row, zone))
            else:
                heappop(best)
        return chosen

    def _widen(self, more: int) -> None:
        """Raises the bound for so many more tasks, and some nodes less: many get several tasks."""
        below, self._bound = self._bound, _at_least(self._first, self._bound, more - more // 4 + _SPARE)
        within = (self._first <= self._bound) & (self._first > below) & (self._first < np.inf)
        rows = np.flatnonzero(within)
        self._look_ahead(rows)
        zones = [0] * len(rows) if self._zones is None else self._zones[rows].tolist()
        for cost, row, zone in zip(self._costs[rows].tolist(), rows.tolist(), zones, strict=True):
            self._heaps.setdefault(zone, []).append((cost, row))
        for zone in set(zones):
            heapify(self._heaps[zone])
        self._best = [
            (heap[0][0] + self._zone_cost(self._in_zone.get(zone, 0)), heap[0][1], zone)
            for zone, heap in self._heaps.items()
            if heap
        ]
        heapify(self._best)

    def _look_ahead(self, rows: IntArray) -> None:
        times = _TIMES.repeat(len(rows))
        every = np.concatenate((rows,) * _AHEAD)
        costs = self._ahead(every, times)
        costs[self._room[every] <= times] = np.inf
        following = np.concatenate((self._costs[rows], costs)).reshape(_AHEAD + 1, len(rows)).T
        self._next.update(zip(rows.tolist(), following.tolist(), strict=True))

    def _further(self, row: int, times: int) -> list[float]:
        """The costs of twice as many tasks as were looked at so far."""
        more = np.arange(times, 2 * times)
        costs = np.where(self._room[row] > more, self._ahead(np.full(len(more), row), more), np.inf)
        following: list[float] = costs.tolist()
        return following

    def _with_zones(self) -> FloatArray:
        """The costs with the shares of the zones as they are at first."""
        if self._zones is None or not self._in_zone:
            return self._costs
        shares = np.zeros(int(self._zones.max()) + 1)
        for zone, count in self._in_zone.items():
            shares[zone] = self._zone_cost(count)
        return np.asarray(self._costs + shares[self._zones], dtype=np.float64)


def _at_least(costs: FloatArray, above: float, count: int) -> float:
    """A bound above ``above`` that ``count`` nodes keep, and not many more; infinite where there are not so many.

    The nodes are dealt into a few piles for each that is wanted. The cheapest of each pile are different nodes, so a
    bound that ``count`` of these keep is high enough; where the cheapest nodes lie in different piles, not too high.
    """
    if above > -np.inf:
        costs = costs[costs > above]
    folds = len(costs) // (_FOLDS * count)
    if folds > 1:
        width = len(costs) // folds
        rest = costs[folds * width :]
        costs = np.concatenate((costs[: folds * width].reshape(folds, width).min(axis=0), rest))
    if len(costs) <= count:
        return np.inf
    return float(np.partition(costs, count - 1)[count - 1])
