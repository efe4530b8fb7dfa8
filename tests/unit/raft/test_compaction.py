from pathlib import Path

import pytest

from okube.raft.compaction import Compactor
from okube.raft.config import RaftConfig
from okube.raft.journal import Command, Journal
from okube.raft.snapshot import SnapshotStore
from okube.seams.disk import NoRoom
from tests.simulation.disk import MountedDisk
from tests.unit.raft.builders import a_disk, a_journal, in_virtual_time

CONFIG = RaftConfig(compact_entries=20, tail_entries=5, compact_bytes=2000, tail_bytes=500)


def add(journal: Journal, count: int, size_bytes: int = 1) -> None:
    for _ in range(count):
        journal.add(bytes([Command.REGULAR]) * size_bytes, journal.last_index + 1, 1)


async def a_compactor(disk: MountedDisk, state: bytes = b"state") -> tuple[Compactor, Journal, SnapshotStore]:
    journal = await a_journal(disk)
    store = SnapshotStore(disk, Path("/data/m1"))
    return (
        Compactor(journal=journal, store=store, config=CONFIG, snapshot=lambda: iter([b"a ", state])),
        journal,
        store,
    )


@in_virtual_time
async def test_it_is_due_when_there_are_too_many_entries_or_bytes_that_are_applied() -> None:
    compactor, journal, _ = await a_compactor(a_disk())
    add(journal, 26)
    assert not compactor.is_due(26)
    assert compactor.is_due(27)
    compactor, journal, _ = await a_compactor(a_disk())
    add(journal, 5, 600)
    assert not compactor.is_due(1)
    assert compactor.is_due(2)


@in_virtual_time
async def test_after_a_large_snapshot_the_log_grows_in_keeping_with_it_before_there_is_another() -> None:
    compactor, journal, _ = await a_compactor(a_disk(), bytes(100 << 10))
    add(journal, 30)
    await compactor.run(28)
    await journal.sync()
    add(journal, 105)
    assert not compactor.is_due(journal.base_index + 105)
    assert compactor.is_due(journal.base_index + 106)


@in_virtual_time
async def test_a_snapshot_stands_before_entries_go_and_a_tail_stays() -> None:
    compactor, journal, store = await a_compactor(a_disk())
    add(journal, 30)
    await journal.sync()
    await compactor.run(28)
    snapshot = await store.newest()
    assert snapshot is not None
    assert (snapshot.head.index, bytes(snapshot.state)) == (28, b"a state")
    assert (journal.base_index, journal.last_index) == (23, 31)


@in_virtual_time
async def test_a_crash_after_the_snapshot_and_before_the_journal_follows_loses_nothing() -> None:
    disk = a_disk()
    compactor, journal, _ = await a_compactor(disk)
    add(journal, 30)
    await journal.sync()
    await compactor.run(28)
    disk.crash()
    reopened = await Journal.open(disk.disk.mount(), Path("/data/m1/journal"))
    assert (reopened.base_index, reopened.last_index) == (1, 31)


@in_virtual_time
async def test_what_is_not_applied_does_not_make_it_run_again_and_again() -> None:
    compactor, journal, _ = await a_compactor(a_disk())
    add(journal, 12, 300)
    assert compactor.is_due(3)
    await compactor.run(3)
    await journal.sync()
    assert not compactor.is_due(4)


@in_virtual_time
async def test_without_room_for_a_snapshot_nothing_is_forgotten() -> None:
    disk = a_disk()
    compactor, journal, store = await a_compactor(disk, bytes(5000))
    add(journal, 30)
    await journal.sync()
    disk.disk.limit_bytes = disk.disk.used_bytes + 1000
    with pytest.raises(NoRoom):
        await compactor.run(28)
    assert (await store.newest(), journal.base_index, journal.last_index) == (None, 1, 31)
    assert compactor.is_due(28)


@in_virtual_time
async def test_without_room_for_a_smaller_journal_the_old_one_goes_on_and_is_tried_again() -> None:
    disk = a_disk()
    compactor, journal, _ = await a_compactor(disk)
    add(journal, 30, 200)
    await journal.sync()
    disk.disk.limit_bytes = disk.disk.used_bytes + 200
    with pytest.raises(NoRoom):
        await compactor.run(28)
    await journal.sync()
    add(journal, 1)
    await journal.sync()
    disk.disk.limit_bytes = None
    assert compactor.is_due(28)
    await compactor.run(28)
    await journal.sync()
    add(journal, 1)
    await journal.sync()
    await journal.close()
    reopened = await Journal.open(disk, Path("/data/m1/journal"))
    assert (reopened.base_index, reopened.last_index) == (26, 33)


@in_virtual_time
async def test_room_that_ends_while_the_new_journal_takes_over_leaves_the_old_one() -> None:
    disk = a_disk()
    _, journal, _ = await a_compactor(disk)
    add(journal, 30, 200)
    await journal.sync()
    journal.compact(28)
    add(journal, 1, 50)
    await journal.compacted()
    disk.disk.limit_bytes = disk.disk.used_bytes + 50
    await journal.sync()
    assert (journal.synced_index, journal.abandoned) == (32, 1)
    await journal.close()
    assert await disk.list(Path("/data/m1")) == ["journal"]
    reopened = await Journal.open(disk, Path("/data/m1/journal"))
    assert (reopened.base_index, reopened.last_index) == (1, 32)


@in_virtual_time
async def test_terms_and_truncations_without_end_do_not_fill_the_disk() -> None:
    disk = a_disk()
    compactor, journal, _ = await a_compactor(disk)
    largest = 0
    for term in range(1, 500):
        journal.setCurrentTerm(term, "m1")
        journal.add(bytes(300), 2, term)
        journal.deleteEntriesFrom(1)
        if compactor.is_due(1):
            await compactor.run(1)
        await journal.sync()
        largest = max(largest, disk.disk.used_bytes)
    assert largest < 2 * CONFIG.compact_bytes
    await journal.close()
    reopened = await Journal.open(disk, Path("/data/m1/journal"))
    assert (reopened.last_index, reopened.getCurrentTerm()) == (1, 499)
