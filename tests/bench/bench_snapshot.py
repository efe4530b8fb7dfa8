"""How long snapshots hold a manager's loop: ``python -m tests.bench.bench_snapshot``; the last line is one JSON object.

Two members over TLS on one loop, so each figure covers both ends. A pause is the time between two turns of the loop;
*waited* is how much of the longest one the loop's thread was ready to run and other processes had the cores (as the
kernel counts it), and *cpu* the most that it worked in any one.
"""

import argparse
import asyncio
import contextlib
import gc
import json
import random
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from io import FileIO
from pathlib import Path

import msgspec

from okube.manager.snapshots import Taken
from okube.model.epoch import Epoch
from okube.raft import Member, RaftConfig, RaftNode
from okube.raft.compaction import Compactor
from okube.raft.journal import Command, Journal, first_records
from okube.raft.journal_file import create_journal_file
from okube.raft.snapshot import SnapshotHead, SnapshotStore, pack_snapshot
from okube.raft.storage import JOURNAL_NAME
from okube.seams.clock import SystemClock
from okube.seams.disk import FileDisk
from okube.state import StateMachine
from okube.state.feed import Feed
from tests.bench.large_state import fill
from tests.unit.raft.tls import Certificates

AT = 1000  # the entry that the first snapshot covers


class Pause(msgspec.Struct):
    """The longest in milliseconds, of one phase."""

    title: str
    seconds: float = 0.0
    wall_ms: float = 0.0
    waited_ms: float = 0.0
    cpu_ms: float = 0.0


class Bench:
    def __init__(self, directory: Path, tasks: int) -> None:
        self.directory = directory
        self.tasks = tasks
        self.disk = FileDisk()
        self.certificates = Certificates(directory)
        ports = free_ports(4)
        self.members = [
            Member(name, f"{name}-i", f"127.0.0.1:{ports[n]}", f"127.0.0.1:{ports[n + 2]}")
            for n, name in enumerate(("m1", "m2"))
        ]
        self.pauses: list[Pause] = []
        self.snapshot_bytes = 0

    @contextlib.asynccontextmanager
    async def phase(self, title: str) -> AsyncIterator[None]:
        pause = Pause(title)
        probe = asyncio.create_task(probe_loop(pause))
        await asyncio.sleep(0.05)
        began = time.perf_counter()
        try:
            yield
        finally:
            pause.seconds = time.perf_counter() - began
            await asyncio.sleep(0.05)
            probe.cancel()
            self.pauses.append(pause)

    def machine(self) -> StateMachine:
        """As a manager has it: with a feed of changes, and rows that the collector leaves alone."""
        machine = StateMachine()
        machine.restored += [Feed(machine.tables).restart, gc.freeze]
        return machine

    def node(self, name: str, machine: StateMachine) -> RaftNode:
        member = next(member for member in self.members if member.name == name)
        transport = self.certificates.transport(name)
        transport._listen_on = ("127.0.0.1", int(member.raft_address.rpartition(":")[2]))
        return RaftNode(
            name=name,
            instance=member.instance,
            directory=self.directory / name,
            config=RaftConfig(),
            machine=machine,
            transport=transport,
            disk=self.disk,
            clock=SystemClock(),
            rng=random.Random(name),
        )

    async def run(self) -> None:
        machine = self.machine()
        fill(machine.tables, self.tasks, Epoch(1, 1))
        gc.collect()
        gc.freeze()
        async with self.phase("nothing, to compare with"):
            await asyncio.sleep(3)
        await self.write(machine)
        async with self.phase("save a file, deflated"):
            taken = await Taken.of(machine, by="m1", why="saved", now_ms=0, managers=["m1"])
            await self.disk.replace(self.directory / taken.file_name, taken.file())
        digest = machine.tables.digest.hex()
        del machine
        one, two = self.machine(), self.machine()
        for member in self.members:
            await RaftNode.bootstrap(self.directory / member.name, self.disk, self.members, "c1")
        source = SnapshotStore(self.disk, self.directory / "written")
        newest = await source.newest()
        assert newest is not None
        self.snapshot_bytes = len(newest.file)
        head = SnapshotHead("c1", AT, 1, tuple(self.members))
        await SnapshotStore(self.disk, self.directory / "m1").write(AT, pack_snapshot(head, [bytes(newest.state)]))
        del newest
        leader, follower = self.node("m1", one), self.node("m2", two)
        async with self.phase("load at the start"):
            await leader.start()
        assert one.tables.digest.hex() == digest, "what was loaded differs"
        async with self.phase("send, check, store and take"):
            await follower.start()
            await follower.wait_applied(AT)
            assert two.tables.digest.hex() == digest, "what was sent differs"
            await asyncio.sleep(0.3)  # cleaning up
        await follower.stop()
        await leader.stop()
        await self.disk.close()

    async def write(self, machine: StateMachine) -> None:
        path = self.directory / "written" / JOURNAL_NAME
        await create_journal_file(self.disk, path, first_records("c1", tuple(self.members)))
        journal = await Journal.open(self.disk, path)
        for index in range(2, 12_000):
            journal.add(bytes([Command.REGULAR]) + bytes(200), index, 1)
        await journal.sync()
        store = SnapshotStore(self.disk, path.parent)
        compactor = Compactor(journal=journal, store=store, config=RaftConfig(), snapshot=machine.snapshot)
        async with self.phase("write, and compact the log"):
            await compactor.run(11_990)
            await journal.sync()
        await journal.close()


async def probe_loop(pause: Pause) -> None:
    """Turns as often as it can, and keeps the longest time between two turns."""
    with FileIO("/proc/thread-self/schedstat") as waits:
        wall, cpu, waited = time.perf_counter(), time.thread_time(), waited_s(waits)
        while True:
            await asyncio.sleep(0)
            before = wall, cpu, waited
            wall, cpu, waited = time.perf_counter(), time.thread_time(), waited_s(waits)
            if 1000 * (wall - before[0]) > pause.wall_ms:
                pause.wall_ms, pause.waited_ms = 1000 * (wall - before[0]), 1000 * (waited - before[2])
            pause.cpu_ms = max(pause.cpu_ms, 1000 * (cpu - before[1]))


def waited_s(waits: FileIO) -> float:
    """How long this thread was ready and not running, ever."""
    waits.seek(0)
    return int(waits.read(100).split()[1]) / 1e9


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=100_000)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(Path(directory), asked.tasks)
        asyncio.run(bench.run())
    print(f"{asked.tasks} tasks, a snapshot of {bench.snapshot_bytes / 1e6:.1f} MB")
    print(f"{'':<30} {'takes s':>9} {'longest pause ms':>17} {'of it waited':>13} {'most cpu ms':>12}")
    figures: dict[str, float] = {"tasks": asked.tasks, "snapshot_mb": round(bench.snapshot_bytes / 1e6, 1)}
    for key, pause in zip(("idle", "write", "save", "load", "send"), bench.pauses, strict=True):
        measured = f"{pause.wall_ms:>17.1f} {pause.waited_ms:>13.1f} {pause.cpu_ms:>12.1f}"
        print(f"{pause.title:<30} {pause.seconds:>9.2f} {measured}")
        figures[f"{key}_pause_ms"] = round(pause.wall_ms, 1)
        figures[f"{key}_pause_waited_ms"] = round(pause.waited_ms, 1)
        figures[f"{key}_pause_cpu_ms"] = round(pause.cpu_ms, 1)
        figures[f"{key}_s"] = round(pause.seconds, 2)
    print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
