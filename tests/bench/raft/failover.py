"""The time without an acknowledged write after the leader is killed, stopped, or cut off.

Writers do not wait for each other: every few milliseconds a write goes to the next member, whatever became of those
before. So the figure is the cluster's, and not that of a client that waits out its own time limit.
"""

import asyncio
import contextlib
import itertools
import signal
import ssl
import threading
import time
from collections.abc import Callable
from statistics import median
from typing import Literal

import aiohttp
import msgspec

from tests.bench.raft.system import MEMBERS, System
from tests.lab.engine import wait_until
from tests.lab.hosts import Hosts

__all__ = ["FAULTS", "Fault", "Pauses", "measure"]

Fault = Literal["kill", "stop", "cut"]
FAULTS: tuple[Fault, ...] = ("kill", "stop", "cut")

_BETWEEN_WRITES_S = 0.01
_PATIENCE_S = 5.0
_AFTER_S = 2.5
_UNDER_WAY = 100


class Pauses(msgspec.Struct, frozen=True):
    """Seconds without an acknowledged write, one for each round."""

    system: str
    fault: Fault
    seconds: list[float]

    @property
    def median_s(self) -> float:
        return median(self.seconds)

    @property
    def worst_s(self) -> float:
        return max(self.seconds)


class _Writers:
    """Small writes to all members in turn, in a thread, until ``stop``."""

    def __init__(self, system: System) -> None:
        self.acknowledged: list[float] = []
        self._system = system
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()

    def wait_for(self, more: int) -> None:
        goal = len(self.acknowledged) + more
        wait_until(lambda: len(self.acknowledged) >= goal, f"{more} more writes are acknowledged")

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    async def _run(self) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # the bench knows whom it started
        writes: set[asyncio.Task[None]] = set()
        connector = aiohttp.TCPConnector(ssl=context, limit=0)
        timeout = aiohttp.ClientTimeout(total=_PATIENCE_S)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            for number, member in enumerate(itertools.cycle(MEMBERS)):
                if self._stop.is_set():
                    break
                if len(writes) < _UNDER_WAY * len(MEMBERS):
                    write = asyncio.create_task(self._write(session, member, number))
                    writes.add(write)
                    write.add_done_callback(writes.discard)
                await asyncio.sleep(_BETWEEN_WRITES_S)
            for write in writes:
                write.cancel()
            await asyncio.gather(*writes, return_exceptions=True)

    async def _write(self, session: aiohttp.ClientSession, member: str, number: int) -> None:
        ask = self._system.small_write(number)
        url = self._system.url(member) + ask.path
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with session.request(ask.method, url, data=ask.body, headers=ask.headers) as answer:
                await answer.read()
                if answer.ok:
                    self.acknowledged.append(time.monotonic())


def measure(system: System, hosts: Hosts, *, rounds: int, say: Callable[[str], None]) -> list[Pauses]:
    """Each fault so often; the cluster is whole again before the next."""
    found: dict[Fault, list[float]] = {fault: [] for fault in FAULTS}
    for number in range(rounds):
        for fault in FAULTS:
            found[fault].append(_pause(system, hosts, fault))
        latest = ", ".join(f"{fault} {seconds[-1]:.2f} s" for fault, seconds in found.items())
        say(f"{system.name} without its leader: round {number + 1} of {rounds}: {latest}")
    return [Pauses(system.name, fault, seconds) for fault, seconds in found.items()]


def _pause(system: System, hosts: Hosts, fault: Fault) -> float:
    leader = system.leader()
    writers = _Writers(system)
    try:
        writers.wait_for(100)
        began = time.monotonic()
        if fault == "kill":
            system.signal(leader, signal.SIGKILL)
        elif fault == "stop":
            system.signal(leader, signal.SIGSTOP)
        else:
            hosts.unplug(leader)
        wait_until(lambda: time.monotonic() > began + _AFTER_S, "the leader has been away for long enough")
        writers.wait_for(50)
    finally:
        writers.stop()
        if fault == "stop":
            system.signal(leader, signal.SIGCONT)
        elif fault == "cut":
            hosts.plug(leader)
    system.repair()
    return _longest_pause(writers.acknowledged, began)


def _longest_pause(acknowledged: list[float], began: float) -> float:
    """The longest time from the fault on in which nothing was acknowledged."""
    points = [began, *(at for at in acknowledged if at > began)]
    return max(after - before for before, after in itertools.pairwise(points))
