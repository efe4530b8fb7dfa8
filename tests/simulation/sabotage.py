"""Switches guards off, one at a time, to show that the simulator finds what they are for."""

from collections.abc import Callable
from typing import Any

import pytest

from okube.raft import driver, engine, guard, journal_file, outbox, reads, storage
from okube.raft.election import majority_index
from okube.raft.guard import Narrowed
from okube.raft.records import Record

__all__ = [
    "QUICKLY_FOUND",
    "Sabotage",
    "compaction_forgets",
    "no_alignment",
    "no_append_guard",
    "no_short_log",
    "no_sync_barrier",
    "unconfirmed_reads",
    "unready_leaders_read",
    "unsynced_leader_counts",
]

Sabotage = Callable[[pytest.MonkeyPatch], None]


def no_append_guard(patch: pytest.MonkeyPatch) -> None:
    """pysyncobj truncates entries that match."""
    patch.setattr(engine, "narrow", lambda _log, index, term, entries, commit_index: Narrowed(index, term, entries))


def no_short_log(patch: pytest.MonkeyPatch) -> None:
    """A message without anything new acknowledges the whole log, matched or not."""
    true_narrow = guard.narrow

    def narrow(log: Any, *args: Any, **kwargs: Any) -> Narrowed:
        found = true_narrow(log, *args, **kwargs)
        if found.end is None:
            return found
        return Narrowed(log.last_index, log.term_at(log.last_index), [])

    patch.setattr(engine, "narrow", narrow)


def no_sync_barrier(patch: pytest.MonkeyPatch) -> None:
    """Votes and acknowledgements leave before they are durable."""
    patch.setattr(outbox.Outbox, "send", lambda self, peer, term, body: self._transmit(peer, term, body))


def unsynced_leader_counts(patch: pytest.MonkeyPatch) -> None:
    """The leader counts itself in the majority before its entry is durable."""

    def advance(self: Any) -> None:
        reached = majority_index([self._journal.last_index, *map(self.match_index, self._peers)])
        if reached > self.commit_index and self._journal.term_at(reached) == self.term:
            self._SyncObj__raftCommitIndex = reached

    patch.setattr(engine.Engine, "_advance_commit", advance)


def unconfirmed_reads(patch: pytest.MonkeyPatch) -> None:
    """A leader answers reads without asking whether it still is one."""

    def begin(self: Any, number: int) -> None:
        self._confirming.finish(number, self._host.commit_index)

    patch.setattr(reads.ReadIndex, "_begin_confirming", begin)


def unready_leaders_read(patch: pytest.MonkeyPatch) -> None:
    """A new leader answers reads before it knows what is committed."""
    patch.setattr(driver.Driver, "is_ready_leader", property(lambda self: self.engine.is_leader))


def no_alignment(patch: pytest.MonkeyPatch) -> None:
    """Journal and snapshot are taken as they are."""

    async def align(*_: Any) -> None:
        pass

    patch.setattr(storage, "_align", align)


def compaction_forgets(patch: pytest.MonkeyPatch) -> None:
    """What is appended while the journal is rewritten does not get into the new file."""
    true_append = journal_file.JournalFile.append

    def append(self: Any, record: Record) -> None:
        true_append(self, record)
        self._since_rewrite.clear()

    patch.setattr(journal_file.JournalFile, "append", append)


QUICKLY_FOUND: list[Sabotage] = [no_sync_barrier, unsynced_leader_counts, unready_leaders_read, compaction_forgets]
"""Found within a few seeds; the others take some dozens, or are left to tests (tests/mutants)."""
