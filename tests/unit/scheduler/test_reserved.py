from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from okube.scheduler import CallRule, Placement, TaskGroup, place
from okube.scheduler.declared import Cost, Level, LevelCosts, Place
from okube.scheduler.flows import Flow, without_task
from okube.scheduler.links import Links
from okube.scheduler.network import NetworkView
from okube.scheduler.reserved import Reserved
from okube.scheduler.topology import Topology
from tests.unit.scheduler.builders import Node, a_group, a_table

M = 10**6
NODES = [Node("a0", zone="a"), Node("a1", zone="a"), Node("b0", zone="b"), Node("b1", zone="b")]
NAMES = [node.name for node in NODES]
ZONES = {Level.ZONE: LevelCosts(between=Cost(bandwidth_bps=250 * M))}


def a_topology(speeds: list[int] | None = None) -> Topology:
    links = None if speeds is None else np.array(speeds)
    return Topology([Place("", node.zone) for node in NODES], ZONES, links=links)


def reserved(web: Mapping[str, int], db: Mapping[str, int], speeds: list[int] | None = None) -> Reserved:
    return Reserved(Links(a_topology(speeds), NAMES), [Flow("web", "db", 100 * M, web, db)])


def used(found: Reserved) -> dict[str, float]:
    return {found.links.link(number).words: round(bps / M, 3) for number, bps in enumerate(found.used.tolist()) if bps}


def placed(
    tasks: int, db: Mapping[str, int], speeds: list[int] | None = None, web: Mapping[str, int] | None = None
) -> Placement:
    calls = CallRule("db", "db", min_bandwidth_bps=100 * M, awaited=True)
    group = replace(a_group(tasks, service="web", placed=web or {}), name="web", calls=(calls,), others={"db": db})
    return place(a_table(*NODES), [group], network=a_network(db, speeds, web))


def a_network(db: Mapping[str, int], speeds: list[int] | None, web: Mapping[str, int] | None = None) -> NetworkView:
    return NetworkView(a_topology(speeds), [Flow("web", "db", 100 * M, web or {}, db)])


def nodes_of(placement: Placement) -> list[str]:
    return [task.node for task in placement.placed]


def test_each_dependent_reserves_on_its_own_link_on_that_of_the_dependency_and_between() -> None:
    assert used(reserved({"a0": 2}, {"b0": 1})) == {
        "the link of node a0": 200,
        "the link of node b0": 200,
        "the link of zones a and b": 200,
    }


def test_who_has_the_dependency_on_its_own_node_reserves_nothing() -> None:
    assert used(reserved({"b0": 3}, {"b0": 1, "a0": 1})) == {}


def test_without_a_task_of_the_dependency_nothing_is_reserved() -> None:
    assert used(reserved({"a0": 3}, {})) == {}


def test_the_nearest_task_counts_and_equally_near_ones_share() -> None:
    assert used(reserved({"a0": 1}, {"a1": 1, "b0": 1})) == {"the link of node a0": 100, "the link of node a1": 100}
    assert used(reserved({"a0": 1}, {"b0": 1, "b1": 3})) == {
        "the link of node a0": 100,
        "the link of node b0": 25,
        "the link of node b1": 75,
        "the link of zones a and b": 100,
    }


def test_a_task_behind_a_link_that_could_never_carry_it_is_passed_over() -> None:
    found = reserved({"a0": 1}, {"a1": 1, "b0": 1}, speeds=[10**9, 50 * M, 10**9, 10**9])

    assert "the link of node a1" not in used(found)


def test_what_ends_is_released_whatever_came_after_it() -> None:
    three = reserved({"a0": 2, "a1": 1}, {"b0": 1})
    flows = without_task([Flow("web", "db", 100 * M, {"a0": 2, "a1": 1}, {"b0": 1})], "web", "a0")

    assert used(three)["the link of zones a and b"] == 300
    assert used(Reserved(three.links, flows)) == used(reserved({"a0": 1, "a1": 1}, {"b0": 1}))


def test_a_link_takes_as_many_tasks_as_it_carries_and_the_next_hears_why() -> None:
    placement = placed(4, {"b0": 1}, speeds=[10**9, 10**9, 200 * M, 10**9])

    assert nodes_of(placement) == ["a0", "b0", "a1", "b0"]  # those on b0 itself need no link
    third = placed(2, {"b0": 1}, speeds=[10**9, 10**9, 10**9, 10**9], web={"a0": 1, "a1": 1, "b0": 3, "b1": 3})
    assert nodes_of(third) == ["b0", "b1"]  # between the zones, 50 Mbit/s are left


def test_why_no_node_has_the_bandwidth_is_told_with_the_link_and_what_is_free() -> None:
    calls = CallRule("db", "db", min_bandwidth_bps=100 * M, awaited=True)
    group = a_group(1, service="web", placed={"a0": 2}, constraints=("node.zone == a",))
    group = replace(group, name="web", calls=(calls,), others={"db": {"b0": 1}})

    (rejection,) = place(a_table(*NODES), [group], network=a_network({"b0": 1}, None, {"a0": 2})).rejected

    assert rejection.message == (
        "no node fits: 2 nodes: constraint node.zone == a not met (zone is b); "
        "2 nodes: 100 Mbit/s to db asked, 50 Mbit/s free on the link of zones a and b"
    )


def test_nodes_whose_own_links_are_full_are_told_together() -> None:
    message = placed(
        2, {"b0": 1}, speeds=[150 * M, 130 * M, 300 * M, 120 * M], web={"a0": 1, "a1": 1, "b1": 1}
    ).rejected

    assert message == []  # b0 itself is free for any number
    calls = CallRule("db", "db", min_bandwidth_bps=100 * M, awaited=True)
    group = replace(
        a_group(1, service="web", constraints=("node.name != b0",)), calls=(calls,), others={"db": {"b0": 1}}
    )
    network = a_network({"b0": 1}, [150 * M, 130 * M, 900 * M, 120 * M], {"a0": 1, "a1": 1, "b1": 1})
    (rejection,) = place(a_table(*NODES), [group], network=network).rejected
    assert "3 nodes: 100 Mbit/s to db asked, 50 Mbit/s free at most on their own links" in rejection.message


def test_bandwidth_to_two_services_adds_up_on_the_own_link() -> None:
    rules = (
        CallRule("db", "db", min_bandwidth_bps=100 * M),
        CallRule("cache", "cache", min_bandwidth_bps=100 * M),
    )
    flows = [Flow("web", "db", 100 * M, {}, {"b0": 1}), Flow("web", "cache", 100 * M, {}, {"b1": 1})]
    group = replace(a_group(1, service="web"), calls=rules, others={"db": {"b0": 1}, "cache": {"b1": 1}})
    found = Reserved(Links(a_topology([150 * M, 10**9, 10**9, 10**9]), NAMES), flows)

    assert found.allows(group).tolist() == [False, True, True, True]
    (short,) = found.shorts(group, np.array([0]))
    assert (short.asked_bps, short.free_bps, short.services) == (200 * M, 150 * M, ("db", "cache"))


def test_only_those_services_are_named_whose_way_is_full() -> None:
    rules = (
        CallRule("db", "db", min_bandwidth_bps=300 * M),
        CallRule("cache", "cache", min_bandwidth_bps=100 * M),
    )
    flows = [Flow("web", "db", 300 * M, {}, {"b0": 1}), Flow("web", "cache", 100 * M, {}, {"a0": 1})]
    group = replace(a_group(1, service="web"), calls=rules)
    found = Reserved(Links(a_topology(), NAMES), flows)

    assert [short.services for short in found.shorts(group, np.arange(2))] == [("db",)]


def test_a_new_task_of_the_dependency_stays_where_links_can_carry_what_it_draws() -> None:
    group = replace(
        a_group(1, service="db"),
        name="db",
        calls=(CallRule("web", "web", min_bandwidth_bps=100 * M, depends=True),),
        others={"web": {"a0": 1, "a1": 1}},
    )
    found = reserved({"a0": 1, "a1": 2}, {"b0": 1}, speeds=[10**9, 10**9, 10**9, 10**9])

    assert found.allows(group).all()  # the link between the zones is over its capacity: any new one can only help
    sound = reserved({"a0": 1, "a1": 1}, {"b0": 1}, speeds=[10**9, 100 * M, 10**9, 90 * M])
    assert sound.allows(group).tolist() == [True, True, True, True]  # to b1 nobody goes: its link is too slow
    narrow = reserved({"a0": 2, "b1": 2}, {"b0": 1}, speeds=[10**9, 150 * M, 10**9, 10**9])
    assert narrow.allows(group).tolist() == [True, False, True, True]


def test_the_first_task_of_a_dependency_comes_back_wherever_it_fits() -> None:
    group = replace(
        a_group(1, service="db"), calls=(CallRule("web", "web", min_bandwidth_bps=100 * M, depends=True),), others={}
    )

    assert reserved({"a0": 9}, {}, speeds=[10**9] * 4).allows(group).all()


def test_a_node_whose_link_is_over_its_capacity_moves_nothing_and_gets_nothing() -> None:
    found = reserved({"a0": 3}, {"a1": 1}, speeds=[250 * M, 10**9, 10**9, 10**9])
    calls = (CallRule("db", "db", min_bandwidth_bps=100 * M),)
    group = replace(a_group(1, service="web"), calls=calls, others={"db": {"a1": 1}})

    assert found.free[0] == -50 * M
    assert found.allows(group).tolist() == [False, True, True, True]
    assert found.allows(replace(group, calls=())).all()


@pytest.mark.parametrize("bps", [1, 10**15])
def test_bandwidth_beyond_all_links_does_not_overflow(bps: int) -> None:
    flows = [Flow("web", "db", bps, {"a0": 100_000, "b1": 100_000}, {"b0": 1})]

    found = Reserved(Links(a_topology([10**9] * 4), NAMES), flows)

    assert found.used[2] == 200_000 * float(bps)


def test_what_is_placed_counts_for_the_next() -> None:
    group: TaskGroup = replace(a_group(1, service="web"), calls=(CallRule("db", "db", min_bandwidth_bps=100 * M),))
    found = reserved({}, {"b0": 1})
    found.add(group, [0, 0])

    assert used(found) == used(reserved({"a0": 2}, {"b0": 1}))
    found.add(a_group(1, service="db"), [1])
    assert used(found) == used(reserved({"a0": 2}, {"b0": 1, "a1": 1}))
