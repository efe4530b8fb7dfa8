"""Parts of a member, built small, on disks and loops that need no time."""

import random
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any

from okube.raft.config import RaftConfig
from okube.raft.engine import Engine
from okube.raft.frames import Body, PreVote, PreVoteGranted, VoteGranted, VoteRequest
from okube.raft.journal import Command, Journal, first_records
from okube.raft.journal_file import create_journal_file
from okube.raft.members import Member
from tests.simulation.disk import MountedDisk, SimulatedDisk
from tests.simulation.loop import run_virtual, virtual_loop

JOURNAL = Path("/data/m1/journal")
REGULAR = bytes([Command.REGULAR])


def in_virtual_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test on a loop whose clock jumps."""

    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        run_virtual(test(*args, **kwargs))

    return run


def a_member(name: str = "m1") -> Member:
    return Member(name, f"{name}-i", f"{name}:1", f"{name}:2")


def members(size: int = 3) -> tuple[Member, ...]:
    return tuple(a_member(f"m{number}") for number in range(1, size + 1))


def a_disk() -> MountedDisk:
    return SimulatedDisk(random.Random(1), sync_s=(0.001, 0.001)).mount()


async def a_journal(disk: MountedDisk | None = None, size: int = 3) -> Journal:
    disk = disk or a_disk()
    await create_journal_file(disk, JOURNAL, first_records("c1", members(size)))
    return await Journal.open(disk, JOURNAL)


def entries_of(journal: Journal) -> list[tuple[bytes, int, int]]:
    return list(journal[1:])


class Host:
    """What an engine says and applies. ``said`` holds what leaves at once, ``promised`` what waits for a sync."""

    def __init__(self) -> None:
        self.said: list[tuple[str, Body]] = []
        self.promised: list[tuple[str, Body]] = []
        self.applied: list[tuple[int, int, bytes]] = []
        self.snapshots_for: list[str] = []
        self.older: set[str] = set()  # members that do not know what came later

    def send(self, peer: str, body: Body) -> None:
        self.said.append((peer, body))

    def promise(self, peer: str, body: Body) -> None:
        self.promised.append((peer, body))

    def apply(self, index: int, term: int, payload: bytes) -> Any:
        self.applied.append((index, term, payload))
        return [index]

    def understands(self, peer: str, kind: type[Body]) -> bool:
        return peer not in self.older

    def needs_snapshot(self, peer: str) -> None:
        self.snapshots_for.append(peer)

    def take(self) -> list[tuple[str, Body]]:
        """What was said and promised since the last call."""
        taken = self.said + self.promised
        self.said, self.promised = [], []
        return taken


class Rig:
    """An engine on a bench: one member of ``size``, with links to all others."""

    def __init__(self, journal: Journal, *, size: int = 3, config: RaftConfig | None = None, name: str = "m1") -> None:
        self.journal = journal
        self.host = Host()
        self.config = config or RaftConfig()
        self.engine = Engine(
            name=name,
            journal=journal,
            applied_index=journal.base_index,
            config=self.config,
            rng=random.Random(1),
            host=self.host,
        )
        self.peers = [member.name for member in members(size) if member.name != name]
        for peer in self.peers:
            self.engine.connected(peer)

    def tick(self) -> None:
        self.engine.tick(virtual_loop().time())

    def wait(self, seconds: float) -> None:
        """Time passes and nothing is heard."""
        virtual_loop().now += seconds
        self.tick()

    async def lead(self) -> None:
        """Let it win an election, and have its first entry committed by ``m2``."""
        self.wait(1.1)
        assert any(isinstance(body, PreVote) for _, body in self.host.take())
        self.engine.receive("m2", self.engine.term, PreVoteGranted(self.engine.term + 1))
        assert any(isinstance(body, VoteRequest) for _, body in self.host.take())
        self.engine.receive("m2", self.engine.term, VoteGranted())
        assert self.engine.is_leader
        await self.journal.sync()
        self.host.take()


async def a_rig(size: int = 3, name: str = "m1", journal: Journal | None = None, **config: Any) -> Rig:
    return Rig(journal or await a_journal(size=size), size=size, config=RaftConfig(**config), name=name)


def command(payload: bytes) -> bytes:
    """The payload as it stands in the log."""
    return REGULAR + payload


def propose(rig: Rig, payload: bytes) -> list[Any]:
    """Append it; the list gets (result, reason) when it is applied."""
    results: list[Any] = []
    rig.engine.append(payload, lambda result, reason: results.append((result, reason)))
    return results
