import asyncio

from okube.raft.slowness import SyncWatch
from tests.simulation.cluster import until
from tests.unit.raft.builders import in_virtual_time
from tests.unit.raft.trio import Trio, batch


def watched(*syncs: tuple[float, float]) -> SyncWatch:
    """A watch that has seen syncs that began and ended then."""
    watch = SyncWatch(slow_s=0.25, enough_s=2.0)
    for began, ended in syncs:
        watch.began(began)
        watch.ended(ended)
    return watch


def test_one_stall_is_too_much_before_it_is_over() -> None:
    watch = watched()
    watch.began(10.0)
    assert not watch.is_too_much(11.9)
    assert watch.is_too_much(12.0)


def test_slow_syncs_add_up_and_the_time_between_them_does_not() -> None:
    assert not watched((0, 0.5), (100, 100.5), (200, 200.5)).is_too_much(300)
    assert watched((0, 0.5), (100, 100.5), (200, 200.5), (300, 300.5)).is_too_much(400)


def test_a_fast_sync_makes_up_for_all_before() -> None:
    watch = watched((0, 1.9), (2, 2.1))
    assert watch.slow_for_s(3) == 0.0
    watch.began(3)
    assert not watch.is_too_much(4.9)


@in_virtual_time
async def test_a_leader_whose_syncs_stay_slow_hands_the_lead_over_and_no_write_is_lost() -> None:
    trio = Trio()
    slow = await trio.start()
    await asyncio.sleep(0.5)
    term = slow.term
    trio.site(slow).platter.sync_s = (7.0, 7.0)
    written = 0
    for number in range(60):
        leader = trio.leaders()[0]
        if leader is not slow or leader._driver.engine.hands_over_to is not None:
            break
        assert await leader.propose(batch(leader, b"%d" % number), timeout_s=1)
        written += 1
        await asyncio.sleep(0.1)
    assert await until(lambda: [n.name for n in trio.leaders()] not in ([], [slow.name]), within_s=1.0)
    leader = await trio.leader()
    assert (leader.name != slow.name, leader.term) == (True, term + 1)
    await leader.read_barrier(timeout_s=1)
    assert trio.items(leader) == [b"%d" % number for number in range(written)]


@in_virtual_time
async def test_where_all_disks_are_slow_the_leader_stays() -> None:
    """Nobody could do better, and every election would cost some more."""
    trio = Trio()
    leader = await trio.start()
    await asyncio.sleep(0.5)
    term = leader.term
    for site in trio.cluster.sites:
        site.platter.sync_s = (0.6, 0.6)
    for number in range(10):
        await leader.propose(batch(leader, b"%d" % number), timeout_s=5)
    assert (leader.role, leader.term) == ("leader", term)
