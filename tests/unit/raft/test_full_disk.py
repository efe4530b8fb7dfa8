"""A member whose disk is full takes no part, and comes back by itself."""

import asyncio
import contextlib
import logging

import pytest

from okube.raft import NotLeader, OutcomeUnknown, Sidelined
from tests.simulation.cluster import until
from tests.unit.raft.builders import in_virtual_time
from tests.unit.raft.trio import Trio, batch


@in_virtual_time
async def test_a_leader_whose_disk_is_full_steps_down_and_another_leads_within_a_second() -> None:
    trio = Trio()
    full = await trio.start()
    await trio.write(b"before")
    trio.fill_disk(full)
    with pytest.raises(OutcomeUnknown):
        await full.propose(batch(full, b"lost?"), timeout_s=1)
    assert await until(lambda: full.is_sidelined, within_s=0.1)
    assert (full.role, full.is_ready_leader, full.fatal.done()) == ("follower", False, False)
    other = await trio.leader(within_s=1.0)
    await trio.write(b"after")
    assert await until(lambda: full.leader == other.name, within_s=0.5)
    assert (full.has_quorum, full.term) == (True, other.term)
    with pytest.raises(NotLeader, match=other.name):
        await full.propose(b"x", timeout_s=1)
    with pytest.raises(Sidelined, match="ask another"):
        await full.read_barrier(timeout_s=1)


@in_virtual_time
async def test_a_member_whose_disk_has_room_again_catches_up_by_itself_and_can_lead() -> None:
    trio = Trio()
    full = await trio.start()
    await trio.write(b"before")
    trio.fill_disk(full)
    with pytest.raises(OutcomeUnknown):
        await full.propose(batch(full, b"cut"), timeout_s=1)
    for number in range(10):
        await trio.write(b"%d" % number)
    assert b"9" not in trio.items(full)
    trio.make_room(full)
    assert await until(lambda: not full.is_sidelined, within_s=1.0)
    await full.read_barrier(timeout_s=1)
    assert trio.items(full) == trio.items(await trio.leader())
    trio.site(await trio.leader()).kill()
    await trio.write(b"without the other")
    assert await until(lambda: trio.items(full)[-1] == b"without the other", within_s=1.0)


@in_virtual_time
async def test_a_follower_whose_disk_is_full_costs_nobody_anything() -> None:
    trio = Trio()
    leader = await trio.start()
    full = trio.followers()[0]
    trio.fill_disk(full)
    term = leader.term
    for number in range(30):
        await trio.write(b"%d" % number)
        await asyncio.sleep(0.1)
    assert full.is_sidelined
    assert (full.leader, leader.role, leader.term) == (leader.name, "leader", term)
    trio.make_room(full)
    assert await until(lambda: trio.items(full) == trio.items(leader), within_s=2.0)


@in_virtual_time
async def test_a_member_without_room_votes_for_nobody() -> None:
    """Its vote would be on no disk, and it could give another one after a restart."""
    trio = Trio()
    leader = await trio.start()
    full, third = trio.followers()
    trio.fill_disk(full)
    await trio.write(b"x")
    assert await until(lambda: full.is_sidelined, within_s=1.0)
    trio.site(leader).kill()
    await asyncio.sleep(5)
    assert third.role != "leader"
    trio.make_room(full)
    await trio.leader(within_s=3.0)


@in_virtual_time
async def test_a_full_disk_of_all_loses_nothing_that_was_acknowledged() -> None:
    trio = Trio()
    await trio.start()
    for number in range(5):
        await trio.write(b"%d" % number)
    for node in trio.nodes():
        trio.fill_disk(node, room=100)
    acknowledged = [b"0", b"1", b"2", b"3", b"4"]
    for number in range(5, 15):
        with contextlib.suppress(OutcomeUnknown, NotLeader, AssertionError):
            await trio.write(b"%d" % number)
            acknowledged.append(b"%d" % number)
    assert all(node.is_sidelined for node in trio.nodes())
    for node in trio.nodes():
        trio.make_room(node)
    leader = await trio.leader()
    await leader.read_barrier(timeout_s=1)
    assert [item for item in acknowledged if item not in trio.items(leader)] == []
    assert not trio.cluster.fatal


@in_virtual_time
async def test_what_was_applied_and_is_on_no_own_disk_is_neither_acknowledged_nor_applied_twice() -> None:
    """It applies what both others have while its own sync is slow; then its disk is full, and they have a snapshot."""
    trio = Trio(compact_entries=10, tail_entries=5, snapshot_chunk_bytes=100)
    leader = await trio.start()
    full = trio.followers()[0]
    site = trio.site(full)
    site.platter.sync_s = (0.6, 0.6)
    trio.fill_disk(full)
    for number in range(60):
        await trio.write(b"%d" % number)
    assert await until(lambda: full.is_sidelined, within_s=1.0)
    assert full.applied_index > leader.base_index > full._driver.journal.synced_index
    site.platter.sync_s = (0.001, 0.001)
    trio.make_room(full)
    assert await until(lambda: not full.is_sidelined and full.last_index == leader.last_index, within_s=5.0)
    await trio.write(b"last")
    assert await until(lambda: trio.items(full) == trio.items(leader), within_s=1.0)
    assert [node.apply_failures for node in trio.nodes()] == [0, 0, 0]
    site.kill()
    trio.cluster.start(site)
    assert await until(lambda: len(trio.nodes()) == 3, within_s=1)
    assert await until(lambda: {len(trio.items(node)) for node in trio.nodes()} == {61}, within_s=3)


@in_virtual_time
async def test_what_others_were_applied_in_the_place_of_is_not_taken_up_again_from_a_full_disk() -> None:
    """A deposed leader has on its disk what nobody else had; in its place it applies other entries, without room."""
    trio = Trio()
    deposed = await trio.start()
    await trio.write(b"before")
    trio.isolate(deposed)
    lost = deposed.propose_soon(batch(deposed, b"lost"))
    await until(lost.done, within_s=3)
    assert isinstance(lost.exception(), OutcomeUnknown)
    at = deposed.last_index
    leader = await trio.leader()
    for number in range(5):
        await leader.propose(batch(leader, b"%d" % number), timeout_s=1)
    site = trio.site(deposed)
    site.platter.sync_s = (0.3, 0.3)
    trio.fill_disk(deposed)
    trio.cluster.network.heal_all()
    assert await until(lambda: deposed.is_sidelined, within_s=2)
    assert deposed.applied_index >= at
    site.platter.sync_s = (0.001, 0.001)
    trio.make_room(deposed)
    assert await until(lambda: not deposed.is_sidelined and deposed.last_index == leader.last_index, within_s=5)
    await trio.write(b"after")
    assert await until(lambda: trio.items(deposed) == trio.items(leader), within_s=1)
    assert not trio.cluster.fatal


@in_virtual_time
async def test_a_follower_without_room_for_a_snapshot_waits_for_it() -> None:
    trio = Trio(compact_entries=10, tail_entries=5, snapshot_chunk_bytes=1000)
    leader = await trio.start()
    away = trio.site(trio.followers()[0])
    away.kill()
    for _ in range(60):
        await trio.write(bytes(200))
    away.platter.limit_bytes = away.platter.used_bytes + 5000
    trio.cluster.start(away)
    assert await until(lambda: any(node.is_sidelined for node in trio.nodes()), within_s=3)
    (full,) = [node for node in trio.nodes() if node.is_sidelined]
    away.platter.limit_bytes = None
    assert await until(lambda: trio.items(full) == trio.items(leader), within_s=5.0)


@in_virtual_time
async def test_a_member_that_stops_while_it_waits_for_room_leaves_nothing_behind() -> None:
    trio = Trio()
    leader = await trio.start()
    full = trio.followers()[0]
    trio.fill_disk(full)
    await trio.write(b"x")
    assert await until(lambda: full.is_sidelined, within_s=1.0)
    await full.stop()
    assert leader.peer_status()[full.name].connected is False


@in_virtual_time
async def test_without_room_for_a_snapshot_the_log_grows_and_is_made_small_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    trio = Trio(compact_bytes=10_000, tail_bytes=3_000)
    leader = await trio.start()
    tight = trio.followers()[0]
    trio.fill_disk(tight, room=25_000)
    with caplog.at_level(logging.WARNING, "okube.raft.upkeep"):
        for _ in range(30):
            await trio.write(bytes(500))
            await asyncio.sleep(0.1)
    assert not tight.is_sidelined
    assert leader.base_index > tight.base_index
    assert [record.getMessage() for record in caplog.records if "no room to make" in record.getMessage()] == [
        "the disk has no room to make the log small; it grows until there is some (tried again in 10 s)"
    ]
    trio.make_room(tight)
    await asyncio.sleep(11)
    await trio.write(b"next")
    assert await until(lambda: tight.base_index > 1, within_s=1.0)
    assert await until(lambda: trio.items(tight) == trio.items(leader), within_s=1.0)
