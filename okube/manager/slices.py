"""Long work in parts: no command is too large, applying one does not hold the loop for long, and nor does planning."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from okube.model.commands import Command
from okube.seams.turns import at_once, in_turns

__all__ = ["ROWS_AT_ONCE", "at_once", "batches", "in_turns", "slices"]

T = TypeVar("T")
ROWS_AT_ONCE = 1000


def slices(rows: Sequence[T], size: int = ROWS_AT_ONCE) -> Iterator[Sequence[T]]:
    """``rows`` in runs of at most ``size``, in order; nothing for none."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def batches(commands: Iterable[Command], size: int = ROWS_AT_ONCE) -> Iterator[list[Command]]:
    """Commands in runs that change about ``size`` rows at most, in order; one entry of the log takes each."""
    batch: list[Command] = []
    rows = 0
    for command in commands:
        changed = len(getattr(command, "ids", ())) or 1
        if batch and rows + changed > size:
            yield batch
            batch, rows = [], 0
        batch.append(command)
        rows += changed
    if batch:
        yield batch
