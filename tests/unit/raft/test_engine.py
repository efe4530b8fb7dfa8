import asyncio
from typing import Any

import pytest
from pysyncobj.version import VERSION

from okube.raft.config import RaftConfig
from okube.raft.core import Role
from okube.raft.flow import PIECE_BYTES
from okube.raft.frames import Append, Appended, PreVote, PreVoteGranted, VoteGranted, VoteRequest
from okube.raft.guard import Diverged
from okube.raft.journal import Command, Journal
from tests.simulation.loop import virtual_loop
from tests.unit.raft.builders import JOURNAL, Rig, a_disk, a_journal, entries_of, in_virtual_time

REGULAR = bytes([Command.REGULAR])


def command(payload: bytes) -> bytes:
    return REGULAR + payload


async def a_rig(size: int = 3, name: str = "m1", journal: Journal | None = None, **config: Any) -> Rig:
    return Rig(journal or await a_journal(size=size), size=size, config=RaftConfig(**config), name=name)


def propose(rig: Rig, payload: bytes) -> list[Any]:
    results: list[Any] = []
    rig.engine.append(payload, lambda result, reason: results.append((result, reason)))
    return results


# Elections.


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


# The leader's log.


@in_virtual_time
async def test_a_new_leader_is_ready_only_when_an_entry_of_its_own_term_is_applied() -> None:
    rig = await a_rig()
    await rig.lead()
    rig.tick()
    assert not rig.engine.is_ready_leader
    rig.engine.receive("m2", 1, Appended(3, True, False))
    rig.tick()
    assert rig.engine.is_ready_leader


@in_virtual_time
async def test_a_write_is_sent_at_once_and_committed_by_the_first_answer() -> None:
    rig = await a_rig()
    await rig.lead()
    results = propose(rig, b"write")
    assert ("m2", Append(2, 1, 1, [(1, command(b"write"))])) in rig.host.take()
    await rig.journal.sync()
    rig.engine.receive("m2", 1, Appended(4, True, False))
    rig.tick()
    assert results == [([3], 0)]
    assert rig.host.applied == [(3, 1, b"write")]


@in_virtual_time
async def test_the_leader_counts_itself_only_with_what_is_durable() -> None:
    rig = await a_rig()
    await rig.lead()
    results = propose(rig, b"write")
    rig.engine.receive("m2", 1, Appended(4, True, False))
    rig.tick()
    assert results == []
    rig.engine.receive("m3", 1, Appended(4, True, False))
    rig.tick()
    assert len(results) == 1  # both others are a majority without it


@in_virtual_time
async def test_a_single_member_commits_after_its_own_sync_and_not_before() -> None:
    rig = await a_rig(size=1)
    rig.wait(1.1)
    results = propose(rig, b"write")
    rig.tick()
    assert results == []
    await rig.journal.sync()
    rig.tick()
    assert len(results) == 1


@in_virtual_time
async def test_entries_of_earlier_terms_are_not_committed_by_counting() -> None:
    rig = await a_rig()
    rig.engine.receive("m2", 1, Append(1, 0, 1, [(1, command(b"old"))]))
    await rig.journal.sync()
    await rig.lead()
    assert rig.engine.term == 2
    rig.engine.receive("m2", 2, Appended(3, True, False))
    rig.tick()
    assert rig.engine.commit_index == 1
    rig.engine.receive("m2", 2, Appended(4, True, False))
    rig.tick()
    assert rig.engine.commit_index == 3


@in_virtual_time
async def test_an_acknowledgement_of_an_earlier_term_does_not_count() -> None:
    rig = await a_rig()
    rig.engine.receive("m2", 1, Append(1, 0, 1, []))
    await rig.lead()
    rig.engine.receive("m3", 1, Appended(3, True, False))
    rig.tick()
    assert (rig.engine.match_index("m3"), rig.engine.commit_index) == (0, 1)


@in_virtual_time
async def test_an_acknowledgement_does_not_make_the_leader_send_again_what_is_on_its_way() -> None:
    rig = await a_rig()
    await rig.lead()
    propose(rig, b"one")
    propose(rig, b"two")
    rig.host.take()
    rig.engine.receive("m2", 1, Appended(3, True, False))
    propose(rig, b"three")
    sent = [body for peer, body in rig.host.take() if peer == "m2" and isinstance(body, Append)]
    assert [body.entries for body in sent] == [[(1, command(b"three"))]]


@in_virtual_time
async def test_a_follower_that_refuses_is_sent_what_it_lacks_at_once() -> None:
    rig = await a_rig()
    await rig.lead()
    rig.wait(0.11)
    rig.host.take()
    rig.engine.receive("m3", rig.engine.term, Appended(2, success=False, reset=True))
    rig.tick()
    sent = [body for peer, body in rig.host.take() if peer == "m3"]
    assert [(body.prev_index, len(body.entries)) for body in sent if isinstance(body, Append)] == [(1, 1)]


@in_virtual_time
async def test_what_was_on_its_way_on_a_broken_link_is_sent_again() -> None:
    rig = await a_rig()
    await rig.lead()
    rig.engine.receive("m2", 1, Appended(3, True, False))
    propose(rig, b"one")
    rig.engine.disconnected("m2")
    rig.engine.connected("m2")
    rig.host.take()
    rig.tick()
    rig.wait(0.001)
    assert ("m2", Append(2, 1, 2, [(1, command(b"one"))])) in rig.host.take()


@in_virtual_time
async def test_a_follower_is_sent_no_more_than_its_window_but_still_hears_its_leader() -> None:
    rig = await a_rig(window_bytes=1000, append_batch_bytes=2000, max_proposal_bytes=1500)
    await rig.lead()
    for _ in range(5):
        propose(rig, bytes(400))
    sent = [body for peer, body in rig.host.take() if peer == "m2" and isinstance(body, Append) and body.entries]
    assert len(sent) == 3
    rig.engine.receive("m3", 1, Appended(8, True, False))
    rig.wait(0.15)
    assert [body.entries for peer, body in rig.host.take() if peer == "m2" and isinstance(body, Append)] == [[]]
    rig.engine.receive("m2", 1, Appended(6, True, False))
    rig.wait(0.15)
    later = [body for peer, body in rig.host.take() if peer == "m2" and isinstance(body, Append)]
    assert sum(len(body.entries) for body in later) == 2


@in_virtual_time
async def test_a_follower_that_lags_hears_its_leader_with_each_small_part_of_what_it_is_sent() -> None:
    rig = await a_rig()
    await rig.lead()
    rig.engine.disconnected("m3")
    for _ in range(100):
        propose(rig, bytes(2000))
    rig.engine.receive("m2", 1, Appended(103, True, False))
    rig.host.take()
    rig.engine.connected("m3")
    rig.tick()
    rig.wait(0.001)
    sent = [body for peer, body in rig.host.take() if peer == "m3" and isinstance(body, Append)]
    assert all(sum(len(entry) for _, entry in body.entries) <= PIECE_BYTES for body in sent)
    reached = 2
    for body in sent:
        assert body.prev_index == reached
        reached += len(body.entries)
    assert reached == 102


@in_virtual_time
async def test_the_largest_proposal_goes_in_one_piece() -> None:
    rig = await a_rig()
    await rig.lead()
    payload = bytes(rig.config.max_proposal_bytes)
    propose(rig, payload)
    assert ("m2", Append(2, 1, 1, [(1, command(payload))])) in rig.host.take()


@in_virtual_time
async def test_a_follower_behind_the_log_gets_a_snapshot_and_heartbeats_meanwhile() -> None:
    rig = await a_rig()
    await rig.lead()
    for number in range(8):
        propose(rig, b"%d" % number)
    await rig.journal.sync()
    rig.engine.receive("m2", 1, Appended(11, True, False))
    rig.tick()
    rig.journal.compact(8)
    rig.engine.receive("m3", 1, Appended(2, False, True))
    rig.host.take()
    rig.wait(0.11)
    sent = [body for peer, body in rig.host.take() if peer == "m3"]
    assert sent == [Append(8, 1, 10, [])]
    assert rig.host.snapshots_for == ["m3"]


@in_virtual_time
async def test_an_acknowledgement_of_what_the_leader_does_not_have_is_not_survived() -> None:
    rig = await a_rig()
    await rig.lead()
    with pytest.raises(Diverged):
        rig.engine.receive("m2", 1, Appended(99, True, False))


# The follower's log.


@in_virtual_time
async def test_a_follower_keeps_what_matches_when_the_leader_repeats_itself(caplog: pytest.LogCaptureFixture) -> None:
    rig = await a_rig()
    one, two = (1, command(b"one")), (1, command(b"two"))
    rig.engine.receive("m2", 1, Append(1, 0, 1, [one, two]))
    rig.engine.receive("m2", 1, Append(3, 1, 3, []))
    rig.tick()
    rig.host.take()
    rig.engine.receive("m2", 1, Append(1, 0, 3, [one]))
    assert len(entries_of(rig.journal)) == 2
    assert rig.host.take() == [("m2", Appended(3, True, False))]
    assert rig.engine.commit_index == 3
    assert "truncating" not in caplog.text


@in_virtual_time
async def test_a_follower_acknowledges_only_what_matched() -> None:
    rig = await a_rig()
    rig.engine.receive("m2", 1, Append(1, 0, 1, [(1, command(b"lost")), (1, command(b"lost too"))]))
    rig.host.take()
    rig.engine.receive("m3", 2, Append(1, 0, 9, []))
    assert rig.host.take() == [("m3", Appended(2, True, False))]
    assert rig.engine.commit_index == 1


@in_virtual_time
async def test_a_conflict_is_truncated_and_overwritten() -> None:
    rig = await a_rig()
    rig.engine.receive("m2", 1, Append(1, 0, 1, [(1, command(b"lost")), (1, command(b"lost too"))]))
    rig.engine.receive("m3", 2, Append(1, 0, 1, [(2, command(b"new"))]))
    assert entries_of(rig.journal) == [(command(b"new"), 2, 2)]


@in_virtual_time
async def test_a_follower_says_where_the_conflicting_term_begins() -> None:
    rig = await a_rig()
    rig.engine.receive("m2", 1, Append(1, 0, 1, [(1, command(b"x"))] * 5))
    rig.host.take()
    rig.engine.receive("m3", 3, Append(6, 2, 1, []))
    assert rig.host.take() == [("m3", Appended(2, False, True))]


@in_virtual_time
async def test_a_follower_whose_log_ends_early_says_where() -> None:
    rig = await a_rig()
    rig.engine.receive("m2", 1, Append(7, 1, 9, [(1, command(b"x"))]))
    assert rig.host.take() == [("m2", Appended(2, False, True))]
    assert rig.engine.commit_index == 1


@in_virtual_time
async def test_how_far_it_was_committed_is_learnt_anew_after_a_crash() -> None:
    """A commit index kept on disk could lie beyond a torn journal, and what is appended there is another's."""
    disk = a_disk()
    rig = await a_rig(journal=await a_journal(disk))
    rig.engine.receive("m2", 1, Append(1, 0, 1, [(1, command(b"kept"))]))
    await rig.journal.sync()
    rig.engine.receive("m2", 1, Append(2, 1, 4, [(1, command(b"torn")), (1, command(b"torn too"))]))
    rig.tick()
    assert (rig.engine.commit_index, len(rig.host.applied)) == (4, 3)
    disk.crash()
    rig = await a_rig(journal=await Journal.open(disk.disk.mount(), JOURNAL))
    rig.tick()
    assert (rig.journal.last_index, rig.engine.commit_index, rig.host.applied) == (2, 1, [])
    rig.engine.receive("m3", 2, Append(2, 1, 1, [(2, command(b"not committed")), (2, command(b"nor this"))]))
    rig.tick()
    assert rig.host.applied == []


# Applying.


@in_virtual_time
async def test_no_ops_and_memberships_are_not_for_the_state_machine() -> None:
    rig = await a_rig()
    rig.engine.receive("m2", 1, Append(1, 0, 3, [(1, bytes([Command.NO_OP])), (1, command(b"real"))]))
    rig.tick()
    assert rig.host.applied == [(3, 1, b"real")]


@in_virtual_time
async def test_commands_are_bytes_and_never_unpickled() -> None:
    rig = await a_rig()
    bomb = b"cbuiltins\nprint\n(S'boom'\ntR."
    rig.engine.receive("m2", 1, Append(1, 0, 2, [(1, command(bomb))]))
    rig.tick()
    assert rig.host.applied == [(2, 1, bomb)]


@in_virtual_time
async def test_a_long_log_is_applied_in_slices() -> None:
    rig = await a_rig(apply_budget_ms=10)
    slow = rig.host.apply

    def apply(index: int, term: int, payload: bytes) -> Any:
        loop: Any = asyncio.get_running_loop()
        loop.now += 0.004
        return slow(index, term, payload)

    rig.host.apply = apply  # type: ignore[method-assign]
    rig.engine.receive("m2", 1, Append(1, 0, 11, [(1, command(b"x"))] * 10))
    rig.tick()
    assert len(rig.host.applied) == 3
    assert rig.engine.has_more_to_apply
    for _ in range(3):
        rig.tick()
    assert len(rig.host.applied) == 10


@in_virtual_time
async def test_what_a_deposed_leader_had_not_committed_is_never_answered_by_another_entry() -> None:
    rig = await a_rig()
    await rig.lead()
    results = propose(rig, b"mine")
    rig.engine.receive("m3", 2, Append(1, 0, 1, [(2, command(b"theirs")), (2, command(b"more"))]))
    rig.engine.receive("m3", 2, Append(3, 2, 3, []))
    rig.tick()
    assert results == []
    assert [payload for _, _, payload in rig.host.applied] == [b"theirs", b"more"]


def test_pysyncobj_is_the_version_whose_inside_is_known() -> None:
    assert VERSION == "0.3.17"


# Sleeping.


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


# What is committed is told.


async def _committed(rig: Rig) -> None:
    """One more proposal is committed by ``m2``, and applied."""
    propose(rig, b"x")
    await rig.journal.sync()
    rig.engine.receive("m2", rig.engine.term, Appended(rig.journal.last_index + 1, success=True, reset=False))
    rig.host.take()
    rig.tick()
    assert rig.engine.commit_index == rig.journal.last_index


def _told(rig: Rig) -> list[int]:
    """What the followers were told is committed, message by message."""
    return [body.commit_index for _, body in rig.host.take() if isinstance(body, Append)]


@in_virtual_time
async def test_what_is_committed_is_told_by_the_next_proposal_where_one_is_made_at_once() -> None:
    rig = await a_rig()
    await rig.lead()
    await _committed(rig)
    commit_index = rig.engine.commit_index
    assert (_told(rig), rig.engine.has_commit_to_tell) == ([], True)
    propose(rig, b"next")
    assert _told(rig) == [commit_index] * 2
    rig.engine.tell_commit()
    assert (_told(rig), rig.engine.has_commit_to_tell) == ([], False)


@in_virtual_time
async def test_what_is_committed_is_told_by_a_message_of_its_own_where_nothing_is_proposed() -> None:
    rig = await a_rig()
    await rig.lead()
    await _committed(rig)
    rig.engine.tell_commit()
    assert _told(rig) == [rig.engine.commit_index] * 2
    assert not rig.engine.has_commit_to_tell


@in_virtual_time
async def test_followers_behind_the_log_that_refuse_are_not_answered_all_at_once_again_and_again() -> None:
    rig = await a_rig()
    await rig.lead()
    for number in range(8):
        propose(rig, b"%d" % number)
    await rig.journal.sync()
    rig.engine.receive("m2", 1, Appended(11, True, False))
    rig.tick()
    rig.engine.tell_commit()
    rig.journal.compact(8)
    rig.engine.receive("m3", 1, Appended(2, False, True))
    rig.tick()
    rig.host.take()
    for _ in range(5):
        rig.engine.receive("m3", 1, Appended(2, False, True))
        rig.tick()
        rig.engine.tell_commit()
    assert rig.host.take() == []  # one answer for each to all would double with each follower that is behind


@in_virtual_time
async def test_what_was_committed_before_a_loss_of_power_says_nothing_of_what_the_journal_has_now() -> None:
    disk = a_disk()
    rig = await a_rig(journal=await a_journal(disk))
    rig.engine.receive("m2", 1, Append(1, 0, 2, [(1, command(b"a"))]))
    rig.tick()
    assert rig.engine.commit_index == 2
    disk.crash()  # nothing of it was synced
    again = await a_rig(journal=await Journal.open(disk.disk.mount(), JOURNAL))
    again.engine.receive("m3", 2, Append(1, 0, 1, [(2, command(b"c"))]))
    again.tick()
    assert again.host.applied == []


@in_virtual_time
async def test_what_a_leader_sent_in_an_earlier_term_and_was_late_does_not_harm_it_when_it_leads_again() -> None:
    follower = await a_rig(name="m2")
    follower.engine.receive("m3", 5, Append(1, 0, 1, []))
    follower.host.take()
    follower.engine.receive("m1", 3, Append(1, 0, 1, []))
    ((_, answer),) = follower.host.take()
    leader = await a_rig()
    await leader.lead()
    leader.engine.receive("m2", leader.engine.term, answer)
    assert leader.engine.is_leader
    assert leader.engine.match_index("m2") == 0
