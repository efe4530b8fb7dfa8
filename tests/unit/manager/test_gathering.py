"""A follower brings heartbeats to the leader together, and keeps them while it does not know who leads."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from okube.manager.core import ManagerCore
from okube.manager.gathering import Beat, Gatherer
from okube.model.commands import TaskReport
from okube.model.epoch import Epoch
from okube.model.errors import NotFound, Unreachable
from okube.model.wire import Heartbeat
from okube.raft import Member
from tests.simulation.loop import run_virtual, virtual_loop

M1 = Member("m1", "i1", "192.0.2.1:8101", "192.0.2.1:7101")
M2 = Member("m2", "i2", "192.0.2.2:8101", "192.0.2.2:7101")


class Follower:
    """Manager m3, and the leader that it brings heartbeats to."""

    def __init__(self) -> None:
        self.raft = SimpleNamespace(leader="m1", members=(M1, M2))
        self.core: Any = SimpleNamespace(raft=self.raft, name="m3", deaf_s=0.0, leads=False)
        self.core.clock = SimpleNamespace(monotonic=lambda: virtual_loop().time())
        self.brought: list[tuple[str, list[bytes]]] = []
        self.trouble: Exception | None = None
        self.silent = False

    async def bring(self, member: Member, beats: Sequence[Beat]) -> list[bytes | None]:
        self.brought.append((member.name, [beat.data for beat in beats]))
        if self.trouble is not None:
            raise self.trouble
        if self.silent:
            await asyncio.Event().wait()
        return [None if beat.data == b"long" else b"answer to " + beat.data for beat in beats]


def beat(data: bytes, *, reports: bool = False) -> Beat:
    told = (TaskReport("t1", "running"),) if reports else ()
    return Beat("i", data, Heartbeat("w1", "i", Epoch(), 1, reports=told))


def gathering(test: Callable[[Follower, Gatherer], Awaitable[None]]) -> None:
    async def run() -> None:
        follower = Follower()
        gatherer = Gatherer(cast("ManagerCore", follower.core), follower.bring)
        running = asyncio.ensure_future(gatherer.run())
        try:
            await test(follower, gatherer)
        finally:
            running.cancel()
            await asyncio.wait([running])

    run_virtual(run())


def added(gatherer: Gatherer, *beats: Beat) -> "list[asyncio.Future[bytes | None]]":
    found = [gatherer.add(each) for each in beats]
    assert all(each is not None for each in found)
    return [each for each in found if each is not None]


def test_heartbeats_that_come_within_the_window_go_together() -> None:
    async def run(follower: Follower, gatherer: Gatherer) -> None:
        first = added(gatherer, beat(b"a"), beat(b"b"))
        await asyncio.sleep(0.01)
        assert follower.brought == []
        answers = await asyncio.gather(*first, *added(gatherer, beat(b"c")))
        assert answers == [b"answer to a", b"answer to b", b"answer to c"]
        assert follower.brought == [("m1", [b"a", b"b", b"c"])]

    gathering(run)


def test_a_report_leaves_at_once_and_takes_along_what_waits() -> None:
    async def run(follower: Follower, gatherer: Gatherer) -> None:
        began = virtual_loop().time()
        await asyncio.gather(*added(gatherer, beat(b"a"), beat(b"b", reports=True)))
        assert virtual_loop().time() - began < 0.001
        assert follower.brought == [("m1", [b"a", b"b"])]

    gathering(run)


def test_a_heartbeat_that_takes_longer_is_handed_back_alone() -> None:
    async def run(follower: Follower, gatherer: Gatherer) -> None:
        assert await asyncio.gather(*added(gatherer, beat(b"a"), beat(b"long"))) == [b"answer to a", None]

    gathering(run)


def test_while_nobody_leads_they_wait_and_the_next_leader_gets_them() -> None:
    async def run(follower: Follower, gatherer: Gatherer) -> None:
        follower.raft.leader = None
        waiting = added(gatherer, beat(b"a"))
        await asyncio.sleep(0.5)
        follower.raft.leader = "m2"
        assert await asyncio.gather(*waiting) == [b"answer to a"]
        assert follower.brought == [("m2", [b"a"])]

    gathering(run)


def test_a_leader_that_is_silent_is_left_when_another_one_leads() -> None:
    async def run(follower: Follower, gatherer: Gatherer) -> None:
        follower.silent = True
        waiting = added(gatherer, beat(b"a"))
        await asyncio.sleep(0.2)
        follower.silent, follower.raft.leader = False, "m2"
        assert await asyncio.gather(*waiting) == [b"answer to a"]
        assert [name for name, _ in follower.brought] == ["m1", "m2"]

    gathering(run)


@pytest.mark.parametrize("change", [{"leads": True}, {"deaf_s": 1.5}])
def test_who_leads_himself_or_hears_no_leader_hands_them_back(change: dict[str, Any]) -> None:
    async def run(follower: Follower, gatherer: Gatherer) -> None:
        follower.raft.leader = None
        waiting = added(gatherer, beat(b"a"))
        await asyncio.sleep(0.1)
        vars(follower.core).update(change)
        assert await asyncio.gather(*waiting) == [None]

    gathering(run)


def test_a_leader_that_cannot_be_reached_is_asked_again_and_not_for_ever() -> None:
    async def run(follower: Follower, gatherer: Gatherer) -> None:
        follower.trouble = Unreachable("no way")
        began = virtual_loop().time()
        assert await asyncio.gather(*added(gatherer, beat(b"a"))) == [None]
        assert len(follower.brought) > 5
        assert 1.9 < virtual_loop().time() - began < 2.2

    gathering(run)


def test_a_leader_of_an_earlier_version_gets_each_by_itself() -> None:
    async def run(follower: Follower, gatherer: Gatherer) -> None:
        follower.trouble = NotFound("no such route")
        assert await asyncio.gather(*added(gatherer, beat(b"a"))) == [None]
        assert gatherer.add(beat(b"b")) is None
        follower.raft.leader, follower.trouble = "m2", None
        assert await asyncio.gather(*added(gatherer, beat(b"c"))) == [b"answer to c"]

    gathering(run)


def test_large_ones_go_in_batches_that_a_manager_takes() -> None:
    async def run(follower: Follower, gatherer: Gatherer) -> None:
        large = [beat(bytes([number]) * 400_000) for number in range(5)]
        assert None not in await asyncio.gather(*added(gatherer, *large))
        assert [len(datas) for _, datas in follower.brought] == [2, 2, 1]

    gathering(run)
