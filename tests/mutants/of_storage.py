"""Guards of journals, snapshots and disks."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from okube.raft import journal_file, records
from okube.raft.compaction import Compactor
from okube.raft.core import Core
from okube.raft.exchange import SnapshotExchange
from okube.raft.frames import Appended, SnapshotPiece, SnapshotReceived
from okube.raft.journal import Journal
from okube.raft.journal_file import JournalFile
from okube.raft.outbox import Outbox
from okube.raft.records import read_records
from okube.raft.snapshot import Snapshot, SnapshotDamaged, SnapshotStore, unpack_snapshot
from okube.raft.transfer import Arrived, Incoming, _Id

__all__ = [
    "acknowledged_before_its_term_is_durable",
    "commands_are_pickles",
    "commit_indexes_are_kept",
    "compaction_looks_at_numbers_only",
    "damage_is_a_torn_tail",
    "damaged_snapshots_are_passed_over",
    "failed_syncs_are_tried_again",
    "files_are_written_in_place",
    "journals_are_rewritten_in_place",
    "pieces_are_glued_together",
    "snapshots_are_acknowledged_at_once",
    "snapshots_arrive_unchecked",
    "states_go_back",
    "torn_tails_stay",
    "votes_are_forgotten",
]


def votes_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    """After a restart a member does not know for whom it voted."""
    patch.setattr(Journal, "getVotedForNodeId", lambda _self: None)


def commit_indexes_are_kept(patch: pytest.MonkeyPatch) -> None:
    """A member that starts again takes for committed what it took for committed before, whatever its journal holds."""
    kept: dict[Any, int] = {}

    def key(self: Any) -> Any:
        return id(self._file._disk.disk), self._file._path

    def keep(self: Any, index: int) -> None:
        kept[key(self)] = index

    true_init = Core.__init__

    def init(self: Any, *args: Any, **more: Any) -> None:
        true_init(self, *args, **more)
        self._SyncObj__raftCommitIndex = max(self.commit_index, kept.get(key(self._journal), 0))

    patch.setattr(Journal, "setRaftCommitIndex", keep)
    patch.setattr(Core, "__init__", init)


def torn_tails_stay(patch: pytest.MonkeyPatch) -> None:
    """New records are written behind a torn one."""

    def read(_path: Path, data: bytes) -> Any:
        return read_records(data)[0], len(data)

    patch.setattr(journal_file, "_read", read)


def damage_is_a_torn_tail(patch: pytest.MonkeyPatch) -> None:
    """A journal that is damaged in its middle is cut off there."""
    patch.setattr(records, "_refuse_damage", lambda *_: None)


def journals_are_rewritten_in_place(patch: pytest.MonkeyPatch) -> None:
    """A crash while the journal is made small finds it cleared."""
    true_rewrite = JournalFile.rewrite

    def rewrite(self: Any, written: Any) -> None:
        self._disk.disk.files[self._path].clear()
        true_rewrite(self, written)

    patch.setattr(JournalFile, "rewrite", rewrite)


def failed_syncs_are_tried_again(patch: pytest.MonkeyPatch) -> None:
    """An error of a sync is taken for a delay."""
    true_sync = JournalFile.sync

    async def sync(self: JournalFile) -> None:
        position = self.position
        try:
            await true_sync(self)
        except OSError:
            self._file._busy = False  # type: ignore[attr-defined]  # of the simulated file
            self.synced = position

    patch.setattr(JournalFile, "sync", sync)


def acknowledged_before_its_term_is_durable(patch: pytest.MonkeyPatch) -> None:
    """What is durable is acknowledged in a term that is not."""

    def acknowledge(self: Any, peer: str, term: int, body: Appended) -> bool:
        durable = min(body.next_index, self._journal.synced_index + 1) if body.success else body.next_index
        self._transmit(peer, term, Appended(durable, body.success, body.reset))
        return bool(durable == body.next_index)

    patch.setattr(Outbox, "_acknowledge_synced", acknowledge)


def damaged_snapshots_are_passed_over(patch: pytest.MonkeyPatch) -> None:
    """A member whose snapshot is damaged starts without it."""

    async def newest(self: Any) -> Snapshot | None:
        for name in reversed(await self._names()):
            try:
                return unpack_snapshot(await self._disk.read(self._directory / name))
            except SnapshotDamaged:
                continue
        return None

    patch.setattr(SnapshotStore, "newest", newest)


def snapshots_arrive_unchecked(patch: pytest.MonkeyPatch) -> None:
    """A snapshot that was damaged on its way is installed."""

    def take(self: Incoming) -> Arrived | None:
        if self._id is None or len(self._data) < self._id.total_bytes:
            return None
        of, data = self._id, self._data
        self.forget()
        return Arrived(data, of.last_index, of.last_term)

    patch.setattr(Incoming, "take", take)


def pieces_are_glued_together(patch: pytest.MonkeyPatch) -> None:
    """A piece of a snapshot is taken for the next one, whichever it is."""

    def add(self: Incoming, sender: str, piece: SnapshotPiece) -> SnapshotReceived:
        self._id = _Id(sender, piece.index, piece.last_term, piece.total_bytes, piece.checksum)
        self._data += piece.data
        return SnapshotReceived(piece.index, piece.last_term, len(self._data))

    patch.setattr(Incoming, "add", add)


def snapshots_are_acknowledged_at_once(patch: pytest.MonkeyPatch) -> None:
    """A snapshot is acknowledged before it is durable, and before it is taken."""
    true_install = SnapshotExchange._install

    async def install(self: Any, sender: str, arrived: Arrived) -> None:
        self._host.promise(sender, Appended(arrived.last_index + 1, success=True, reset=False))
        await true_install(self, sender, arrived)

    patch.setattr(SnapshotExchange, "_install", install)


def states_go_back(patch: pytest.MonkeyPatch) -> None:
    """The state goes back where a snapshot is behind it."""

    async def take(self: Any, snapshot: Snapshot) -> None:
        for is_replaced in self._host.restoring(snapshot):
            if is_replaced:
                self._host.installed(snapshot)

    patch.setattr(SnapshotExchange, "_take", take)


def files_are_written_in_place(patch: pytest.MonkeyPatch) -> None:
    """A file has its name before it is complete."""

    def replace(path: Path, chunks: Iterable[bytes]) -> None:
        with path.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)

    patch.setattr("okube.seams.disk._replace", replace)


def compaction_looks_at_numbers_only(patch: pytest.MonkeyPatch) -> None:
    """Few large entries never make a log long."""
    true_due = Compactor.is_due

    def is_due(self: Any, applied_index: int) -> bool:
        few = applied_index - self._journal.base_index <= self._config.tail_entries + self._config.compact_entries
        return not few and true_due(self, applied_index)

    patch.setattr(Compactor, "is_due", is_due)


def commands_are_pickles(patch: pytest.MonkeyPatch) -> None:
    """pysyncobj unpickles entries and calls what they name."""
    patch.delattr(Core, "_SyncObj__doApplyCommand")
