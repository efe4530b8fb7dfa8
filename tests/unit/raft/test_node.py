import asyncio
import logging
from typing import Any

import msgspec
import pytest

from okube.model.errors import UnknownVersion
from okube.raft import (
    ApplyFailed,
    JournalDamaged,
    NoQuorum,
    NotBootstrapped,
    NotLeader,
    OutcomeUnknown,
    ProposalTooLarge,
    RaftConfig,
)
from okube.raft.frames import Confirm, encode_frame
from tests.simulation.cluster import until
from tests.simulation.loop import virtual_loop
from tests.unit.raft.builders import in_virtual_time
from tests.unit.raft.trio import Trio, batch


@in_virtual_time
async def test_three_elect_one_leader_and_know_it() -> None:
    trio = Trio()
    leader = await trio.start()
    await asyncio.sleep(0.2)
    assert [node.leader for node in trio.nodes()] == [leader.name] * 3
    assert trio.told == [(leader.name, leader.term)]
    assert all(node.has_quorum and node.last_contact_s < 0.2 for node in trio.nodes())


@in_virtual_time
async def test_a_write_is_applied_everywhere_and_answered_with_its_results() -> None:
    trio = Trio()
    leader = await trio.start()
    assert await leader.propose(batch(leader, b"a", b"b"), timeout_s=1) == [b"done a", b"done b"]
    await asyncio.sleep(0.1)
    assert [trio.items(node) for node in trio.nodes()] == [[b"a", b"b"]] * 3


@in_virtual_time
async def test_a_commit_does_not_wait_for_a_heartbeat() -> None:
    trio = Trio()
    leader = await trio.start()
    began = virtual_loop().now
    for number in range(20):
        await leader.propose(batch(leader, b"%d" % number), timeout_s=1)
    assert (virtual_loop().now - began) / 20 < 0.010


@in_virtual_time
async def test_only_the_leader_proposes() -> None:
    trio = Trio()
    leader = await trio.start()
    await asyncio.sleep(0.2)
    for node in trio.followers():
        with pytest.raises(NotLeader, match=leader.name) as refused:
            await node.propose(b"x", timeout_s=1)
        assert refused.value.leader == leader.name


@in_virtual_time
async def test_a_proposal_above_the_limit_is_refused_and_one_at_the_limit_goes_through() -> None:
    trio = Trio()
    leader = await trio.start()
    with pytest.raises(ProposalTooLarge, match="split it"):
        await leader.propose(bytes(leader.config.max_proposal_bytes + 1), timeout_s=1)
    item = bytes(leader.config.max_proposal_bytes - 20)
    assert len(await leader.propose(batch(leader, item), timeout_s=5)) == 1


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
async def test_when_the_leader_dies_another_leads_within_a_second() -> None:
    trio = Trio()
    leader = await trio.start()
    trio.site(leader).kill()
    await trio.leader(within_s=1.0)


@in_virtual_time
async def test_a_cut_off_leader_steps_down_before_a_second_is_over_and_its_writes_are_unknown() -> None:
    trio = Trio()
    leader = await trio.start()
    trio.isolate(leader)
    with pytest.raises(OutcomeUnknown):
        await leader.propose(batch(leader, b"lost"), timeout_s=0.1)
    writing = asyncio.create_task(leader.propose(batch(leader, b"lost too"), timeout_s=5))
    await asyncio.sleep(0.95)
    assert leader.role == "follower"
    with pytest.raises(OutcomeUnknown):
        await writing
    assert (leader.name, None) in trio.told


@in_virtual_time
async def test_a_cut_off_member_comes_back_without_an_election() -> None:
    trio = Trio()
    leader = await trio.start()
    term = leader.term
    follower = trio.followers()[0]
    trio.isolate(follower)
    await asyncio.sleep(10)
    assert not follower.has_quorum
    trio.cluster.network.heal_all()
    await asyncio.sleep(2)
    assert (leader.role, leader.term, follower.term) == ("leader", term, term)


@in_virtual_time
async def test_one_broken_link_makes_no_leader_step_down() -> None:
    trio = Trio()
    leader = await trio.start()
    term = leader.term
    trio.cluster.network.cut(leader.name, trio.followers()[0].name)
    await asyncio.sleep(10)
    assert (leader.role, leader.term) == ("leader", term)


@in_virtual_time
async def test_a_read_at_any_member_sees_what_was_acknowledged() -> None:
    trio = Trio()
    leader = await trio.start()
    for number in range(10):
        await leader.propose(batch(leader, b"%d" % number), timeout_s=1)
        for node in trio.nodes():
            await node.read_barrier(timeout_s=1)
            assert trio.items(node)[-1] == b"%d" % number


@in_virtual_time
async def test_reads_write_nothing() -> None:
    trio = Trio()
    leader = await trio.start()
    await asyncio.sleep(0.2)
    before = (leader.last_index, [site.platter.syncs for site in trio.cluster.sites])
    await asyncio.gather(*(node.read_barrier(timeout_s=1) for node in trio.nodes() for _ in range(50)))
    assert (leader.last_index, [site.platter.syncs for site in trio.cluster.sites]) == before


@in_virtual_time
async def test_a_read_without_a_majority_ends_with_a_sentence() -> None:
    trio = Trio()
    leader = await trio.start()
    for node in trio.followers():
        trio.site(node).kill()
    with pytest.raises(NoQuorum, match="confirmed by a majority"):
        await leader.read_barrier(timeout_s=0.3)


@in_virtual_time
async def test_a_state_machine_that_raises_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    trio = Trio()
    leader = await trio.start()
    with caplog.at_level(logging.CRITICAL, "okube.raft.driver"), pytest.raises(ApplyFailed):
        await leader.propose(b"\xc1 no batch", timeout_s=1)
    assert await leader.propose(batch(leader, b"next"), timeout_s=1) == [b"done next"]
    await asyncio.sleep(0.1)
    assert [node.apply_failures for node in trio.nodes()] == [1, 1, 1]
    assert [trio.items(node) for node in trio.nodes()] == [[b"next"]] * 3


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
    leader = await trio.start()
    away = trio.site(trio.followers()[0])
    away.kill()
    for number in range(60):
        await leader.propose(batch(leader, b"%d" % number), timeout_s=1)
        await asyncio.sleep(0.005)
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
    leader = await trio.start()
    away = trio.site(trio.followers()[0])
    away.kill()
    for number in range(60):
        await leader.propose(batch(leader, b"%d" % number), timeout_s=1)
        await asyncio.sleep(0.005)
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
    leader = await trio.start()
    away = trio.site(trio.followers()[0])
    away.kill()
    for number in range(60):
        await leader.propose(batch(leader, b"%d" % number), timeout_s=1)
        await asyncio.sleep(0.005)
    away.platter.sync_s = (2.0, 2.0)
    trio.cluster.start(away)
    assert await until(lambda: len(trio.nodes()) == 3, within_s=5)
    before = trio.cluster.network.frames
    for number in range(20):
        await leader.propose(batch(leader, b"%d" % number), timeout_s=1)
        await asyncio.sleep(0.05)
    assert trio.cluster.network.frames - before < 400


@in_virtual_time
async def test_who_waits_for_a_write_is_told_when_its_leader_is_deposed() -> None:
    trio = Trio()
    leader = await trio.start()
    trio.isolate(leader)
    waiting = leader.propose_soon(batch(leader, b"x"))
    assert await until(waiting.done, within_s=2)
    assert isinstance(waiting.exception(), OutcomeUnknown)


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
async def test_a_member_of_another_instance_is_not_let_in() -> None:
    trio = Trio()
    leader = await trio.start()
    site = trio.site(trio.followers()[0])
    site.kill()
    site.instance = "wiped"
    trio.cluster.start(site)
    assert await until(lambda: bool(trio.cluster.fatal), within_s=1)
    assert isinstance(trio.cluster.fatal[0][1], NotBootstrapped)
    assert leader.peer_status()[site.name].connected is False


@in_virtual_time
async def test_frames_of_strangers_and_garbage_cost_their_sender_the_link(caplog: pytest.LogCaptureFixture) -> None:
    trio = Trio()
    leader = await trio.start()
    reception = leader._driver.reception
    follower = trio.followers()[0]
    frame = encode_frame(follower.name, "wrong", 99, Confirm(1))
    with caplog.at_level(logging.WARNING, "okube.raft.reception"):
        reception.peer_frame(follower.name, "wrong", frame)
        reception.peer_frame("m9", "m9-i", encode_frame("m9", "m9-i", 99, Confirm(1)))
        reception.peer_frame(follower.name, follower.instance, encode_frame("m9", follower.instance, 99, Confirm(1)))
        for _ in range(10):
            reception.peer_frame(follower.name, follower.instance, b"garbage")
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 2, "one of each sender, and no more within a second"
    await asyncio.sleep(0.5)
    assert {peer for peer, status in leader.peer_status().items() if status.connected} == {"m1", "m2", "m3"} - {
        leader.name
    }
    assert leader.term < 99
    assert leader.role == "leader"


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


@in_virtual_time
async def test_a_stopped_member_leaves_nothing_behind() -> None:
    trio = Trio()
    leader = await trio.start()
    waiting = asyncio.create_task(leader.wait_applied(10**9))
    await asyncio.sleep(0)
    await leader.stop()
    with pytest.raises(NoQuorum):
        await waiting
    assert (leader.role, leader.leader, leader.is_ready_leader) == ("follower", None, False)
    with pytest.raises(NotLeader):
        await leader.propose(b"x", timeout_s=1)


@in_virtual_time
async def test_a_single_member_is_a_cluster() -> None:
    trio = Trio(size=1)
    leader = await trio.start()
    assert await leader.propose(batch(leader, b"x"), timeout_s=1) == [b"done x"]
    assert await leader.read_barrier(timeout_s=1) == leader.applied_index
    trio.cluster.sites[0].kill()
    trio.cluster.start(trio.cluster.sites[0])
    leader = await trio.leader()
    assert trio.items(leader) == [b"x"]


@in_virtual_time
async def test_listeners_hear_of_every_applied_index_and_late_ones_of_the_leadership() -> None:
    trio = Trio()
    leader = await trio.start()
    applied: list[int] = []
    terms: list[int | None] = []
    leader.subscribe_applied(applied.append)
    leader.subscribe_leadership(terms.append)
    await leader.propose(batch(leader, b"x"), timeout_s=1)
    assert applied == [leader.applied_index]
    assert terms == [leader.term]


def test_a_configuration_that_cannot_work_is_refused() -> None:
    for wrong in ({"append_batch_bytes": 1000}, {"election_ms": 50}, {"heartbeat_ms": 400}):
        with pytest.raises(ValueError, match="must be"):
            msgspec.convert(wrong, RaftConfig)


@in_virtual_time
async def test_the_leader_knows_what_each_linked_member_knows_and_is_told_when_that_changes() -> None:
    trio = Trio()
    trio.knows = {"m1": 3, "m2": 4, "m3": 5}
    leader = await trio.start()
    assert await until(lambda: leader.known_versions() == {"m1": 3, "m2": 4, "m3": 5}, within_s=2)
    site = trio.site(trio.followers()[0])
    site.kill()
    assert await until(lambda: leader.known_versions()[site.name] is None, within_s=2)
    trio.knows[site.name] = 9
    before = trio.heard
    trio.cluster.start(site)
    assert await until(lambda: leader.known_versions()[site.name] == 9, within_s=2)
    assert trio.heard > before


@in_virtual_time
async def test_a_member_that_meets_an_entry_of_a_newer_version_ends_and_has_not_applied_it() -> None:
    trio = Trio()
    leader = await trio.start()
    old = trio.site(trio.followers()[0])
    error = UnknownVersion("entry 9 of the log", needs="command version 3", knows=2)
    machine = trio.ledgers[old.name]
    raised: list[int] = []

    def refuse(index: int, term: int, payload: bytes) -> list[Any]:
        raised.append(index)
        raise error

    machine.apply = refuse  # type: ignore[method-assign]
    await leader.propose(batch(leader, b"new"), timeout_s=2)
    assert await until(lambda: bool(trio.cluster.fatal), within_s=2)
    assert trio.cluster.fatal == [(old.name, error)]
    assert len(raised) == 1
    await leader.propose(batch(leader, b"more"), timeout_s=2)
