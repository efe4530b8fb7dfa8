"""The leader's log: what it sends, counts as committed, and tells."""

import pytest

from okube.raft.flow import PIECE_BYTES
from okube.raft.frames import Append, Appended
from okube.raft.guard import Diverged
from tests.unit.raft.builders import Rig, a_rig, command, in_virtual_time, propose


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
