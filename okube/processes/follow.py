"""What ``okube up`` shows in the foreground: the lines of what it started, until all of it has ended."""

import time
from collections.abc import Callable, Sequence

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
    """The lines of one log that came since its process was started; half a line waits for its end."""

    def __init__(self, started: Started) -> None:
        self.name = started.launch.name
        self._log = started.launch.files.log
        self._offset = started.log_start

    def lines(self) -> list[str]:
        with self._log.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        return whole.decode("utf-8", "replace").splitlines()
