"""Who asks, votes and leads, and until when a member sleeps."""

import pytest

from okube.raft.config import RaftConfig
from okube.raft.core import Role
from okube.raft.frames import Append, Appended, PreVote, PreVoteGranted, VoteGranted, VoteRequest
from okube.raft.guard import Diverged
from tests.simulation.loop import virtual_loop
from tests.unit.raft.builders import a_rig, command, entries_of, in_virtual_time


@in_virtual_time
async def test_a_member_asks_before_it_campaigns() -> None:
    rig = await a_rig()
    rig.wait(1.1)
    assert rig.host.take() == [("m2", PreVote(1, 1, 0)), ("m3", PreVote(1, 1, 0))]
    assert rig.engine.term == 0
    rig.engine.receive("m3", 0, PreVoteGranted(1))
    assert rig.host.said == []
    assert rig.host.promised == [("m2", VoteRequest(1, 0)), ("m3", VoteRequest(1, 0))]
    assert (rig.engine.term, rig.engine.role) == (1, Role.CANDIDATE)


@in_virtual_time
async def test_one_member_alone_does_not_raise_the_term_however_long_it_waits() -> None:
    rig = await a_rig()
    for _ in range(20):
        rig.wait(1.1)
        rig.engine.receive("m2", 0, PreVoteGranted(9))
    assert rig.engine.term == 0


@in_virtual_time
async def test_a_vote_counts_once() -> None:
    rig = await a_rig(size=5)
    rig.wait(1.1)
    for peer in ("m2", "m3"):
        rig.engine.receive(peer, 0, PreVoteGranted(1))
    for _ in range(3):
        rig.engine.receive("m2", 1, VoteGranted())
    assert rig.engine.role is Role.CANDIDATE
    rig.engine.receive("m3", 1, VoteGranted())
    assert rig.engine.is_leader


@in_virtual_time
async def test_a_vote_for_an_earlier_term_does_not_count() -> None:
    rig = await a_rig()
    rig.wait(1.1)
    rig.engine.receive("m2", 0, PreVoteGranted(1))
    rig.engine.receive("m2", 0, VoteGranted())
    assert rig.engine.role is Role.CANDIDATE


@in_virtual_time
async def test_one_vote_a_term_and_it_is_promised_not_sent() -> None:
    rig = await a_rig()
    rig.engine.receive("m2", 1, VoteRequest(1, 0))
    rig.engine.receive("m3", 1, VoteRequest(9, 0))
    assert rig.host.take() == [("m2", VoteGranted())]
    assert rig.journal.getVotedForNodeId() == "m2"
    assert rig.journal.wants_sync


@in_virtual_time
async def test_a_member_that_hears_its_leader_agrees_to_no_election_until_it_is_silent() -> None:
    rig = await a_rig()
    rig.engine.receive("m2", 1, Append(1, 0, 1, []))
    rig.host.take()
    rig.engine.receive("m3", 1, PreVote(2, 9, 1))
    assert rig.host.take() == []
    rig.wait(0.49)
    rig.engine.receive("m3", 1, PreVote(2, 9, 1))
    assert rig.host.take() == []
    rig.wait(0.02)
    rig.engine.receive("m3", 1, PreVote(2, 9, 1))
    assert ("m3", PreVoteGranted(2)) in rig.host.take()


@in_virtual_time
async def test_when_the_leader_closes_its_link_the_first_by_name_asks_at_once_and_again_for_a_while() -> None:
    rig = await a_rig()
    rig.engine.receive("m2", 1, Append(1, 0, 1, []))
    rig.engine.disconnected("m2")
    rig.host.take()
    asked = 0
    for _ in range(10):
        rig.wait(0.02)
        asked += PreVote(2, 1, 0) in [body for _, body in rig.host.take()]
    assert asked >= 3


@in_virtual_time
async def test_when_the_leader_closes_its_link_the_others_give_the_first_time_to_ask() -> None:
    rig = await a_rig(size=5, name="m4")
    rig.engine.receive("m2", 1, Append(1, 0, 1, []))
    rig.engine.disconnected("m2")
    rig.host.take()
    rig.wait(0.14)  # m1 and m3 come before it
    assert rig.host.take() == []
    rig.wait(0.02)
    assert PreVote(2, 1, 0) in [body for _, body in rig.host.take()]


@in_virtual_time
async def test_when_the_link_to_the_leader_falls_silent_nothing_is_asked_before_the_time_is_over() -> None:
    rig = await a_rig()
    rig.engine.receive("m2", 1, Append(1, 0, 1, []))
    rig.engine.disconnected("m2", closed=False)
    rig.host.take()
    rig.wait(0.49)
    assert rig.host.take() == []


@in_virtual_time
async def test_who_agrees_to_an_election_does_not_ask_for_one_at_the_same_time() -> None:
    rig = await a_rig()
    rig.engine.receive("m2", 1, Append(1, 0, 1, []))
    rig.engine.disconnected("m2")
    rig.engine.receive("m3", 1, PreVote(2, 1, 0))
    assert ("m3", PreVoteGranted(2)) in rig.host.take()
    rig.wait(0.06)
    assert rig.host.take() == []


@in_virtual_time
async def test_a_leader_that_no_majority_answers_steps_down_within_a_second() -> None:
    rig = await a_rig()
    await rig.lead()
    seen = []
    for seconds in (0.85, 0.1):
        rig.wait(seconds)
        seen.append((rig.engine.role, rig.engine.leader))
    assert seen == [(Role.LEADER, "m1"), (Role.FOLLOWER, None)]
    assert RaftConfig(election_ms=5000).leader_fallback_s <= 1.0


@in_virtual_time
async def test_a_deposed_leader_does_not_campaign_at_once() -> None:
    rig = await a_rig()
    await rig.lead()
    for _ in range(20):
        rig.wait(0.1)
        rig.engine.receive("m2", 1, Appended(3, True, False))
    rig.engine.receive("m3", 9, Appended(0, False, False))
    rig.host.take()
    rig.tick()
    assert rig.host.take() == []


@in_virtual_time
async def test_any_frame_of_a_higher_term_deposes_a_leader() -> None:
    rig = await a_rig()
    await rig.lead()
    rig.engine.receive("m3", 7, Appended(0, False, False))
    assert (rig.engine.role, rig.engine.term, rig.engine.leader) == (Role.FOLLOWER, 7, None)


@in_virtual_time
async def test_the_leader_of_an_earlier_term_is_told_the_new_one() -> None:
    rig = await a_rig()
    rig.engine.receive("m2", 5, VoteRequest(1, 0))
    rig.host.take()
    rig.engine.receive("m3", 4, Append(1, 0, 1, [(4, command(b"x"))]))
    assert rig.host.take() == [("m3", Appended(0, False, False))]
    assert entries_of(rig.journal) == []


@in_virtual_time
async def test_two_leaders_in_one_term_are_not_survived() -> None:
    rig = await a_rig()
    await rig.lead()
    with pytest.raises(Diverged):
        rig.engine.receive("m2", rig.engine.term, Append(1, 0, 1, []))


@in_virtual_time
async def test_a_follower_sleeps_until_it_would_ask_for_an_election() -> None:
    rig = await a_rig()
    quiet_s = rig.engine.quiet_until(virtual_loop().time()) - virtual_loop().time()
    assert 0.5 <= quiet_s <= 1.0
    rig.wait(quiet_s - 0.001)
    assert rig.host.take() == []
    rig.wait(0.002)
    assert {type(body) for _, body in rig.host.take()} == {PreVote}


@in_virtual_time
async def test_a_leader_sleeps_until_its_next_heartbeat() -> None:
    rig = await a_rig()
    await rig.lead()
    rig.tick()
    rig.host.take()
    quiet_s = rig.engine.quiet_until(virtual_loop().time()) - virtual_loop().time()
    assert 0 < quiet_s <= rig.config.heartbeat_s
    rig.wait(quiet_s + 0.001)
    assert {(peer, type(body)) for peer, body in rig.host.take()} == {("m2", Append), ("m3", Append)}


@in_virtual_time
async def test_a_leader_wakes_to_step_down_though_its_next_heartbeat_is_not_due() -> None:
    rig = await a_rig(heartbeat_ms=166)
    await rig.lead()
    now = virtual_loop().time()
    rig.wait(rig.config.leader_fallback_s - 0.05)
    assert rig.engine.is_leader
    assert rig.engine.quiet_until(virtual_loop().time()) <= now + rig.config.leader_fallback_s + 0.001
    rig.wait(0.06)
    assert not rig.engine.is_leader
