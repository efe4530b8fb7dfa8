"""kill -9 between any two steps of the disk: whatever had been promised is there when the directory is opened again."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from okube.raft.compaction import Compactor
from okube.raft.config import RaftConfig
from okube.raft.journal import Command, Journal
from okube.raft.snapshot import SnapshotHead, pack_snapshot
from okube.raft.storage import Storage, bootstrap, open_storage
from tests.simulation.cutdisk import Cut, CutDisk
from tests.unit.raft.builders import in_virtual_time, members

DIRECTORY = Path("/data/m1")
CONFIG = RaftConfig(compact_entries=20, tail_entries=5, compact_bytes=2000, tail_bytes=500)
State = list[bytes]


class Life:
    """A member's directory in use. ``promised`` is what it said to others: entries by index, and its term and vote."""

    def __init__(self, storage: Storage, promised: dict[int, bytes]) -> None:
        self.storage = storage
        self.promised = promised
        self.vote: tuple[int, str | None] = (0, None)
        self.all = dict(promised)

    @property
    def journal(self) -> Journal:
        return self.storage.journal

    def add(self, count: int, term: int) -> None:
        for _ in range(count):
            index = self.journal.last_index + 1
            self.all[index] = b"%d of %d" % (index, term)
            self.journal.add(bytes([Command.REGULAR]) + self.all[index], index, term)

    async def sync(self) -> None:
        entries, vote = dict(self.all), (self.journal.getCurrentTerm(), self.journal.getVotedForNodeId())
        await self.journal.sync()
        self.promised, self.vote = entries, vote

    async def compact(self, applied: int) -> None:
        """With what is appended and synced in the middle of it."""
        state = b"".join(self.all[index] + b"\n" for index in sorted(self.all) if index <= applied)
        compactor = Compactor(
            journal=self.journal, store=self.storage.snapshots, config=CONFIG, snapshot=lambda: [state]
        )
        work = asyncio.ensure_future(compactor.run(applied))
        try:
            while not work.done():
                self.add(1, self.journal.last_term)
                await self.sync()
                await asyncio.sleep(0)
            await work
            await self.sync()
            await self.sync()
            assert self.journal.base_index > 1
        finally:
            work.cancel()
            await asyncio.wait([work])
            if not work.cancelled():
                work.exception()

    async def install(self, index: int, term: int) -> None:
        """As a follower does with the leader's snapshot: entries that it does not hold itself."""
        for number in range(2, index + 1):
            self.all.setdefault(number, b"%d of %d" % (number, term))
        self.all = {number: data for number, data in self.all.items() if number <= index}
        state = b"".join(self.all[number] + b"\n" for number in sorted(self.all))
        head = SnapshotHead("c1", index, term, members())
        await self.storage.snapshots.write(index, pack_snapshot(head, [state]))
        if self.journal.term_at(index) != term:
            self.journal.restart_at(index, term, members())
        await self.sync()


async def found(storage: Storage) -> dict[int, bytes]:
    """All entries, from snapshot and journal."""
    entries: dict[int, bytes] = {}
    if storage.snapshot is not None:
        lines = bytes(storage.snapshot.state).split(b"\n")[:-1]
        entries = {int(line.split()[0]): line for line in lines}
    for command, index, _ in storage.journal[1:]:
        if index in entries:
            assert entries[index] == command[1:]
        entries[index] = command[1:]
    assert sorted(entries) == list(range(2, len(entries) + 2)), "a gap"
    return entries


async def compact_twice(life: Life) -> None:
    life.journal.setCurrentTerm(3, "m2")
    life.add(30, 3)
    await life.sync()
    await life.compact(30)
    life.journal.setCurrentTerm(4, "m3")
    life.add(40, 4)
    await life.sync()
    await life.compact(60)
    life.add(3, 4)
    await life.sync()


async def install_beyond_the_log(life: Life) -> None:
    life.add(10, 3)
    await life.sync()
    await life.install(40, 4)
    life.add(30, 4)
    await life.sync()
    await life.compact(70)
    await life.install(200, 5)
    life.add(2, 5)
    await life.sync()


async def lived(disk: CutDisk, story: Callable[[Life], Awaitable[None]]) -> Life:
    storage = await open_storage(DIRECTORY, disk)
    life = Life(storage, {})
    with contextlib.suppress(Cut):
        await story(life)
    await life.journal.close()
    return life


async def check(files: dict[Path, bytes], life: Life) -> None:
    """Open it, also when that is cut off itself, at each of its steps."""
    steps = 0
    while True:
        disk = CutDisk(dict(files), steps)
        try:
            await (await open_storage(DIRECTORY, disk)).journal.close()
            break
        except Cut:
            await opened_as_promised(disk.files, life)
            steps += 1
    await opened_as_promised(dict(files), life)


async def opened_as_promised(files: dict[Path, bytes], life: Life) -> None:
    storage = await open_storage(DIRECTORY, CutDisk(files))
    entries = await found(storage)
    assert life.promised.items() <= entries.items()
    assert entries.items() <= life.all.items()
    assert (storage.journal.getCurrentTerm(), storage.journal.getVotedForNodeId()) >= life.vote
    assert storage.journal.members == members()
    await storage.journal.close()


@pytest.mark.parametrize("story", [compact_twice, install_beyond_the_log])
@in_virtual_time
async def test_a_directory_that_is_cut_off_at_any_step_holds_all_that_was_promised(
    story: Callable[[Life], Awaitable[None]],
) -> None:
    new: dict[Path, bytes] = {}
    await bootstrap(DIRECTORY, CutDisk(new), list(members()), "c1")
    whole = CutDisk(dict(new))
    await lived(whole, story)
    assert whole.taken > 30
    for steps in range(whole.taken):
        disk = CutDisk(dict(new), steps)
        life = await lived(disk, story)
        await check(disk.files, life)


@in_virtual_time
async def test_a_bootstrap_that_is_cut_off_at_any_step_can_be_done_again() -> None:
    steps = 0
    while True:
        files: dict[Path, bytes] = {}
        disk = CutDisk(files, steps)
        try:
            await bootstrap(DIRECTORY, disk, list(members()), "c1")
            break
        except Cut:
            await bootstrap(DIRECTORY, CutDisk(files), list(members()), "c1")
            await open_storage(DIRECTORY, CutDisk(files))
        steps += 1
    assert steps == 3
