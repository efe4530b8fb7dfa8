"""What a person sees while a command waits: one line in place on a terminal, and a line for each change in a pipe."""

import shutil
import sys
from collections.abc import Iterable
from typing import TextIO

from okube.cli.table import width_of

__all__ = ["Progress"]


class Progress:
    """Writes to stderr; ``close`` leaves nothing of the line in place.

    Args:
        stream: where to write; stderr unless given.
        live: whether a person looks; whether the stream is a terminal unless given.
    """

    def __init__(self, stream: TextIO | None = None, *, live: bool | None = None) -> None:
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty() if live is None else live
        self._line = ""
        self._said: set[str] = set()

    def summary(self, text: str, seconds: float) -> None:
        """Where things stand, and since how long the command waits."""
        if self._live:
            self._in_place(f"{text}  ({seconds:.0f} s)")
        elif text != self._line:
            self._line = text
            self._write(f"{text}\n")

    def troubles(self, sentences: Iterable[str]) -> None:
        """What is held up; a sentence that was said before is not repeated."""
        for sentence in sentences:
            if sentence not in self._said:
                self._said.add(sentence)
                self._erase()
                self._write(f"  {sentence}\n")

    def close(self) -> None:
        """Erase the line in place."""
        self._erase()

    def _in_place(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        while width_of(text) > width:
            text = text[:-1]
        if text != self._line:
            self._erase()
            self._line = text
            self._write(text)

    def _erase(self) -> None:
        if self._live and self._line:
            self._write(f"\r{' ' * width_of(self._line)}\r")
            self._line = ""

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
