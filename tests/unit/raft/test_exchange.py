"""A follower takes a snapshot: checked, durable, whole, and only then acknowledged."""

import asyncio
import zlib
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

from okube.raft.config import RaftConfig
from okube.raft.exchange import SnapshotExchange
from okube.raft.frames import Appended, Body, SnapshotPiece, SnapshotReceived
from okube.raft.snapshot import Snapshot, SnapshotHead, SnapshotStore, pack_snapshot
from tests.simulation.cluster import until
from tests.simulation.disk import MountedDisk
from tests.unit.raft.builders import a_disk, in_virtual_time, members

DIRECTORY = Path("/data/m2")
CONFIG = RaftConfig(snapshot_chunk_bytes=100)
INDEX = 7


class Follower:
    """What stands around an exchange: a state of one value, and what was said."""

    def __init__(self, disk: MountedDisk) -> None:
        self.disk = disk
        self.applied_index = self.held_index = 2
        self.state = b"old"
        self.said: list[Body] = []
        self.promised: list[Body] = []
        self.steps = 0
        self.at_step: dict[int, Any] = {}
        self.tasks: list[asyncio.Task[None]] = []
        self.exchange = SnapshotExchange(self, SnapshotStore(disk, DIRECTORY), CONFIG)

    def send(self, peer: str, body: Body) -> None:
        self.said.append(body)

    def promise(self, peer: str, body: Body) -> None:
        self.promised.append(body)

    def restoring(self, snapshot: Snapshot) -> Iterator[bool]:
        assert self.disk.disk.files, "taken before it was durable"
        for step in range(5):
            self.steps = step
            self.at_step.get(step, lambda: None)()
            yield False
        self.state = bytes(snapshot.state)
        yield True
        yield False  # cleaning up

    def installed(self, snapshot: Snapshot) -> None:
        assert self.state == snapshot.state, "the log follows a state that is not there yet"
        self.applied_index = self.held_index = snapshot.head.index

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.get_running_loop().create_task(work))

    async def done(self) -> None:
        assert await until(lambda: all(task.done() for task in self.tasks), within_s=5)
        for task in self.tasks:
            task.result()

    def is_sent(self, file: bytes, *, index: int = INDEX) -> None:
        """All pieces of a file, as a leader sends them."""
        for offset in range(0, len(file), CONFIG.snapshot_chunk_bytes):
            data = file[offset : offset + CONFIG.snapshot_chunk_bytes]
            self.exchange.receive("m1", SnapshotPiece(index, 2, len(file), zlib.crc32(file), offset, data))


def a_file(index: int = INDEX) -> bytes:
    return b"".join(pack_snapshot(SnapshotHead("c1", index, 2, members()), [b"new state " * 40]))


@in_virtual_time
async def test_it_is_durable_before_it_is_taken_and_taken_before_it_is_acknowledged() -> None:
    follower = Follower(a_disk())
    follower.is_sent(a_file())
    assert (follower.state, follower.promised) == (b"old", [])
    await follower.done()
    assert follower.state == b"new state " * 40
    assert follower.promised == [Appended(INDEX + 1, success=True, reset=False)]


@in_virtual_time
async def test_a_state_that_the_log_brought_further_meanwhile_never_goes_back() -> None:
    follower = Follower(a_disk())

    def goes_on() -> None:
        follower.applied_index = follower.held_index = INDEX + 1
        follower.state = b"newer"

    follower.at_step = {3: goes_on}
    follower.is_sent(a_file())
    await follower.done()
    assert (follower.steps, follower.state) == (3, b"newer")


@in_virtual_time
async def test_a_file_that_is_not_what_was_announced_is_asked_for_again_and_leaves_no_trace() -> None:
    follower = Follower(a_disk())
    follower.is_sent(a_file(index=INDEX + 1))
    await follower.done()
    assert follower.said[-1] == SnapshotReceived(INDEX, 2, 0)
    assert (follower.state, follower.promised, follower.disk.disk.files) == (b"old", [], {})
    follower.is_sent(a_file())
    await follower.done()
    assert follower.state == b"new state " * 40


@in_virtual_time
async def test_while_one_is_taken_another_begins_nothing() -> None:
    follower = Follower(a_disk())
    follower.is_sent(a_file())
    follower.is_sent(a_file())
    await follower.done()
    assert len(follower.tasks) == 1
    assert len(follower.promised) == 1
    follower.is_sent(a_file())
    assert len(follower.tasks) == 1, "what is there is acknowledged, and not taken once more"
