"""A follower gathers the heartbeats that agents give it, and brings them to the leader together.

A heartbeat by itself costs the leader a request; in a batch it costs a fraction of that. One that reports something
leaves at once, and takes along what waits; the others wait for some tens of milliseconds. While no leader is known they
wait too, for as long as their agents do, so that a change of leader costs nobody a connection.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeAlias

import msgspec

from okube.manager.core import ManagerCore
from okube.model.errors import NotFound, Unreachable
from okube.model.wire import Heartbeat
from okube.raft import Member

__all__ = ["Beat", "Bring", "Gatherer"]

_log = logging.getLogger(__name__)
_WINDOW_S = 0.03
_MOST = 500
_MOST_BYTES = 1 << 20
_AGAIN_S = 0.05
_WATCH_S = 0.1
_PATIENCE_S = 2.0
_DEAF_S = 1.0  # who has heard no leader for so long has others ask it, one request at a time
_NOT_KNOWN_S = 60.0


class Beat(msgspec.Struct, frozen=True):
    """A heartbeat as it came, what it says, and the instance that its agent's certificate names."""

    instance: str
    data: bytes
    said: Heartbeat


Bring = Callable[[Member, Sequence[Beat]], Awaitable[list[bytes | None]]]
"""Brings heartbeats to a manager: the answer to each, None for one that has to come by itself.

Raises:
    Unreachable: no answer came.
    NotFound: it is of a version that takes no batches.
"""


_Batch: TypeAlias = list[tuple[Beat, "asyncio.Future[bytes | None]"]]


class Gatherer:
    """Of one manager; ``run`` it beside what gives it heartbeats."""

    def __init__(self, core: ManagerCore, bring: Bring) -> None:
        self._core = core
        self._bring = bring
        self._waiting: _Batch = []
        self._come = asyncio.Event()
        self._urgent = asyncio.Event()
        self._not_before: dict[str, float] = {}  # instance of a manager that takes no batches → when to try again

    def add(self, beat: Beat) -> "asyncio.Future[bytes | None] | None":
        """The leader's answer, which comes later; None where the heartbeat has to be brought by itself.

        The answer is None where that turns out only then.
        """
        leader = self._leader()
        if leader is not None and self._core.clock.monotonic() < self._not_before.get(leader.instance, 0.0):
            return None
        if self._core.deaf_s > _DEAF_S:
            return None
        answer: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((beat, answer))
        self._come.set()
        if beat.said.reports or len(self._waiting) >= _MOST:
            self._urgent.set()
        return answer

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    await self._come.wait()
                    await _either(self._urgent, _WINDOW_S)
                    self._come.clear()
                    self._urgent.clear()
                    waiting, self._waiting = self._waiting, []
                    for batch in _batches(waiting):
                        group.create_task(self._carry(batch), name="batch of heartbeats")
        finally:
            _give_back(self._waiting)

    async def _carry(self, batch: _Batch) -> None:
        clock = self._core.clock
        deadline = clock.monotonic() + _PATIENCE_S
        try:
            while clock.monotonic() < deadline and self._core.deaf_s <= _DEAF_S and not self._core.leads:
                batch = [(beat, answer) for beat, answer in batch if not answer.done()]  # the others were given up
                if not batch:
                    return
                leader = self._leader()
                answers = None if leader is None else await self._ask(leader, [beat for beat, _ in batch])
                if answers is None:
                    await asyncio.sleep(_AGAIN_S)
                    continue
                for (_, waits), answer in zip(batch, answers, strict=False):
                    if not waits.done():
                        waits.set_result(answer)
                return
        except NotFound:
            if leader is not None:
                self._not_before[leader.instance] = clock.monotonic() + _NOT_KNOWN_S
        finally:
            _give_back(batch)

    async def _ask(self, leader: Member, beats: Sequence[Beat]) -> list[bytes | None] | None:
        """The answers of who leads; None where none came before another one led."""
        asked = asyncio.ensure_future(self._bring(leader, beats))
        try:
            while self._core.raft.leader in (leader.name, None):
                done, _ = await asyncio.wait({asked}, timeout=_WATCH_S)
                if done:
                    return asked.result()
        except Unreachable as error:
            _log.debug("a batch of heartbeats did not reach %s: %s", leader.name, error)
        finally:
            asked.cancel()
        return None

    def _leader(self) -> Member | None:
        name = self._core.raft.leader
        if name is None or name == self._core.name:
            return None
        return next((member for member in self._core.raft.members if member.name == name), None)


def _batches(waiting: _Batch) -> Iterator[_Batch]:
    """In runs that a manager takes as one request."""
    batch: _Batch = []
    size = 0
    for each in waiting:
        if batch and (len(batch) >= _MOST or size + len(each[0].data) > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += len(each[0].data)
    if batch:
        yield batch


def _give_back(batch: _Batch) -> None:
    """Those without an answer have to come by themselves."""
    for _, answer in batch:
        if not answer.done():
            answer.set_result(None)


async def _either(event: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return
