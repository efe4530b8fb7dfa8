"""One life of a member after the other: each begins with what is on the disk, and ends where the disk is full.

What a member has in memory of its log may be more than a full disk has, and pysyncobj has no way back. So everything
but the state is thrown away; the member takes no part while there is no room, and then begins anew from the disk. The
state stays: what is applied is committed, whether or not it is on this disk.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from okube.raft.config import RaftConfig
from okube.raft.driver import Driver
from okube.raft.errors import NotBootstrapped
from okube.raft.journal import Journal
from okube.raft.machine import StateMachine
from okube.raft.members import Member
from okube.raft.sideline import Sideline, wait_for_room
from okube.raft.storage import Storage, open_storage
from okube.seams.clock import Clock
from okube.seams.disk import Disk, NoRoom
from okube.seams.transport import PeerTransport

__all__ = ["Lives"]

logger = logging.getLogger(__name__)

MakeDriver = Callable[[Member, Storage, int], Driver]
"""From the member as its journal knows it, what its directory holds, and up to where that or the state reaches."""


class Lives:
    """``fatal`` is done when the member cannot go on; that a disk is full is no such reason."""

    def __init__(
        self,
        *,
        name: str,
        instance: str,
        directory: Path,
        config: RaftConfig,
        machine: StateMachine,
        transport: PeerTransport,
        disk: Disk,
        clock: Clock,
        make_driver: MakeDriver,
    ) -> None:
        self.started: Driver | None = None
        self.sideline: Sideline | None = None
        self.fatal: asyncio.Future[Exception]
        self._name = name
        self._instance = instance
        self._directory = directory
        self._config = config
        self._machine = machine
        self._transport = transport
        self._disk = disk
        self._clock = clock
        self._make_driver = make_driver
        self._task: asyncio.Task[None] | None = None

    @property
    def driver(self) -> Driver:
        """The present life, or the last one while there is no room for another."""
        if self.started is None:
            raise RuntimeError("the node was not started")
        return self.started

    async def start(self) -> None:
        """Begin the first life. Raises as ``RaftNode.start``."""
        loop = asyncio.get_running_loop()
        self.fatal = loop.create_future()
        await self._begin(None)
        self._task = loop.create_task(self._run())

    async def stop(self) -> None:
        """End it, and wait until nothing of it runs any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self.sideline is not None:
            await self.sideline.stop()
        if self.started is not None:
            await self.started.stop()

    async def _run(self) -> None:
        try:
            error = await asyncio.shield(self.driver.fatal)
            while isinstance(error, NoRoom):
                await self.driver.stop()
                await self._stand_aside(error)
                error = await self._live_again()
        except Exception as problem:
            error = problem
        self.fatal.set_result(error)

    async def _live_again(self) -> Exception:
        try:
            await self._begin(self.driver.applied_index)
        except NoRoom as error:
            return error
        return await asyncio.shield(self.driver.fatal)

    async def _begin(self, applied_index: int | None) -> None:
        """Begin a life with what is on the disk, and the state as of ``applied_index``, if there is one."""
        storage = await open_storage(self._directory, self._disk)
        try:
            self.started = driver = await self._build(storage, applied_index)
        except BaseException:
            await storage.journal.close()
            raise
        await driver.start()

    async def _build(self, storage: Storage, applied_index: int | None) -> Driver:
        if applied_index is not None:
            _truncate_superseded(storage.journal, self.driver.journal, applied_index)
        known = [m for _, members in storage.journal.memberships_from(0) for m in members]
        member = next((m for m in reversed(known) if (m.name, m.instance) == (self._name, self._instance)), None)
        if member is None:
            raise NotBootstrapped(
                f"{self._directory} belongs to a cluster in which {self._name} ({self._instance}) is not a member: "
                "the directory is of another manager, or was made anew"
            )
        covered = storage.snapshot.head.index if storage.snapshot is not None else storage.journal.base_index
        if storage.snapshot is not None and (applied_index is None or applied_index < covered):
            for _ in self._machine.restoring(storage.snapshot.state):
                await asyncio.sleep(0)
        return self._make_driver(member, storage, max(covered, applied_index or 0))

    async def _stand_aside(self, error: NoRoom) -> None:
        """Wait for room, for a little more than what did not fit."""
        last = self.driver
        self.sideline = sideline = Sideline(
            name=self._name,
            members=last.journal.members,
            term=last.engine.term,
            transport=self._transport,
            clock=self._clock,
            election_s=self._config.election_s,
        )
        size = self._config.room_bytes + error.size
        logger.error(
            "the disk of %s is full (%s): %s leads nobody, votes for nobody and stores nothing until there is room for "
            "%d MiB, and passes on what it is asked",
            self._directory,
            error.strerror,
            self._name,
            size >> 20,
        )
        await sideline.start()
        await wait_for_room(self._disk, self._directory, size)
        away_s = self._clock.monotonic() - sideline.since
        logger.warning("the disk of %s has room again after %.0f s: %s takes part", self._directory, away_s, self._name)
        await sideline.stop()
        self.sideline = None


def _truncate_superseded(journal: Journal, before: Journal, applied_index: int) -> None:
    """Take away entries in whose place others were applied; the full disk kept the old ones.

    ``before`` is the journal as the last life had it in memory. What it held in their place was committed, so that they
    never can be; kept, they would pass for what was applied.
    """
    for index in range(max(journal.base_index, before.base_index) + 1, min(journal.last_index, applied_index) + 1):
        if journal.term_at(index) != before.term_at(index):
            journal.deleteEntriesFrom(index - journal.base_index)
            return
