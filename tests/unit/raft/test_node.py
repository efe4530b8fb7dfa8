import asyncio
import logging
from typing import Any

import msgspec
import pytest

from okube.model.errors import UnknownVersion
from okube.raft import ApplyFailed, NoQuorum, NotLeader, OutcomeUnknown, ProposalTooLarge, RaftConfig
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
async def test_who_waits_for_a_write_is_told_when_its_leader_is_deposed() -> None:
    trio = Trio()
    leader = await trio.start()
    trio.isolate(leader)
    waiting = leader.propose_soon(batch(leader, b"x"))
    assert await until(waiting.done, within_s=2)
    assert isinstance(waiting.exception(), OutcomeUnknown)


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
