"""The follower's log, and how entries are applied."""

import asyncio
from typing import Any

import pytest
from pysyncobj.version import VERSION

from okube.raft.frames import Append, Appended
from okube.raft.journal import Command, Journal
from tests.unit.raft.builders import JOURNAL, a_disk, a_journal, a_rig, command, entries_of, in_virtual_time, propose


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
