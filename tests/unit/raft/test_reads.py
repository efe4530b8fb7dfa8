import asyncio
from collections.abc import Collection

import pytest

from okube.raft.frames import Body, Confirm, Confirmed, ReadAt, ReadRequest
from okube.raft.reads import ReadIndex, Unconfirmed
from tests.unit.raft.builders import in_virtual_time


class Host:
    def __init__(self, leader: str | None, *, ready: bool = False, peers: Collection[str] = ("m2", "m3")) -> None:
        self.leader = leader
        self.is_ready_leader = ready
        self.commit_index = 10
        self.peers = self.other_voters = peers
        self.sent: list[tuple[str, Body]] = []
        self.told_after: list[int] = []  # so many frames had left when the followers were told of the commit

    def send(self, peer: str, body: Body) -> None:
        self.sent.append((peer, body))

    def tell_commit(self) -> None:
        self.told_after.append(len(self.sent))


async def begin(reads: ReadIndex) -> "asyncio.Task[int]":
    task = asyncio.create_task(reads.get())
    await asyncio.sleep(0)
    return task


@in_virtual_time
async def test_a_leader_answers_when_a_majority_confirmed_it() -> None:
    host = Host("m1", ready=True)
    reads = ReadIndex(host)
    task = await begin(reads)
    assert host.sent == [("m2", Confirm(1)), ("m3", Confirm(1))]
    await asyncio.sleep(0.1)
    assert not task.done()
    reads.receive("m3", Confirmed(1))
    assert await task == 10


@in_virtual_time
async def test_one_round_serves_all_who_wait_and_late_comers_have_the_next() -> None:
    host = Host("m1", ready=True)
    reads = ReadIndex(host)
    first = await begin(reads)
    host.commit_index = 11
    later = [await begin(reads) for _ in range(5)]
    assert len(host.sent) == 2
    reads.receive("m2", Confirmed(1))
    assert await first == 10
    assert not any(task.done() for task in later)
    assert host.sent[2:] == [("m2", Confirm(2)), ("m3", Confirm(2))]
    reads.receive("m2", Confirmed(2))
    assert await asyncio.gather(*later) == [11] * 5


@in_virtual_time
async def test_an_answer_to_an_earlier_round_or_twice_from_one_peer_confirms_nothing() -> None:
    host = Host("m1", ready=True, peers=("m2", "m3", "m4", "m5"))
    reads = ReadIndex(host)
    task = await begin(reads)
    for _ in range(3):
        reads.receive("m2", Confirmed(1))
        reads.receive("m3", Confirmed(0))
    await asyncio.sleep(0)
    assert not task.done()
    reads.receive("m3", Confirmed(1))
    assert await task == 10


@in_virtual_time
async def test_a_single_member_confirms_itself() -> None:
    assert await ReadIndex(Host("m1", ready=True, peers=())).get() == 10


@in_virtual_time
async def test_a_follower_asks_its_leader() -> None:
    host = Host("m2")
    reads = ReadIndex(host)
    task = await begin(reads)
    assert host.sent == [("m2", ReadRequest(1))]
    reads.receive("m2", ReadAt(1, 17))
    assert await task == 17


@in_virtual_time
async def test_a_leader_serves_followers_with_the_same_round() -> None:
    host = Host("m1", ready=True)
    reads = ReadIndex(host)
    reads.receive("m3", ReadRequest(4))
    reads.receive("m2", Confirmed(1))
    await asyncio.sleep(0)
    assert host.sent[-1] == ("m3", ReadAt(4, 10))
    assert host.told_after == [len(host.sent) - 1]  # the commit, before what waits for it


@in_virtual_time
async def test_who_is_not_ready_says_so() -> None:
    host = Host("m1")
    reads = ReadIndex(host)
    reads.receive("m3", ReadRequest(4))
    assert host.sent == [("m3", ReadAt(4, None))]
    for leader in ("m1", None):
        host.leader = leader
        with pytest.raises(Unconfirmed):
            await reads.get()


@in_virtual_time
async def test_lost_leadership_and_a_lost_link_end_what_waits() -> None:
    for host in (Host("m1", ready=True), Host("m2")):
        reads = ReadIndex(host)
        task = await begin(reads)
        reads.leadership_changed()
        with pytest.raises(Unconfirmed):
            await task
    reads = ReadIndex(Host("m2"))
    task = await begin(reads)
    reads.lost("m3")
    await asyncio.sleep(0)
    assert not task.done()
    reads.lost("m2")
    with pytest.raises(Unconfirmed):
        await task


@in_virtual_time
async def test_a_question_asked_without_a_link_is_asked_again_when_there_is_one() -> None:
    host = Host("m2")
    reads = ReadIndex(host)
    task = await begin(reads)
    reads.found("m3")
    reads.found("m2")
    assert host.sent == [("m2", ReadRequest(1))] * 2
    reads.receive("m2", ReadAt(1, 17))
    assert await task == 17
    reads.found("m2")
    assert len(host.sent) == 2


@in_virtual_time
async def test_the_question_is_repeated_because_a_link_may_have_lost_it() -> None:
    host = Host("m1", ready=True)
    reads = ReadIndex(host)
    task = await begin(reads)
    reads.repeat()
    assert host.sent[2:] == [("m2", Confirm(1)), ("m3", Confirm(1))]
    reads.receive("m2", Confirmed(1))
    await task
    reads.repeat()
    assert len(host.sent) == 4


@in_virtual_time
async def test_a_round_ends_although_all_who_were_asked_have_left() -> None:
    host = Host("m1", ready=True, peers=("m2",))
    reads = ReadIndex(host)
    task = await begin(reads)
    host.peers = host.other_voters = ()
    reads.repeat()
    assert await task == 10
