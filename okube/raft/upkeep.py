"""What a member does for its journal while it runs: has it synced when something was appended, and made small."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from okube.raft.compaction import Compactor
from okube.raft.journal import Journal
from okube.raft.slowness import SyncWatch
from okube.seams.clock import Clock
from okube.seams.disk import NoRoom

__all__ = ["Upkeep", "UpkeepHost"]

logger = logging.getLogger(__name__)

COMPACT_AGAIN_S = 10.0


class UpkeepHost(Protocol):
    """Whose journal it is."""

    @property
    def applied_index(self) -> int:
        """Entries up to here are applied."""

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something that ends with the member; an error of it ends the member."""

    def synced(self) -> None:
        """More of the journal is durable."""


class Upkeep:
    """One sync at a time, and one compaction. ``listeners`` are told how many seconds each sync took."""

    def __init__(
        self,
        host: UpkeepHost,
        *,
        journal: Journal,
        compactor: Compactor,
        slowness: SyncWatch,
        clock: Clock,
        listeners: list[Callable[[float], None]],
    ) -> None:
        self.last_sync_s = 0.0
        self._host = host
        self._journal = journal
        self._compactor = compactor
        self._slowness = slowness
        self._clock = clock
        self._listeners = listeners
        self._dirty = asyncio.Event()
        self._compacting = False
        self._compact_from = 0.0

    def sync_soon(self) -> None:
        """Something was appended."""
        self._dirty.set()

    def look(self) -> None:
        """After anything that changed the journal: see to what it needs."""
        if self._journal.wants_sync:
            self._dirty.set()
        if not self._compacting and self._compactor.is_due(self._host.applied_index):
            self._compact_soon()

    async def run(self) -> None:
        """One sync at a time; what is appended meanwhile is covered by the next. An error of one is final."""
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            while self._journal.wants_sync:
                began = self._clock.monotonic()
                self._slowness.began(began)
                abandoned = self._journal.abandoned
                await self._journal.sync()
                if self._journal.abandoned > abandoned:
                    self._compact_later()
                ended = self._clock.monotonic()
                self._slowness.ended(ended)
                self.last_sync_s = ended - began
                for listener in self._listeners:
                    listener(self.last_sync_s)
                self._host.synced()

    def _compact_soon(self) -> None:
        if self._clock.monotonic() >= self._compact_from:
            self._compacting = True
            self._host.spawn(self._compact())

    async def _compact(self) -> None:
        try:
            await self._compactor.run(self._host.applied_index)
        except NoRoom:
            self._compact_later()
        finally:
            self._dirty.set()
            self._compacting = False

    def _compact_later(self) -> None:
        now = self._clock.monotonic()
        if now < self._compact_from:
            return
        self._compact_from = now + COMPACT_AGAIN_S
        logger.warning(
            "the disk has no room to make the log small; it grows until there is some (tried again in %d s)",
            COMPACT_AGAIN_S,
        )
