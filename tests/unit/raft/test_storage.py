from pathlib import Path

import pytest

from okube.raft.errors import JournalDamaged, NotBootstrapped
from okube.raft.journal import Command
from okube.raft.snapshot import SnapshotHead, SnapshotStore, pack_snapshot
from okube.raft.storage import bootstrap, open_storage
from tests.simulation.disk import MountedDisk
from tests.unit.raft.builders import a_disk, a_member, entries_of, in_virtual_time, members

DIRECTORY = Path("/data/m1")


async def a_directory(last_index: int, snapshot_at: int = 0, snapshot_term: int = 1) -> MountedDisk:
    disk = a_disk()
    await bootstrap(DIRECTORY, disk, list(members()), "c1")
    storage = await open_storage(DIRECTORY, disk)
    storage.journal.setCurrentTerm(4, "m3")
    for index in range(2, last_index + 1):
        storage.journal.add(bytes([Command.REGULAR]) + b"x", index, 1)
    await storage.journal.sync()
    await storage.journal.close()
    if snapshot_at:
        head = SnapshotHead("c1", snapshot_at, snapshot_term, members())
        await SnapshotStore(disk, DIRECTORY).write(snapshot_at, pack_snapshot(head, [b"state"]))
    return disk


@in_virtual_time
async def test_bootstrap_is_refused_where_something_is() -> None:
    disk = await a_directory(3)
    with pytest.raises(NotBootstrapped, match="not empty"):
        await bootstrap(DIRECTORY, disk, list(members()), "c2")


@in_virtual_time
async def test_files_that_a_crash_left_unfinished_are_in_nobodys_way() -> None:
    disk = a_disk()
    leftover = DIRECTORY / "journal.tmp"
    disk.disk.files[leftover] = bytearray(b"half")
    await bootstrap(DIRECTORY, disk, list(members()), "c1")
    await open_storage(DIRECTORY, disk)
    assert await disk.list(DIRECTORY) == ["journal"]


@in_virtual_time
async def test_bootstrap_needs_members_with_names_of_their_own() -> None:
    for wrong in ([], [a_member("m1"), a_member("m1")]):
        with pytest.raises(NotBootstrapped):
            await bootstrap(DIRECTORY, a_disk(), wrong, "c1")


@in_virtual_time
async def test_membership_comes_from_the_journal() -> None:
    storage = await open_storage(DIRECTORY, await a_directory(3))
    assert storage.journal.members == members()
    assert storage.journal.cluster_id == "c1"


@in_virtual_time
async def test_a_journal_that_reaches_beyond_the_snapshot_keeps_its_entries() -> None:
    storage = await open_storage(DIRECTORY, await a_directory(9, snapshot_at=5))
    assert len(entries_of(storage.journal)) == 8
    assert storage.snapshot is not None
    assert bytes(storage.snapshot.state) == b"state"


@in_virtual_time
async def test_a_journal_that_ends_before_the_snapshot_starts_anew_after_it_and_keeps_the_vote() -> None:
    disk = await a_directory(3, snapshot_at=8)
    for _ in range(2):
        storage = await open_storage(DIRECTORY, disk)
        assert (storage.journal.base_index, storage.journal.last_index) == (8, 8)
        assert (storage.journal.getCurrentTerm(), storage.journal.getVotedForNodeId()) == (4, "m3")
        await storage.journal.close()


@in_virtual_time
async def test_a_journal_with_another_entry_where_the_snapshot_ends_starts_anew_after_it() -> None:
    storage = await open_storage(DIRECTORY, await a_directory(9, snapshot_at=5, snapshot_term=2))
    assert (storage.journal.base_index, storage.journal.base_term, storage.journal.last_index) == (5, 2, 5)


@in_virtual_time
async def test_a_gap_between_snapshot_and_journal_is_refused() -> None:
    disk = await a_directory(9)
    storage = await open_storage(DIRECTORY, disk)
    storage.journal.compact(6)
    await storage.journal.compacted()
    await storage.journal.sync()
    await storage.journal.close()
    with pytest.raises(JournalDamaged, match="no snapshot covers"):
        await open_storage(DIRECTORY, disk)


@in_virtual_time
async def test_a_snapshot_of_another_cluster_is_refused() -> None:
    disk = await a_directory(9)
    head = SnapshotHead("other", 5, 1, members())
    await SnapshotStore(disk, DIRECTORY).write(5, pack_snapshot(head, [b"state"]))
    with pytest.raises(JournalDamaged, match="different clusters"):
        await open_storage(DIRECTORY, disk)
