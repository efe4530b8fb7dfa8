"""The longest time that an event loop let others wait, and how much of it the machine was to blame for."""

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

__all__ = ["Stall", "Stalls"]

_TURN_S = 0.005
_KEPT_S = 1800


class Stall(msgspec.Struct, frozen=True, order=True):
    """A time in which the loop did not turn, in milliseconds.

    ``waited_ms`` is how much of it the loop's thread was ready to run while the cores did other work, and ``worked_ms``
    how much it ran itself; the rest it waited for a disk, a lock, or a timer that was due.
    """

    ms: float
    worked_ms: float
    waited_ms: float
    at_s: float  # since 1970


class Stalls:
    """Watches the loop that runs it, and keeps the longest stall of each second."""

    def __init__(self) -> None:
        self._of_second: dict[int, Stall] = {}

    @property
    def longest(self) -> tuple[Stall, ...]:
        """That of each second, oldest first."""
        return tuple(self._of_second.values())

    async def watch(self) -> None:
        """Turn with the loop, until cancelled."""
        with _schedstat() as told:
            await self._watch(told)

    async def _watch(self, told: BinaryIO | None) -> None:
        turned, worked, waited = time.perf_counter(), time.thread_time(), _waited_s(told)
        while True:
            await asyncio.sleep(_TURN_S)
            before = turned, worked, waited
            turned, worked, waited = time.perf_counter(), time.thread_time(), _waited_s(told)
            stall = Stall(
                1000 * (turned - before[0] - _TURN_S),
                1000 * (worked - before[1]),
                1000 * (waited - before[2]),
                time.time(),
            )
            second = int(stall.at_s)
            self._of_second[second] = max(stall, self._of_second.get(second, stall))
            if len(self._of_second) > _KEPT_S:
                del self._of_second[next(iter(self._of_second))]


@contextlib.contextmanager
def _schedstat() -> Iterator[BinaryIO | None]:
    path = Path("/proc/thread-self/schedstat").resolve()
    if not path.exists():
        yield None
        return
    with path.open("rb", buffering=0) as told:
        yield told


def _waited_s(told: BinaryIO | None) -> float:
    """How long this thread was ready to run and did not, since it began; 0 where the kernel does not tell."""
    return 0.0 if told is None else int(os.pread(told.fileno(), 100, 0).split()[1]) / 1e9
