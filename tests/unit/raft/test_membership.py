"""Members that come and go while the others work."""

import asyncio
from functools import partial

import msgspec
import pytest

from okube.raft import Member, Membership, NotBootstrapped, NotLeader, RaftNode
from okube.raft.errors import Conflict, NotFound, Removed
from okube.raft.frames import Append, Appended, PreVote, PreVoteGranted, VoteGranted
from okube.raft.journal import Command
from okube.raft.members import encode_membership, voters
from tests.simulation.cluster import until
from tests.unit.raft.builders import Rig, a_journal, a_member, in_virtual_time, members
from tests.unit.raft.trio import Trio, batch


def _votes(trio: Trio, name: str) -> bool:
    return any(name in voters(node.members) for node in trio.leaders())


def _nobody(_result: object, _reason: int) -> None:
    pass


@in_virtual_time
async def test_a_cluster_grows_from_one_to_seven_and_shrinks_again_and_loses_nothing() -> None:
    trio = Trio(size=1)
    leader = await trio.start()
    written = 0

    async def write() -> None:
        nonlocal written
        leader = await trio.leader()
        await leader.propose(batch(leader, b"%d" % written), timeout_s=2)
        written += 1

    for number in range(2, 8):
        await write()
        await trio.join(f"m{number}")
        await trio.until_votes(*(f"m{n}" for n in range(1, number + 1)))
    with pytest.raises(Conflict, match="7 are the most"):
        await leader.membership.add(a_member("m8"), timeout_s=2)
    for number in range(7, 1, -1):
        await write()
        leader = await trio.leader()
        if leader.name == f"m{number}":
            await leader.transfer_leadership("m1", timeout_s=1)
            leader = await trio.leader()
        await leader.membership.remove(f"m{number}", timeout_s=2)
    await trio.until_votes("m1")
    await write()
    assert trio.items(await trio.leader()) == [b"%d" % number for number in range(8 + 5)]


@in_virtual_time
async def test_a_new_member_catches_up_by_a_snapshot_before_it_counts() -> None:
    trio = Trio(compact_entries=10, tail_entries=5, snapshot_chunk_bytes=100)
    leader = await trio.start()
    for number in range(60):
        await leader.propose(batch(leader, b"%d" % number), timeout_s=1)
    assert leader.base_index > 10
    joining = await trio.join("m4")
    assert "m4" not in voters(joining.members)
    await trio.until_votes("m1", "m2", "m3", "m4")
    assert len(trio.items(joining)) == 60


@in_virtual_time
async def test_a_member_that_was_added_and_never_started_holds_nothing_up() -> None:
    trio = Trio()
    leader = await trio.start()
    await leader.membership.add(a_member("m4"), timeout_s=2)
    trio.site(trio.followers()[0]).kill()
    await asyncio.sleep(2)
    assert await leader.propose(batch(leader, b"x"), timeout_s=1) == [b"done x"]
    assert await leader.read_barrier(timeout_s=1)
    assert voters(leader.members) == ("m1", "m2", "m3")
    known = await leader.membership.add(a_member("m4"), timeout_s=2)  # once more is no second one
    assert len(known.members) == 4
    assert len((await leader.membership.remove("m4", timeout_s=2)).members) == 3


@in_virtual_time
async def test_a_dead_member_is_replaced_by_a_new_one_of_its_name() -> None:
    trio = Trio()
    leader = await trio.start()
    dead = trio.followers()[0].name
    trio.site(trio.followers()[0]).kill()
    await leader.propose(batch(leader, b"x"), timeout_s=1)
    await leader.membership.remove(dead, timeout_s=2)
    replaced = await trio.join(dead, instance="second")
    await trio.until_votes("m1", "m2", "m3")
    assert trio.items(replaced) == [b"x"]
    assert all(m.instance == "second" for m in leader.members if m.name == dead)


@in_virtual_time
async def test_a_removed_member_hears_of_it_and_stops_and_no_election_comes_of_it() -> None:
    trio = Trio()
    leader = await trio.start()
    term = leader.term
    going = trio.followers()[0]
    await leader.membership.remove(going.name, timeout_s=2)
    assert await until(lambda: bool(trio.cluster.fatal), within_s=3)
    name, error = trio.cluster.fatal[0]
    assert name == going.name
    assert isinstance(error, Removed)
    assert "was removed" in str(error)
    await asyncio.sleep(3)
    assert (leader.role, leader.term) == ("leader", term)


@in_virtual_time
async def test_a_member_that_was_removed_while_it_was_away_stops_when_it_returns() -> None:
    trio = Trio()
    leader = await trio.start()
    term = leader.term
    away = trio.followers()[0]
    site = trio.site(away)
    site.kill()
    await asyncio.sleep(1)
    await leader.membership.remove(away.name, timeout_s=2)
    await asyncio.sleep(1)
    trio.cluster.start(site)
    assert await until(lambda: bool(trio.cluster.fatal), within_s=5)
    assert isinstance(trio.cluster.fatal[0][1], Removed)
    assert (leader.role, leader.term) == ("leader", term)


@in_virtual_time
async def test_a_member_that_slept_through_the_change_of_all_others_finds_them() -> None:
    trio = Trio()
    await trio.start()
    asleep = trio.followers()[0]
    for other in [node.name for node in trio.nodes() if node is not asleep]:
        trio.cluster.network.cut(asleep.name, other)
    await asyncio.sleep(1)
    for name in ("m4", "m5"):
        trio.cluster.network.cut(asleep.name, name)
        await trio.join(name)
        assert await until(partial(_votes, trio, name), within_s=5)
    for old in [node.name for node in trio.nodes() if node.name in ("m1", "m2", "m3") and node is not asleep]:
        leader = await trio.leader()
        if leader.name == old:
            await leader.transfer_leadership("m5", timeout_s=1)
            leader = await trio.leader()
        await leader.membership.remove(old, timeout_s=2)
    trio.cluster.network.heal_all()
    await trio.until_votes(asleep.name, "m4", "m5", within_s=10)
    leader = await trio.leader()
    await leader.propose(batch(leader, b"x"), timeout_s=1)
    assert await until(lambda: trio.items(asleep) == [b"x"], within_s=2)


@in_virtual_time
async def test_changes_are_made_one_after_the_other() -> None:
    trio = Trio()
    leader = await trio.start()
    adding = asyncio.create_task(leader.membership.add(a_member("m4"), timeout_s=2))
    removing = asyncio.create_task(leader.membership.remove("m4", timeout_s=2))
    assert len((await adding).members) == 4
    assert len((await removing).members) == 3


@in_virtual_time
async def test_the_leader_does_not_remove_itself_and_followers_change_nothing() -> None:
    trio = Trio()
    leader = await trio.start()
    await asyncio.sleep(0.3)
    with pytest.raises(Conflict, match="another manager must lead"):
        await leader.membership.remove(leader.name, timeout_s=2)
    with pytest.raises(NotFound, match="no manager m9"):
        await leader.membership.remove("m9", timeout_s=2)
    with pytest.raises(NotLeader):
        await trio.followers()[0].membership.add(a_member("m4"), timeout_s=2)


@in_virtual_time
async def test_a_member_without_which_there_were_no_majority_stays() -> None:
    trio = Trio()
    leader = await trio.start()
    one, other = trio.followers()
    trio.site(one).kill()
    await asyncio.sleep(1)
    with pytest.raises(Conflict, match=f"{one.name} does not answer"):
        await leader.membership.remove(other.name, timeout_s=2)
    await leader.membership.remove(one.name, timeout_s=2)


@in_virtual_time
async def test_a_change_that_no_majority_takes_is_undone_by_the_next_leader() -> None:
    trio = Trio()
    leader = await trio.start()
    await asyncio.sleep(0.3)
    going = trio.followers()[0]
    trio.isolate(leader)
    changing = asyncio.create_task(leader.membership.remove(going.name, timeout_s=0.2))
    await asyncio.sleep(0.05)
    assert going.name not in voters(leader.members)
    await asyncio.gather(changing, return_exceptions=True)
    assert await until(lambda: any(node is not leader for node in trio.leaders()), within_s=5)
    trio.cluster.network.heal_all()
    assert await until(lambda: len(voters(leader.members)) == 3 and leader.leader in (*trio.cluster.names,), within_s=5)
    new = await trio.leader()
    await new.propose(batch(new, b"x"), timeout_s=1)
    assert await until(lambda: trio.items(leader) == [b"x"], within_s=2)
    assert trio.cluster.fatal == []


@in_virtual_time
async def test_membership_holds_after_a_restart_before_anything_is_applied() -> None:
    trio = Trio()
    leader = await trio.start()
    await trio.join("m4")
    await trio.until_votes("m1", "m2", "m3", "m4")
    for site in trio.cluster.sites:
        site.kill()
    for site in trio.cluster.sites:
        trio.cluster.start(site)
    assert await until(lambda: len(trio.nodes()) == 4, within_s=1)
    assert {voters(node.members) for node in trio.nodes()} == {("m1", "m2", "m3", "m4")}
    for node in trio.nodes()[:2]:
        trio.site(node).kill()
    await asyncio.sleep(3)
    assert trio.leaders() == []  # two of four are no majority
    assert leader is not None


@in_virtual_time
async def test_a_folder_of_another_member_is_refused_with_a_sentence() -> None:
    trio = Trio()
    leader = await trio.start()
    site = trio.new_site("m9")
    await RaftNode.bootstrap(site.directory, site.platter.mount(), leader.members, "c1")
    trio.cluster.start(site)
    assert await until(lambda: bool(trio.cluster.fatal), within_s=1)
    assert isinstance(trio.cluster.fatal[0][1], NotBootstrapped)
    assert "m9 (m9-i) is not a member" in str(trio.cluster.fatal[0][1])


# The engine alone.


@in_virtual_time
async def test_a_member_that_learns_asks_for_no_election() -> None:
    rig = Rig(await a_journal())
    learns = (a_member("m2"), a_member("m3"), _as_learner("m1"))
    rig.engine.receive("m2", 1, Append(1, 0, 1, [(1, _membership(learns))]))
    rig.host.take()
    rig.wait(5.0)
    assert [body for _, body in rig.host.take() if isinstance(body, PreVote)] == []
    assert not rig.engine.votes


@in_virtual_time
async def test_what_a_member_that_learns_says_counts_for_nothing() -> None:
    rig = Rig(await a_journal(), size=3)
    await rig.lead()
    rig.engine.receive("m2", 1, Appended(3, True, False))
    await rig.journal.sync()
    rig.tick()
    rig.engine.change_members((*members(3), _as_learner("m4")), _nobody)
    rig.engine.connected("m4")
    await rig.journal.sync()
    rig.engine.receive("m4", 1, Appended(4, True, False))
    rig.tick()
    assert rig.engine.commit_index == 2
    rig.wait(0.95)
    rig.engine.receive("m4", 1, Appended(4, True, False))
    rig.tick()
    assert rig.engine.role == "follower"  # it does not keep a leader in office either
    rig.wait(1.1)
    rig.engine.receive("m4", 1, PreVoteGranted(2))
    assert rig.engine.term == 1
    rig.engine.receive("m2", 1, PreVoteGranted(2))
    rig.engine.receive("m4", 2, VoteGranted())
    assert rig.engine.leader is None


@in_virtual_time
async def test_a_membership_holds_from_the_moment_that_it_is_appended_and_is_undone_with_its_entry() -> None:
    rig = Rig(await a_journal())
    rig.engine.receive("m2", 1, Append(1, 0, 1, [(1, _membership(members(5)))]))
    assert voters(rig.engine.members) == ("m1", "m2", "m3", "m4", "m5")
    rig.engine.receive("m3", 2, Append(1, 0, 1, [(2, b"\x00other")]))
    assert voters(rig.engine.members) == ("m1", "m2", "m3")


@in_virtual_time
async def test_the_entry_that_removes_a_member_is_not_sent_to_it() -> None:
    rig = Rig(await a_journal())
    await rig.lead()
    rig.engine.receive("m2", 1, Appended(3, True, False))
    await rig.journal.sync()
    rig.tick()
    rig.host.take()
    rig.engine.change_members(members(2), _nobody)
    assert {peer for peer, _ in rig.host.take()} == {"m2"}
    rig.engine.receive("m3", 1, Appended(3, True, False))  # late, and worth nothing


@in_virtual_time
async def test_no_second_change_before_the_first_is_committed() -> None:
    rig = Rig(await a_journal())
    await rig.lead()
    rig.engine.receive("m2", 1, Appended(3, True, False))
    await rig.journal.sync()
    rig.tick()
    may = [rig.engine.may_change_members]
    rig.engine.change_members(members(2), _nobody)
    may.append(rig.engine.may_change_members)
    await rig.journal.sync()
    rig.engine.receive("m2", 1, Appended(4, True, False))
    rig.tick()
    assert [*may, rig.engine.may_change_members] == [True, False, True]


def _as_learner(name: str) -> Member:
    return msgspec.structs.replace(a_member(name), voter=False)


def _membership(after: Membership) -> bytes:
    return bytes([Command.MEMBERSHIP]) + encode_membership(after)
