import asyncio
from pathlib import Path

import pytest

from okube.raft.errors import JournalDamaged
from okube.raft.snapshot import SnapshotDamaged, SnapshotHead, SnapshotStore, pack_snapshot, unpack_snapshot
from tests.unit.raft.builders import a_disk, in_virtual_time, members

DIRECTORY = Path("/data/m1")


def a_head(index: int = 7) -> SnapshotHead:
    return SnapshotHead("c1", index, 2, members())


def a_file(index: int = 7) -> bytes:
    return b"".join(pack_snapshot(a_head(index), [b"the ", b"state"]))


def test_what_was_packed_is_unpacked() -> None:
    snapshot = unpack_snapshot(a_file())
    assert (snapshot.head, bytes(snapshot.state)) == (a_head(), b"the state")


def test_a_snapshot_with_any_byte_missing_or_changed_is_damaged() -> None:
    file = a_file()
    for place in range(len(file)):
        changed = bytearray(file)
        changed[place] ^= 0x10
        for damaged in (file[:place], bytes(changed)):
            with pytest.raises(SnapshotDamaged):
                unpack_snapshot(damaged)


@in_virtual_time
async def test_the_newest_snapshot_counts_and_older_ones_go() -> None:
    disk = a_disk()
    store = SnapshotStore(disk, DIRECTORY)
    assert await store.newest() is None
    await store.write(7, [a_file(7)])
    await store.write(12, [a_file(12)])
    newest = await store.newest()
    assert newest is not None
    assert newest.head.index == 12
    assert len(await disk.list(DIRECTORY)) == 1


@in_virtual_time
async def test_a_damaged_snapshot_is_refused_and_not_skipped() -> None:
    disk = a_disk()
    store = SnapshotStore(disk, DIRECTORY)
    await store.write(7, [a_file(7)])
    (path,) = disk.disk.files
    disk.disk.files[path][-1] ^= 1
    with pytest.raises(JournalDamaged, match="snapshot is damaged"):
        await store.newest()


@in_virtual_time
async def test_a_snapshot_that_is_not_complete_has_no_name() -> None:
    disk = a_disk()
    writing = asyncio.create_task(SnapshotStore(disk, DIRECTORY).write(7, [a_file(7)]))
    await asyncio.sleep(0.0005)
    disk.crash()
    assert await SnapshotStore(disk.disk.mount(), DIRECTORY).newest() is None
    writing.cancel()
    await asyncio.wait([writing])
