"""Makes a history without an order small enough to be read."""

from collections.abc import Callable, Sequence

import msgspec

from tests.checker.operations import Operation
from tests.checker.search import MOST_PLACES, find_order

__all__ = ["shrink"]

HasOrder = Callable[[Sequence[Operation]], bool]


def shrink(
    operations: Sequence[Operation], *, furthest_s: float = float("inf"), most_places: int = MOST_PLACES
) -> list[Operation]:
    """Fewer operations of one key that still have no order. What was begun after ``furthest_s`` is known to be idle.

    First all that came long before the trouble, and all that came after the first answer that could not be explained;
    then the conditions of those compare-and-set that matter only as writes; then, in ever smaller pieces, what is not
    needed. A write stays as long as anybody that is left has seen its value, so that what remains goes wrong as the
    whole did.
    """

    def has_order(some: Sequence[Operation]) -> bool:
        return find_order(some, most_places=most_places)

    kept = _first(sorted(operations, key=lambda op: op.invoked_s), furthest_s, has_order)
    kept = _last(kept, has_order)
    kept = _until_it_fails(kept, has_order)
    kept = _without_conditions(kept, has_order)
    size = max(1, len(kept) // 2)
    while True:
        smaller = _without_pieces(kept, size, has_order)
        if size == 1 and len(smaller) == len(kept):
            return kept
        kept, size = smaller, max(1, size // 2)


def _first(operations: list[Operation], furthest_s: float, has_order: HasOrder) -> list[Operation]:
    """What was begun up to a moment, and the writes after it whose values are seen before."""
    begun = [op for op in operations if op.invoked_s <= furthest_s]
    needed = [_as_write(op) for op in operations[len(begun) :] if _are_seen([op], begun)]
    return operations if has_order([*begun, *needed]) else [*begun, *needed]


def _last(operations: list[Operation], has_order: HasOrder) -> list[Operation]:
    """The end of a history, as short as has no order, and the writes before it whose values are seen in it."""
    length = 32
    while length < len(operations):
        before, end = operations[:-length], operations[-length:]
        needed = [_as_write(op) for op in before if _are_seen([op], end)]
        if not has_order([*needed, *end]):
            return [*needed, *end]
        length *= 2
    return operations


def _until_it_fails(operations: list[Operation], has_order: HasOrder) -> list[Operation]:
    """What has an order has one up to any moment, so the first moment without one can be halved for."""
    ends = sorted({op.returned_s for op in operations if op.returned_s is not None})
    low, high = 0, len(ends) - 1
    while low < high:
        middle = (low + high) // 2
        if has_order(_until(operations, ends[middle])):
            low = middle + 1
        else:
            high = middle
    return _until(operations, ends[low])


def _until(operations: Sequence[Operation], moment_s: float) -> list[Operation]:
    """The history as it was at a moment: what had not returned was under way."""
    found = []
    for op in operations:
        if op.invoked_s > moment_s:
            continue
        if op.returned_s is None or op.returned_s <= moment_s:
            found.append(op)
        elif op.kind != "read":
            found.append(msgspec.structs.replace(op, returned_s=None, result=None))
    return found


def _without_conditions(operations: list[Operation], has_order: HasOrder) -> list[Operation]:
    """Each compare-and-set as the write that it was, where that does not explain anything: a write fits anywhere."""
    weaker = [_as_write(op) if op.kind == "cas" and op.writes else op for op in operations]
    if not has_order(weaker):
        return weaker
    for place in range(len(operations) - 1, -1, -1):
        changed = [*operations[:place], weaker[place], *operations[place + 1 :]]
        if weaker[place] is not operations[place] and not has_order(changed):
            operations = changed
    return operations


def _as_write(op: Operation) -> Operation:
    return msgspec.structs.replace(op, kind="write", expected=None, result=None)


def _without_pieces(operations: list[Operation], size: int, has_order: HasOrder) -> list[Operation]:
    """Leave out pieces of a length, the oldest first, as long as there is no order without them."""
    place = 0
    while place < len(operations):
        piece, rest = operations[place : place + size], operations[:place] + operations[place + size :]
        if not _are_seen(piece, rest) and not has_order(rest):
            operations = rest
        else:
            place += size
    return operations


def _are_seen(piece: Sequence[Operation], rest: Sequence[Operation]) -> bool:
    """Whether others have met a value of these: without it, they would go wrong for another reason."""
    values = {op.value for op in piece if op.writes}
    return bool(values) and any(
        (op.kind == "read" and op.result in values)
        or (op.kind == "cas" and op.result is not False and op.expected in values)
        for op in rest
    )
