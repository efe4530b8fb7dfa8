"""What one client asked of one key, when, and what it was told."""

from typing import Literal

import msgspec

__all__ = ["Kind", "Operation", "Value"]

Kind = Literal["read", "write", "cas"]
Value = str | int | None
"""What a key holds; None where there is nothing. A key begins with nothing."""


class Operation(msgspec.Struct, frozen=True):
    """One call. Leave out what certainly had no effect (refused, not begun), and reads without an answer.

    ``returned_s`` is None where nobody knows the outcome: a write or cas that may have happened at any time since it
    was begun, may happen later, or never.

    read: ``result`` is what was seen. write: ``value``. cas: ``value`` takes the place of ``expected``; ``result`` says
    whether it did. Where two writes of one key have the same value, the check is right, and sees less.
    """

    client: str
    key: str
    kind: Kind
    invoked_s: float
    returned_s: float | None = None
    value: Value = None
    expected: Value = None
    result: Value | bool = None

    @property
    def is_known(self) -> bool:
        """Whether its outcome is known."""
        return self.returned_s is not None

    @property
    def writes(self) -> bool:
        """Whether it may leave another value."""
        return self.kind == "write" or (self.kind == "cas" and self.result is not False)

    def after(self, state: Value) -> tuple[bool, Value]:
        """Whether its outcome fits to a key that holds ``state``, and what the key holds afterwards."""
        if self.kind == "read":
            return self.result == state, state
        if self.kind == "write":
            return True, self.value
        swaps = state == self.expected
        if self.is_known and swaps is not self.result:
            return False, state
        return True, self.value if swaps else state

    def __str__(self) -> str:
        begun = f"{self.invoked_s:.4f}"
        ended = "?" if self.returned_s is None else f"{self.returned_s:.4f}"
        return f"{begun:>12} to {ended:>12}  {self.client:<12} {self._what()}"

    def _what(self) -> str:
        if self.kind == "read":
            return f"read {self.result!r}"
        known = "" if self.is_known else ", outcome unknown"
        if self.kind == "write":
            return f"wrote {self.value!r}{known}"
        done = "" if self.result is None else ": done" if self.result else ": it held another"
        return f"put {self.value!r} in the place of {self.expected!r}{done}{known}"
