"""Bulk commands in parts: none is too large for a proposal, and applying one does not hold the loop for long."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

__all__ = ["ROWS_AT_ONCE", "slices"]

T = TypeVar("T")
ROWS_AT_ONCE = 1000


def slices(rows: Sequence[T], size: int = ROWS_AT_ONCE) -> Iterator[Sequence[T]]:
    """``rows`` in runs of at most ``size``, in order; nothing for none."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
