"""A whole screen that is drawn again in place: without flicker, never longer than the terminal, gone at the end."""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TextIO

from okube.cli.table import cut
from okube.cli.terminal import on_suspend, size, terminated

__all__ = ["Screen", "fitted"]

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _TO_END_OF_LINE, _TO_END = "\x1b[H", "\x1b[K", "\x1b[J"


class Screen:
    """Draws frames; the last one stays on the terminal when the command ends."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._frame: list[str] = []

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows now."""
        return size(self._stream.fileno())

    @contextlib.contextmanager
    def shown(self) -> Iterator["Screen"]:
        """The screen of its own, as long as it lasts."""
        with terminated(), on_suspend(self._suspended, self._resumed):
            self._write(_ENTER + _HOME + _TO_END)
            try:
                yield self
            finally:
                self._write(_LEAVE + "".join(f"{line}\n" for line in self._frame))

    def draw(self, lines: Sequence[str]) -> None:
        """Show these lines, cut to the terminal, in one write."""
        columns, rows = self.size
        frame = [cut(line, columns) for line in lines[:rows]]
        if frame == self._frame:
            return
        self._frame = frame
        self._write(_HOME + "\r\n".join(f"{line}{_TO_END_OF_LINE}" for line in frame) + _TO_END)

    def clear(self) -> None:
        """The terminal has another size: draw all of it anew."""
        self._frame = []
        self._write(_HOME + _TO_END)

    def _suspended(self) -> None:
        self._write_now(_LEAVE)

    def _resumed(self) -> None:
        self._write_now(_ENTER + _HOME + _TO_END + "\r\n".join(self._frame))

    def _write_now(self, text: str) -> None:
        """From a signal's handler, which may have interrupted a write to the stream."""
        os.write(self._stream.fileno(), text.encode(errors="replace"))

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def fitted(lines: Sequence[str], rows: int, *, heads: int = 1) -> list[str]:
    """The lines in at most that many rows; a last one says how many are missing.

    Args:
        lines: a table: its head, then a line for each row.
        rows: how many there is space for.
        heads: how many of the lines are no rows.
    """
    if len(lines) <= rows or rows < heads + 2:
        return list(lines[:rows])
    return [*lines[: rows - 1], f"… {len(lines) - rows + 1} more"]


def is_terminal() -> bool:
    """Whether stdout is one on which lines can be drawn in place."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
