"""A cluster that began anew from the state of one member: those from before hear of it, and end."""

import asyncio

from okube.raft.errors import Removed
from okube.raft.journal import Command
from okube.raft.members import Member
from okube.raft.snapshot import SnapshotHead
from okube.raft.storage import bootstrap_from, open_storage
from tests.simulation.cluster import Site, until
from tests.unit.raft.builders import in_virtual_time
from tests.unit.raft.trio import Trio, batch

AHEAD = 10**9


async def begin_anew(trio: Trio, site: Site) -> None:
    """As a manager does that goes on alone: all of its log, under another instance, far ahead."""
    disk = site.platter.mount()
    storage = await open_storage(site.directory, disk)
    ledger, journal = trio.ledgers[site.name], storage.journal
    for command, index, term in journal[1:]:
        if index > ledger.last_index and command[0] == Command.REGULAR:
            ledger.apply(index, term, command[1:])
    index, term = journal.last_index, journal.getCurrentTerm()
    await journal.close()
    for name in await disk.list(site.directory):
        await disk.remove(site.directory / name)
    site.instance = f"{site.name}-alone"
    alone = Member(site.name, site.instance, f"{site.name}:1", f"{site.name}:2")
    head = SnapshotHead("c1", index + AHEAD, term, (alone,))
    await bootstrap_from(site.directory, disk, head, ledger.snapshot())
    trio.cluster.start(site)


@in_virtual_time
async def test_one_member_goes_on_with_all_that_it_had_and_the_others_end_when_they_come_back() -> None:
    trio = Trio()
    leader = await trio.start()
    for number in range(10):
        await leader.propose(batch(leader, b"%d" % number), timeout_s=1)
    await asyncio.sleep(0.1)
    sites = trio.cluster.sites
    for site in sites:
        site.kill()
    await begin_anew(trio, sites[0])
    alone = await trio.leader()
    assert (alone.name, [m.name for m in alone.members]) == ("m1", ["m1"])
    await alone.propose(batch(alone, b"more"), timeout_s=1)
    for site in sites[1:]:
        trio.cluster.start(site)
    assert await until(lambda: len(trio.cluster.fatal) == 2, within_s=5)
    assert [type(error) for _, error in trio.cluster.fatal] == [Removed, Removed]
    assert (await trio.leader()).name == "m1"
    assert trio.items(alone) == [*(b"%d" % number for number in range(10)), b"more"]


@in_virtual_time
async def test_new_members_join_one_that_went_on_alone_and_get_its_state() -> None:
    trio = Trio()
    leader = await trio.start()
    await leader.propose(batch(leader, b"kept"), timeout_s=1)
    await asyncio.sleep(0.1)
    for site in trio.cluster.sites:
        site.kill()
    await begin_anew(trio, trio.cluster.sites[0])
    await trio.leader()
    joined = await trio.join("m2", instance="new")
    await trio.until_votes("m1", "m2")
    alone = await trio.leader()
    await alone.propose(batch(alone, b"more"), timeout_s=1)
    assert await until(lambda: trio.items(joined) == [b"kept", b"more"], within_s=2)


@in_virtual_time
async def test_it_can_be_cut_off_and_started_again_at_any_time_afterwards() -> None:
    trio = Trio(size=1)
    leader = await trio.start()
    await leader.propose(batch(leader, b"kept"), timeout_s=1)
    (site,) = trio.cluster.sites
    site.kill()
    await begin_anew(trio, site)
    for number in range(3):
        alone = await trio.leader()
        await alone.propose(batch(alone, b"%d" % number), timeout_s=1)
        site.kill()
        trio.cluster.start(site)
    alone = await trio.leader()
    assert await until(lambda: trio.items(alone) == [b"kept", b"0", b"1", b"2"], within_s=2)
