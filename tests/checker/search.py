"""The search for an order: Wing and Gong's algorithm, with Lowe's memory of where it has been.

J. M. Wing and C. Gong, "Testing and verifying concurrent objects", 1993: take, one after the other, an operation that
was begun before any that is left had returned; go back where none fits. G. Lowe, "Testing for linearizability", 2017:
two ways that took the same operations and left the same value go on alike, so each such place is visited once. Per key,
after A. Horn and D. Kroening, "Faster linearizability checking via P-compositionality", 2015.

More cuts, each of which keeps an order if there is one:

* A value that somebody has seen who is still to come, and that nobody is left to write, is not written over.
* What fits now and changes nothing (a read, a refused cas) is taken at once; to move it forwards harms nobody.
* Where the outcome of a write is unknown, it is taken only if something that could be next tells its value from the one
  before. Otherwise it could as well come last, which is to say never.
* A write whose value nobody has seen is taken right before the next write, or when there is no more time, or where
  somebody was refused because the value before it was gone.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from tests.checker.operations import Operation, Value

__all__ = ["MOST_PLACES", "Undecided", "find_dead_end", "find_order"]

MOST_PLACES = 5_000_000
"""Places to visit before it gives up."""


class Undecided(Exception):
    """The search has visited too many places; shorter histories or fewer clients a key are decided."""


class _Place(NamedTuple):
    """Known operations before ``base`` are taken, and those whose bits are set in ``later`` from there on."""

    base: int
    later: int
    unknown: int
    state: Value


def find_order(operations: Sequence[Operation], *, most_places: int = MOST_PLACES) -> bool:
    """Whether the operations of one key have an order that explains their results.

    Raises:
        Undecided: after ``most_places`` places.
    """
    return find_dead_end(operations, most_places=most_places) is None


def find_dead_end(operations: Sequence[Operation], *, most_places: int = MOST_PLACES) -> float | None:
    """None if there is an order; else the moment behind which nothing has to be looked at to see that there is none."""
    search = _Search(operations)
    start = search.settle(_Place(0, 0, 0, None))
    seen = {start}
    ahead = [start]
    while ahead:
        place = ahead.pop()
        if place.base == len(search.known):
            return None
        for following in search.following(place):
            if following not in seen:
                seen.add(following)
                ahead.append(following)
        if len(seen) > most_places:
            raise Undecided(
                f"{len(operations)} operations of {operations[0].key}: no answer after {most_places} places"
            )
    return search.furthest_s


class _Search:
    def __init__(self, operations: Sequence[Operation]) -> None:
        self.furthest_s = float("-inf")
        self.known = sorted((op for op in operations if op.is_known), key=lambda op: op.invoked_s)
        self._unknown = [op for op in operations if not op.is_known and op.kind != "read"]
        self._invoked = [op.invoked_s for op in self.known]
        self._returned = [op.returned_s or 0.0 for op in self.known]
        told = {op.result for op in self.known if op.kind == "read"}
        told |= {op.expected for op in operations if op.kind == "cas"}
        self._unseen = [op.kind == "write" and op.value not in told for op in self.known]
        self._refusals = any(op.kind == "cas" and op.result is False for op in self.known)
        self._needing = _numbers_by_value(self.known, _needed)
        self._giving = _numbers_by_value(self.known, _given)
        self._unknown_cas = [number for number, op in enumerate(self._unknown) if op.kind == "cas"]
        self._unknown_giving = _numbers_by_value(self._unknown, _given)

    def following(self, place: _Place) -> Iterator[_Place]:
        """Where to go from a place; the most promising comes last: what had to be done soonest."""
        known, horizon = self._candidates(place)
        self.furthest_s = max(self.furthest_s, horizon)
        refused = any(self._is_refused_for_now(number, place.state) for number in known)
        yield from self._unknown_steps(place, known, horizon, refused=refused)
        for number in sorted(known, key=self._returned.__getitem__, reverse=True):
            op = self.known[number]
            fits, state = op.after(place.state)
            if not fits or not op.writes or self._is_needed(place, number):
                continue
            if self._unseen[number] and not refused and self._returned[number] > horizon:
                continue
            yield from self._ways(_take(place, [number]), op, state, [other for other in known if other != number])

    def _ways(self, place: _Place, op: Operation, state: Value, others: Sequence[int]) -> Iterator[_Place]:
        """Take it right behind the writes that nobody has seen; where these may tell, also without them."""
        unseen = [number for number in others if self._unseen[number]] if op.kind == "write" else []
        if self._refusals or not unseen:
            yield self.settle(place._replace(state=state))
        if unseen:
            yield self.settle(_take(place, unseen)._replace(state=state))

    def _is_refused_for_now(self, number: int, state: Value) -> bool:
        op = self.known[number]
        return op.kind == "cas" and op.result is False and op.expected == state

    def _is_needed(self, place: _Place, following: int | None) -> bool:
        """Whether the value must stay: somebody has seen it who is not taken yet, and nobody is left to write it."""
        needing = self._needing.get(place.state, ())
        left = [n for n in needing[bisect_left(needing, place.base) :] if n != following and self._is_left(place, n)]
        if not left:
            return False
        given = self._giving.get(place.state, ())
        if any(self._is_left(place, n) for n in given[bisect_left(given, place.base) :]):
            return False
        self.furthest_s = max(self.furthest_s, self._invoked[left[0]])
        return all(place.unknown >> number & 1 for number in self._unknown_giving.get(place.state, ()))

    def _is_left(self, place: _Place, number: int) -> bool:
        return not place.later >> (number - place.base) & 1

    def settle(self, place: _Place) -> _Place:
        """Take all that fits and changes nothing."""
        while True:
            known, _ = self._candidates(place)
            taken = [n for n in known if not self.known[n].writes and self.known[n].after(place.state)[0]]
            if not taken:
                return place
            place = _take(place, taken)

    def _candidates(self, place: _Place) -> tuple[list[int], float]:
        """The known operations that may be next, begun before any that is left had returned; and when that was."""
        horizon = float("inf")
        found: list[int] = []
        later = place.later
        for number in range(place.base, len(self.known)):
            if self._invoked[number] > horizon:
                break
            if not later & 1:
                found.append(number)
                horizon = min(horizon, self._returned[number])
            later >>= 1
        return [number for number in found if self._invoked[number] <= horizon], horizon

    def _unknown_steps(self, place: _Place, known: list[int], horizon: float, *, refused: bool) -> Iterator[_Place]:
        if not self._unknown or self._is_needed(place, None):
            return
        for number in self._useful(place, known, horizon, refused=refused):
            op = self._unknown[number]
            _, state = op.after(place.state)
            if state != place.state and op.invoked_s <= horizon and not place.unknown >> number & 1:
                yield from self._ways(place._replace(unknown=place.unknown | 1 << number), op, state, known)

    def _useful(self, place: _Place, known: list[int], horizon: float, *, refused: bool) -> Iterable[int]:
        """Those after which something fits that does not fit now."""
        if refused:
            return range(len(self._unknown))
        wanted = dict.fromkeys(value for number in known for value in _needed(self.known[number]))
        for number in self._unknown_cas:
            if not place.unknown >> number & 1 and self._unknown[number].invoked_s <= horizon:
                wanted[self._unknown[number].expected] = None
        return dict.fromkeys(number for value in wanted for number in self._unknown_giving.get(value, ()))


def _take(place: _Place, numbers: Sequence[int]) -> _Place:
    base, later = place.base, place.later
    for number in numbers:
        later |= 1 << (number - base)
    while later & 1:
        base, later = base + 1, later >> 1
    return _Place(base, later, place.unknown, place.state)


def _needed(op: Operation) -> tuple[Value, ...]:
    """The value that an operation of known outcome has met."""
    if op.kind == "read":
        return (op.result,)
    return (op.expected,) if op.kind == "cas" and op.result else ()


def _given(op: Operation) -> tuple[Value, ...]:
    """The value that an operation leaves, or may leave."""
    return (op.value,) if op.writes else ()


def _numbers_by_value(
    operations: Sequence[Operation], value_of: Callable[[Operation], tuple[Value, ...]]
) -> dict[Value, list[int]]:
    found: dict[Value, list[int]] = {}
    for number, op in enumerate(operations):
        for value in value_of(op):
            found.setdefault(value, []).append(number)
    return found
