"""The definition itself: try every order, and every choice of what of unknown outcome has happened."""

from collections.abc import Sequence
from itertools import chain, combinations, permutations

from tests.checker import Operation, Value

__all__ = ["has_order"]


def has_order(operations: Sequence[Operation]) -> bool:
    """Whether there is an order; for a handful of operations of one key."""
    known = [op for op in operations if op.is_known]
    unknown = [op for op in operations if not op.is_known and op.kind != "read"]
    choices = chain.from_iterable(combinations(unknown, count) for count in range(len(unknown) + 1))
    return any(_explains(order) for chosen in choices for order in permutations([*known, *chosen]))


def _explains(order: Sequence[Operation]) -> bool:
    for place, op in enumerate(order):
        if any(later.returned_s is not None and later.returned_s < op.invoked_s for later in order[place + 1 :]):
            return False
    state: Value = None
    for op in order:
        fits, state = op.after(state)
        if not fits:
            return False
    return True
