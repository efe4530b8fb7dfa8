"""Members and their disks: slow, broken and damaged ones, and how much of them a log takes."""

import asyncio
import logging

import pytest

from okube.raft import JournalDamaged, RaftNode
from tests.simulation.cluster import Site, until
from tests.unit.raft.builders import in_virtual_time
from tests.unit.raft.trio import Trio, batch


@in_virtual_time
async def test_everything_acknowledged_survives_the_loss_of_power() -> None:
    trio = Trio()
    leader = await trio.start()
    for number in range(5):
        await leader.propose(batch(leader, b"%d" % number), timeout_s=1)
    for site in trio.cluster.sites:
        site.kill()
    for site in trio.cluster.sites:
        trio.cluster.start(site)
    leader = await trio.leader()
    await leader.read_barrier(timeout_s=1)
    assert trio.items(leader) == [b"0", b"1", b"2", b"3", b"4"]


@in_virtual_time
async def test_a_member_whose_sync_fails_takes_part_no_longer(caplog: pytest.LogCaptureFixture) -> None:
    trio = Trio()
    leader = await trio.start()
    site = trio.site(trio.followers()[0])
    site.platter.fail_syncs = True
    with caplog.at_level(logging.CRITICAL + 1, "okube.raft.driver"):
        await leader.propose(batch(leader, b"x"), timeout_s=1)
        assert await until(lambda: not site.alive, within_s=1)
    assert [(name, str(error)) for name, error in trio.cluster.fatal] == [(site.name, "the disk is broken")]


@in_virtual_time
async def test_a_slow_disk_costs_a_follower_neither_its_leader_nor_its_vote() -> None:
    trio = Trio()
    leader = await trio.start()
    term = leader.term
    slow = trio.followers()[0]
    trio.site(slow).platter.sync_s = (7.0, 7.0)
    for number in range(10):
        await leader.propose(batch(leader, b"%d" % number), timeout_s=1)
        await asyncio.sleep(0.5)
    status = leader.peer_status()[slow.name]
    assert status.heard_s is not None
    assert status.heard_s < 0.2
    assert status.match_index is not None
    assert status.match_index < leader.commit_index
    assert (slow.leader, slow.term, leader.term) == (leader.name, term, term)


@in_virtual_time
async def test_a_leader_with_a_slow_disk_still_commits_what_both_others_have() -> None:
    trio = Trio()
    leader = await trio.start()
    trio.site(leader).platter.sync_s = (7.0, 7.0)
    assert await leader.propose(batch(leader, b"x"), timeout_s=1) == [b"done x"]


@in_virtual_time
async def test_a_follower_that_was_away_for_long_is_sent_a_snapshot() -> None:
    trio = Trio(compact_entries=10, tail_entries=5, snapshot_chunk_bytes=100)
    _, away = await _one_is_away_for_long(trio)
    trio.cluster.start(away)
    assert await until(lambda: len(trio.nodes()) == 3, within_s=1)
    assert await until(lambda: {len(trio.items(node)) for node in trio.nodes()} == {60}, within_s=3)
    away.kill()
    trio.cluster.start(away)
    assert await until(lambda: len(trio.nodes()) == 3, within_s=1)
    assert await until(lambda: {len(trio.items(node)) for node in trio.nodes()} == {60}, within_s=3)


@in_virtual_time
async def test_a_snapshot_is_acknowledged_when_it_is_durable_and_not_before() -> None:
    trio = Trio(compact_entries=10, tail_entries=5, snapshot_chunk_bytes=100)
    leader, away = await _one_is_away_for_long(trio)
    away.platter.sync_s = (0.5, 0.5)
    trio.cluster.start(away)
    covered = leader.base_index

    def is_acknowledged() -> bool:
        return (leader.peer_status()[away.name].match_index or 0) > covered

    def is_durable() -> bool:
        names = [path.name for path in away.platter.files if path.name.startswith("snapshot-")]
        return bool(names) and int(max(names).split("-")[1].partition(".")[0]) > covered

    moments = [(is_acknowledged(), is_durable())]
    while not moments[-1][0]:
        await asyncio.sleep(0.005)
        moments.append((is_acknowledged(), is_durable()))
        assert len(moments) < 3000
    assert (False, False) in moments
    assert (True, False) not in moments


@in_virtual_time
async def test_a_follower_that_waits_for_its_snapshot_is_spoken_to_no_more_than_others() -> None:
    trio = Trio(compact_entries=10, tail_entries=5)
    leader, away = await _one_is_away_for_long(trio)
    away.platter.sync_s = (2.0, 2.0)
    trio.cluster.start(away)
    assert await until(lambda: len(trio.nodes()) == 3, within_s=5)
    before = trio.cluster.network.frames
    for number in range(20):
        await leader.propose(batch(leader, b"%d" % number), timeout_s=1)
        await asyncio.sleep(0.05)
    assert trio.cluster.network.frames - before < 400


@in_virtual_time
async def test_the_log_is_compacted_by_bytes_too() -> None:
    trio = Trio(compact_bytes=10_000, tail_bytes=3_000)
    leader = await trio.start()
    for _ in range(40):
        await leader.propose(batch(leader, bytes(1000)), timeout_s=1)
    await asyncio.sleep(0.2)
    journal = leader._driver.journal
    assert journal.base_index > 10
    assert journal.log_bytes < 20_000


@in_virtual_time
async def test_writes_without_end_take_a_bounded_part_of_the_disk() -> None:
    trio = Trio(compact_bytes=10_000, tail_bytes=3_000, compact_entries=50, tail_entries=10)
    leader = await trio.start()
    largest = 0
    for number in range(600):
        for ledger in trio.ledgers.values():
            ledger.items.clear()  # so that snapshots stay small, as of a state that is bounded
        await leader.propose(batch(leader, bytes(number % 7 * 200)), timeout_s=1)
        largest = max(largest, *(site.platter.used_bytes for site in trio.cluster.sites))
    assert largest < 40_000


@in_virtual_time
async def test_a_damaged_journal_stops_the_member_with_a_sentence() -> None:
    trio = Trio()
    leader = await trio.start()
    for number in range(5):
        await leader.propose(batch(leader, b"%d" % number), timeout_s=1)
    site = trio.site(leader)
    site.kill()
    (path,) = site.platter.files
    site.platter.files[path][90] ^= 0xFF
    trio.cluster.start(site)
    assert await until(lambda: bool(trio.cluster.fatal), within_s=1)
    error = trio.cluster.fatal[0][1]
    assert isinstance(error, JournalDamaged)
    assert "leave this manager ended" in str(error)


async def _one_is_away_for_long(trio: Trio) -> tuple[RaftNode, Site]:
    """The leader, and a follower's machine that lost its power before 60 writes."""
    leader = await trio.start()
    away = trio.site(trio.followers()[0])
    away.kill()
    for number in range(60):
        await leader.propose(batch(leader, b"%d" % number), timeout_s=1)
        await asyncio.sleep(0.005)
    return leader, away
