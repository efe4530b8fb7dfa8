"""A member's directory: journal and snapshot that fit together, checked and put right before the engine is built."""

from collections.abc import Sequence
from pathlib import Path

from okube.raft.errors import JournalDamaged, NotBootstrapped
from okube.raft.journal import FIRST_BASE_INDEX, Journal, first_records, first_records_after
from okube.raft.journal_file import create_journal_file
from okube.raft.members import Member
from okube.raft.snapshot import Snapshot, SnapshotHead, SnapshotStore, pack_snapshot
from okube.seams.disk import UNFINISHED, Disk

__all__ = ["JOURNAL_NAME", "Storage", "bootstrap", "bootstrap_from", "open_storage"]

JOURNAL_NAME = "journal"


class Storage:
    """What ``open_storage`` found; ``snapshot`` is the state to restore before entries are applied."""

    def __init__(self, journal: Journal, snapshots: SnapshotStore, snapshot: Snapshot | None) -> None:
        self.journal = journal
        self.snapshots = snapshots
        self.snapshot = snapshot


async def bootstrap(
    directory: Path, disk: Disk, members: Sequence[Member], cluster_id: str, *, members_index: int = 0
) -> None:
    """Write the first membership of a new cluster into an empty directory.

    With ``members_index`` it is that of a member that joins a cluster: as of this entry of a log that it does not have.

    Raises:
        NotBootstrapped: the directory holds something already.
    """
    names = [name for name in await disk.list(directory) if not name.endswith(UNFINISHED)]
    if names:
        raise NotBootstrapped(f"{directory} is not empty (it holds {names[0]}); a new cluster starts in an empty one")
    if len({member.name for member in members}) != len(members) or not members:
        raise NotBootstrapped("a cluster starts with at least one manager, each with a name of its own")
    await create_journal_file(disk, directory / JOURNAL_NAME, first_records(cluster_id, tuple(members), members_index))


async def bootstrap_from(directory: Path, disk: Disk, head: SnapshotHead, state: list[bytes]) -> None:
    """Write, into an empty directory, a cluster that begins with a state: its members are those of ``head``.

    All of its first members begin with the same. The log goes on after the entry that ``head`` names.

    Raises:
        NotBootstrapped: the directory holds something already.
    """
    names = [name for name in await disk.list(directory) if not name.endswith(UNFINISHED)]
    if names:
        raise NotBootstrapped(f"{directory} is not empty (it holds {names[0]}); a new cluster starts in an empty one")
    await SnapshotStore(disk, directory).write(head.index, pack_snapshot(head, state))
    records = first_records_after(head.cluster_id, head.members, head.index, head.term)
    await create_journal_file(disk, directory / JOURNAL_NAME, records)


async def open_storage(directory: Path, disk: Disk) -> Storage:
    """Read and align a directory.

    A crash may come between a new snapshot and what the journal makes of it, so the journal may start before the
    snapshot's end (normal), end before it, or hold another entry there; in the last two it starts anew after it.

    Raises:
        JournalDamaged: one of them is damaged, or entries between the two are missing.
        NotBootstrapped: there is no journal.
    """
    for name in await disk.list(directory):
        if name.endswith(UNFINISHED):
            await disk.remove(directory / name)
    snapshots = SnapshotStore(disk, directory)
    snapshot = await snapshots.newest()
    journal = await Journal.open(disk, directory / JOURNAL_NAME)
    try:
        await _align(directory, journal, snapshot)
    except BaseException:
        await journal.close()
        raise
    return Storage(journal, snapshots, snapshot)


async def _align(directory: Path, journal: Journal, snapshot: Snapshot | None) -> None:
    covered = snapshot.head.index if snapshot is not None else FIRST_BASE_INDEX
    if snapshot is not None and snapshot.head.cluster_id != journal.cluster_id:
        raise JournalDamaged(directory, "its snapshot and its journal belong to different clusters")
    if journal.base_index > covered:
        raise JournalDamaged(directory, f"the log starts after entry {journal.base_index} and no snapshot covers that")
    if snapshot is not None and journal.term_at(covered) != snapshot.head.term:
        journal.restart_at(covered, snapshot.head.term, snapshot.head.members)
        await journal.sync()
