"""What a person sees while a command waits: a few lines in place on a terminal, a line for each change in a pipe."""

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from textwrap import wrap
from typing import TextIO

from okube.cli.table import cut, width_of
from okube.cli.terminal import draws_in_place, size

__all__ = ["Progress"]

_MOST_AWAITED = 6
_UP, _CLEAR = "\x1b[1A", "\x1b[J"


class Progress:
    """Writes to stderr; ``close`` leaves nothing of the lines in place.

    Args:
        stream: where to write; stderr unless given.
        live: whether a person looks; whether the stream is a terminal unless given.
        columns: the width of the terminal now.
    """

    def __init__(
        self, stream: TextIO | None = None, *, live: bool | None = None, columns: Callable[[], int] | None = None
    ) -> None:
        self._stream = stream or sys.stderr
        self._live = draws_in_place(self._stream) if live is None else live
        self._columns = columns or (lambda: size(2)[0])
        self._shown: list[str] = []
        self._line = ""
        self._said: set[str] = set()

    def show(self, summary: str, troubles: Iterable[str], awaited: Sequence[str], seconds: float) -> None:
        """Where things stand.

        Args:
            summary: how far it is.
            troubles: what is held up, and why; in a pipe each is said once.
            awaited: all that is waited for, for a person who looks.
            seconds: since when the command waits.
        """
        if self._live:
            self._in_place(summary, awaited, seconds)
            return
        for sentence in troubles:
            if (key := _without_figures(sentence)) not in self._said:
                self._said.add(key)
                self._write(f"  {sentence}\n")
        if summary != self._line:
            self._line = summary
            self._write(f"{summary}\n")

    def close(self) -> None:
        """Erase the lines in place."""
        if self._shown:
            self._write(self._erasing())
            self._shown = []

    def _in_place(self, summary: str, awaited: Sequence[str], seconds: float) -> None:
        width = self._columns() - 1
        lines = [f"{summary}  ({seconds:.0f} s)"]
        for sentence in awaited[:_MOST_AWAITED]:
            lines += wrap(sentence, max(20, width), initial_indent="  ", subsequent_indent="    ", max_lines=2)
        if len(awaited) > _MOST_AWAITED:
            lines.append(f"  … {len(awaited) - _MOST_AWAITED} more")
        lines = [cut(line, width) for line in lines]
        if lines != self._shown:
            self._write(self._erasing() + "".join(f"{line}\n" for line in lines))
            self._shown = lines

    def _erasing(self) -> str:
        """Back to the first of the lines; one that is longer than the terminal is wide now takes several rows."""
        width = max(1, self._columns())
        rows = sum(max(1, -(-width_of(line) // width)) for line in self._shown)
        return f"\r{_UP * rows}{_CLEAR}" if rows else ""

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def _without_figures(sentence: str) -> str:
    """What makes a sentence another one: not that a back-off is 4 s now."""
    return re.sub(r"(?<![\w.-])\d[\d.]*", "#", sentence)
