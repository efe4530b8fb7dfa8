from pathlib import Path

from okube.raft.compaction import Compactor
from okube.raft.config import RaftConfig
from okube.raft.journal import Command, Journal
from okube.raft.snapshot import SnapshotStore
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
    assert (snapshot.head.index, snapshot.state) == (28, b"a state")
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
