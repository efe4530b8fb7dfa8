import asyncio
from pathlib import Path

import msgspec
import pytest

from okube.model.epoch import Epoch
from okube.seams.disk import FileDisk
from okube.worker.assignments import Holdings
from okube.worker.memory import Ending, TaskMemory
from okube.worker.store import Store, Stored
from tests.unit.worker.machine import MemoryDisk, a_task

HELD = Holdings(
    fence=Epoch(1, 3),
    assigned=True,
    epoch=Epoch(1, 3),
    revision=7,
    tasks={"t1": a_task("t1", volumes=["data:/data"], ports=["8080:80"])},
    ended=frozenset({"t0"}),
)
MEMORIES = {
    "t1": TaskMemory(container_id="c1", restarts=3, due_ms=5, end_seen="c1/1/2"),
    "t0": TaskMemory(ending=Ending("failed", "exit-code", "exit code 3", 3, 1, 2)),
}


def store_on(disk: MemoryDisk) -> Store:
    return Store(disk, Path("/state"))


async def full() -> MemoryDisk:
    disk = MemoryDisk()
    store = store_on(disk)
    await store.save_assignment(HELD)
    await store.save_memories(MEMORIES)
    await store.save_managers(("192.0.2.1:7101",))
    return disk


async def test_nothing_stored_is_a_fresh_start() -> None:
    assert await store_on(MemoryDisk()).load() == Stored(Holdings(), {}, ())


async def test_what_was_stored_comes_back() -> None:
    assert await store_on(await full()).load() == Stored(HELD, MEMORIES, ("192.0.2.1:7101",))


async def test_it_comes_back_from_a_real_disk(tmp_path: Path) -> None:
    disk = FileDisk()
    try:
        await Store(disk, tmp_path).save_assignment(HELD)
        await Store(disk, tmp_path).save_memories(MEMORIES)
        assert await Store(disk, tmp_path).load() == Stored(HELD, MEMORIES)
    finally:
        await disk.close()


async def test_the_fence_is_stored_before_the_assignment() -> None:
    disk = await full()
    assert disk.writes[:2] == ["epoch", "assignment"]


async def test_a_fence_raised_after_the_assignment_comes_back_higher() -> None:
    disk = await full()
    await store_on(disk).save_fence(Epoch(1, 9))
    holdings = (await store_on(disk).load()).holdings
    assert (holdings.fence, holdings.epoch) == (Epoch(1, 9), Epoch(1, 3))


@pytest.mark.parametrize("position", [0, 16, -1])
async def test_a_damaged_fence_is_not_taken_for_none(position: int, caplog: pytest.LogCaptureFixture) -> None:
    disk = await full()
    disk.files["epoch"] = flipped(disk.files["epoch"], position)
    holdings = (await store_on(disk).load()).holdings
    assert holdings.fence is None
    assert holdings.tasks == HELD.tasks
    assert "obeys no manager until" in caplog.text


async def test_a_fence_that_is_gone_is_not_taken_for_a_fresh_start() -> None:
    disk = await full()
    del disk.files["epoch"]
    assert (await store_on(disk).load()).holdings.fence is None


@pytest.mark.parametrize("position", [0, 16, -1])
async def test_a_damaged_assignment_keeps_the_fence_and_holds_nothing(position: int) -> None:
    disk = await full()
    disk.files["assignment"] = flipped(disk.files["assignment"], position)
    stored = await store_on(disk).load()
    assert stored.holdings == Holdings(fence=Epoch(1, 3))
    assert stored.memories == MEMORIES


async def test_a_file_cut_short_is_damaged() -> None:
    disk = await full()
    for name, data in disk.files.items():
        disk.files[name] = data[: len(data) // 2]
    assert await store_on(disk).load() == Stored(Holdings(fence=None), {}, ())


async def test_a_damaged_memory_costs_no_more_than_the_memory() -> None:
    disk = await full()
    disk.files["tasks"] = b"nonsense"
    assert await store_on(disk).load() == Stored(HELD, {}, ("192.0.2.1:7101",))


async def test_what_is_on_disk_already_is_not_written_again() -> None:
    disk = await full()
    disk.writes.clear()
    store = store_on(disk)
    await store.load()
    await store.save_assignment(HELD)
    await store.save_memories(MEMORIES)
    assert disk.writes == []


async def test_a_failed_write_is_tried_again_even_with_the_same_content() -> None:
    disk = MemoryDisk()
    store = store_on(disk)
    disk.full = True
    with pytest.raises(OSError, match="No space"):
        await store.save_fence(Epoch(1, 1))
    disk.full = False
    await store.save_fence(Epoch(1, 1))
    assert (await store_on(disk).load()).holdings.fence == Epoch(1, 1)


async def test_many_who_store_at_a_time_share_writes_and_the_newest_is_last() -> None:
    disk = SlowDisk()
    store = store_on(disk)
    many = [{"t1": TaskMemory(restarts=n)} for n in range(50)]
    async with asyncio.TaskGroup() as group:
        for memories in many:
            group.create_task(store.save_memories(memories))
    assert len(disk.writes) <= 2
    assert (await store_on(disk).load()).memories == many[-1]


async def test_memory_of_an_older_version_is_read_with_the_defaults_of_what_is_new() -> None:
    old = msgspec.msgpack.encode({"t1": ["c1"]})
    disk = MemoryDisk()
    store = store_on(disk)
    await store._save("tasks", msgspec.Raw(old))
    assert (await store_on(disk).load()).memories == {"t1": TaskMemory(container_id="c1")}


class SlowDisk(MemoryDisk):
    async def replace(self, path: Path, chunks: object) -> None:
        await asyncio.sleep(0.001)
        await super().replace(path, chunks)  # type: ignore[arg-type]  # passed on


def flipped(data: bytes, position: int) -> bytes:
    made = bytearray(data)
    made[position] ^= 0x40
    return bytes(made)
