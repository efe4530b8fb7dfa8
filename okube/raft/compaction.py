"""When the log is long, in entries or bytes: write a snapshot of the state, then forget entries, but for a tail."""

import asyncio
import logging
from collections.abc import Callable, Iterable

from okube.raft.config import RaftConfig
from okube.raft.journal import Journal
from okube.raft.snapshot import SnapshotHead, SnapshotStore, pack_snapshot

__all__ = ["Compactor"]

logger = logging.getLogger(__name__)


class Compactor:
    """One compaction at a time. ``snapshot()`` is the state of the moment it is called, in one piece or in several.

    An iterator of pieces is drawn between turns of the loop, so that a large state stops nothing for long.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        store: SnapshotStore,
        config: RaftConfig,
        snapshot: Callable[[], bytes | Iterable[bytes]],
    ) -> None:
        self._journal = journal
        self._store = store
        self._config = config
        self._snapshot = snapshot
        self._left_bytes = 0
        self._snapshot_bytes = 0  # of the last one

    def is_due(self, applied_index: int) -> bool:
        """Whether the log has grown beyond its limits, or its file beyond the log."""
        if self._journal.rewriting:
            return False
        return self._is_wasteful or self._log_is_long(applied_index)

    @property
    def _is_wasteful(self) -> bool:
        return self._journal.waste_bytes > self._config.compact_bytes

    def _log_is_long(self, applied_index: int) -> bool:
        config, journal = self._config, self._journal
        above = applied_index - journal.base_index
        if above <= config.tail_entries and journal.log_bytes <= config.tail_bytes:
            return False
        if applied_index > journal.last_index:
            return False  # the end of the log was lost to a full disk and comes again
        entries = max(config.compact_entries, self._snapshot_bytes >> 10)
        size_bytes = max(config.compact_bytes, self._snapshot_bytes)
        too_many = above > config.tail_entries + entries
        too_large = journal.log_bytes > max(config.tail_bytes, self._left_bytes) + size_bytes
        return above > 0 and (too_many or too_large)

    async def run(self, applied_index: int) -> None:
        """Compact the log below ``applied_index``, which is what the state machine has now; or only the file.

        Raises:
            NoRoom: the disk is full; nothing is lost, and it can be tried again.
        """
        journal, config = self._journal, self._config
        if not self._log_is_long(applied_index):
            journal.shrink()
            await journal.compacted()
            return
        term = journal.term_at(applied_index)
        assert term is not None
        head = SnapshotHead(journal.cluster_id, applied_index, term, journal.members_at(applied_index))
        pieces = await _draw(self._snapshot())
        await self._store.write(applied_index, pack_snapshot(head, pieces))
        if journal.term_at(applied_index) != term:
            return  # a snapshot from the leader took the place of the log meanwhile
        journal.compact(journal.tail_start(applied_index, entries=config.tail_entries, size_bytes=config.tail_bytes))
        self._left_bytes = journal.log_bytes  # with what is not applied yet, which may be much
        await journal.compacted()
        self._snapshot_bytes = sum(map(len, pieces))
        logger.info(
            "compacted the log: snapshot at %d (%d bytes), log from %d",
            applied_index,
            self._snapshot_bytes,
            journal.base_index,
        )


async def _draw(state: bytes | Iterable[bytes]) -> list[bytes]:
    if isinstance(state, bytes):
        return [state]
    pieces = []
    for piece in state:
        pieces.append(piece)
        await asyncio.sleep(0)
    return pieces
