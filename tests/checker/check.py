"""The check of a whole history, and what it says of one that has no explanation."""

from collections.abc import Iterable, Sequence

import msgspec

from tests.checker.operations import Operation
from tests.checker.search import MOST_PLACES, find_dead_end
from tests.checker.shrink import shrink

__all__ = ["Violation", "check"]


class Violation(msgspec.Struct, frozen=True):
    """A key whose operations have no order, and the fewest of them that show it."""

    key: str
    operations: list[Operation]

    def __str__(self) -> str:
        lines = [f"{self.key}: no order of these operations explains what they saw, and what they did"]
        return "\n".join([*lines, *(f"  {operation}" for operation in self.operations)])


def check(history: Iterable[Operation], *, most_places: int = MOST_PLACES) -> Violation | None:
    """The first key, in order of names, that is not linearizable; None where all are.

    Raises:
        Undecided: a key has too many operations at a time for ``most_places``.
    """
    by_key: dict[str, list[Operation]] = {}
    for operation in history:
        if operation.is_known or operation.kind != "read":
            by_key.setdefault(operation.key, []).append(operation)
    for key in sorted(by_key):
        furthest_s = find_dead_end(by_key[key], most_places=most_places)
        if furthest_s is not None:
            return Violation(key, _shown(shrink(by_key[key], furthest_s=furthest_s, most_places=most_places)))
    return None


def _shown(operations: Sequence[Operation]) -> list[Operation]:
    return sorted(operations, key=lambda op: (op.invoked_s, op.returned_s or float("inf")))
