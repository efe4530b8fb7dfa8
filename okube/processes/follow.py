"""What ``okube up`` shows in the foreground: the lines of what it started, until all of it has ended."""

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from okube.processes.launch import Started

__all__ = ["follow"]

_POLL_S = 0.2


def follow(started: Sequence[Started], say: Callable[[str], None]) -> None:
    """Pass on each line of the logs with its process's name, and each process's end; returns when none is left."""
    tails = [_Tail(one) for one in started]
    living = list(started)
    while living:
        ended = [one for one in living if one.process.poll() is not None]
        for tail in tails:
            for line in tail.lines():
                say(f"{tail.name} | {line}")
        for one in ended:
            living.remove(one)
            say(f"{one.launch.name} ended with exit status {one.process.returncode}.")
        if living:
            time.sleep(_POLL_S)


class _Tail:
    """The lines of one log that came since its process was started; half a line waits for its end.

    A log that is full gets another name, and a new one begins: what was not read of the old one comes first.
    """

    def __init__(self, started: Started) -> None:
        self.name = started.launch.name
        self._log = started.launch.files.log
        self._offset = started.log_start
        self._number = self._log.stat().st_ino

    def lines(self) -> list[str]:
        with contextlib.suppress(FileNotFoundError):  # between two files there is none for a moment
            if (number := self._log.stat().st_ino) == self._number:
                return self._new_lines(self._log)
            lines = self._rest_of_old()
            self._number, self._offset = number, 0
            return lines + self._new_lines(self._log)
        return []

    def _rest_of_old(self) -> list[str]:
        old = self._log.with_name(f"{self._log.name}.1")
        return self._new_lines(old) if old.exists() and old.stat().st_ino == self._number else []

    def _new_lines(self, path: Path) -> list[str]:
        with path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        return whole.decode("utf-8", "replace").splitlines()
