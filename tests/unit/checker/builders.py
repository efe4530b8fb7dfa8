"""Histories in a few words."""

from tests.checker import Operation, Value

__all__ = ["cas", "read", "write"]


def read(seen: Value, begun: float, ended: float, client: str = "reader") -> Operation:
    """A read and what it saw."""
    return Operation(client, "k", "read", begun, ended, result=seen)


def write(value: Value, begun: float, ended: float | None = None, client: str = "writer") -> Operation:
    """A write; without an end, of unknown outcome."""
    return Operation(client, "k", "write", begun, ended, value=value)


def cas(
    expected: Value, value: Value, begun: float, ended: float | None = None, *, done: bool | None = None
) -> Operation:
    """A compare-and-set; without an end, of unknown outcome."""
    return Operation("swapper", "k", "cas", begun, ended, value=value, expected=expected, result=done)
