import asyncio

import pytest

from okube.raft import NoQuorum, NotLeader, OutcomeUnknown, Proposer
from okube.raft.errors import Conflict, NotFound
from okube.raft.frames import Append, Appended, TakeOver, VoteRequest
from okube.raft.handover import Handover
from tests.simulation.ledger import seal
from tests.simulation.loop import virtual_loop
from tests.unit.raft.builders import Rig, a_journal, in_virtual_time
from tests.unit.raft.trio import Trio, batch


def test_a_successor_is_told_when_it_has_all_and_all_is_committed_and_again_after_a_while() -> None:
    handover = Handover("m2", until=9.0, again_s=0.1)
    for match_index, commit_index, last_index in ((4, 5, 5), (5, 4, 5), (4, 4, 5)):
        assert not handover.is_due(1.0, match_index=match_index, commit_index=commit_index, last_index=last_index)
    due = [handover.is_due(now, match_index=5, commit_index=5, last_index=5) for now in (1.0, 1.05, 1.11)]
    assert due == [True, False, True]


@in_virtual_time
async def test_who_is_handed_the_lead_campaigns_without_asking_first() -> None:
    rig = Rig(await a_journal())
    rig.engine.receive("m2", 1, Append(1, 0, 1, []))
    rig.host.take()
    rig.engine.receive("m2", 1, TakeOver())
    assert rig.host.take() == [("m2", VoteRequest(1, 0)), ("m3", VoteRequest(1, 0))]
    assert rig.engine.term == 2


@in_virtual_time
async def test_only_the_leader_of_this_term_hands_over() -> None:
    rig = Rig(await a_journal())
    rig.engine.receive("m2", 2, Append(1, 0, 1, []))
    rig.host.take()
    rig.engine.receive("m3", 2, TakeOver())
    rig.engine.receive("m2", 1, TakeOver())
    assert (rig.host.take(), rig.engine.term) == ([], 2)


@in_virtual_time
async def test_a_leader_waits_for_what_is_not_committed_before_it_hands_over() -> None:
    rig = Rig(await a_journal())
    await rig.lead()
    rig.engine.append(b"write", lambda result, reason: None)
    rig.engine.hand_over("m2", virtual_loop().time() + 1)
    rig.engine.receive("m2", 1, Appended(3, True, False))
    rig.tick()
    assert TakeOver() not in [body for _, body in rig.host.take()]
    await rig.journal.sync()
    rig.engine.receive("m2", 1, Appended(4, True, False))
    rig.tick()
    assert ("m2", TakeOver()) in rig.host.take()


@in_virtual_time
async def test_a_leader_hands_over_to_who_has_most_of_the_log() -> None:
    rig = Rig(await a_journal())
    await rig.lead()
    now = virtual_loop().time()
    rig.engine.receive("m2", 1, Appended(2, True, False))
    rig.engine.receive("m3", 1, Appended(3, True, False))
    assert rig.engine.successor(now) == "m3"
    rig.engine.disconnected("m3")
    assert rig.engine.successor(now) == "m2"
    rig.engine.disconnected("m2")
    assert rig.engine.successor(now) is None


@in_virtual_time
async def test_leadership_goes_to_the_member_that_is_named_within_milliseconds() -> None:
    trio = Trio()
    leader = await trio.start()
    await asyncio.sleep(0.3)
    to = trio.followers()[-1]
    began = virtual_loop().now
    assert await leader.transfer_leadership(to.name, timeout_s=1) == to.name
    assert await trio.leader() is to
    assert virtual_loop().now - began < 0.2
    assert (to.term, leader.role) == (leader.term, "follower")


@in_virtual_time
async def test_writes_go_on_through_a_hand_over_and_none_is_of_unknown_outcome() -> None:
    trio = Trio()
    first = await trio.start()
    proposers = {node.name: Proposer(node, seal) for node in trio.nodes()}
    await asyncio.sleep(0.3)
    outcomes: list[str] = []

    async def write(number: int) -> None:
        while True:
            name = next((node.name for node in trio.leaders()), first.name)
            try:
                await proposers[name].submit(b"%d" % number, timeout_s=2)
                return outcomes.append("done")
            except NotLeader:
                await asyncio.sleep(0.005)
            except OutcomeUnknown:
                return outcomes.append("unknown")

    async def write_all() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(200):
                group.create_task(write(number))
                await asyncio.sleep(0.001)

    writing = asyncio.create_task(write_all())
    await asyncio.sleep(0.05)
    for _ in range(3):
        await (await trio.leader()).transfer_leadership(timeout_s=1)
    await writing
    assert outcomes == ["done"] * 200
    leader = await trio.leader()
    assert len(trio.items(leader)) == len(set(trio.items(leader))) == 200


@in_virtual_time
async def test_a_successor_that_falls_silent_costs_the_leader_nothing_but_the_time() -> None:
    trio = Trio()
    leader = await trio.start()
    await asyncio.sleep(0.3)
    proposer = Proposer(leader, seal)
    to = trio.followers()[0]
    trio.site(to).platter.sync_s = (9.0, 9.0)  # it cannot promise its own vote
    handing_over = asyncio.create_task(leader.transfer_leadership(to.name, timeout_s=0.2))
    await asyncio.sleep(0.1)
    with pytest.raises(NotLeader, match=to.name):
        await leader.propose(batch(leader, b"x"), timeout_s=1)
    writing = asyncio.create_task(proposer.submit(b"waits", timeout_s=5))
    trio.isolate(to)
    with pytest.raises(NoQuorum, match="goes on leading"):
        await handing_over
    assert await writing == b"done waits"


@in_virtual_time
async def test_what_cannot_be_handed_over_is_refused_with_a_sentence() -> None:
    trio = Trio()
    leader = await trio.start()
    await asyncio.sleep(0.3)
    with pytest.raises(NotFound, match="no manager m9"):
        await leader.transfer_leadership("m9", timeout_s=1)
    with pytest.raises(NotLeader, match=leader.name):
        await trio.followers()[0].transfer_leadership(timeout_s=1)
    assert await leader.transfer_leadership(leader.name, timeout_s=1) == leader.name
    for node in trio.followers():
        trio.site(node).kill()
    await asyncio.sleep(0.1)
    with pytest.raises(Conflict, match="no other manager answers"):
        await leader.transfer_leadership(timeout_s=1)


@in_virtual_time
async def test_the_lead_is_not_handed_to_a_member_of_an_older_okube_which_would_take_the_message_for_garbage() -> None:
    trio = Trio()
    trio.knows = dict.fromkeys(["m1", "m2", "m3"], 1)
    leader = await trio.start()
    await asyncio.sleep(0.3)
    with pytest.raises(Conflict, match="no other manager answers"):
        await leader.transfer_leadership(timeout_s=1)
    older = trio.followers()[0].name
    with pytest.raises(Conflict, match=f"{older} runs an older Okube"):
        await leader.transfer_leadership(older, timeout_s=1)
    assert leader.role == "leader"
