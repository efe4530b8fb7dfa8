from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from okube.scheduler import CallRule, Placement, TaskGroup, place, policy_of
from okube.scheduler.declared import Cost, Level, LevelCosts, Place
from okube.scheduler.network import NetworkView
from okube.scheduler.topology import Topology
from tests.unit.scheduler.builders import Node, a_group, a_table

NODES = [Node("a0", zone="a"), Node("a1", zone="a"), Node("b0", zone="b"), Node("b1", zone="b")]
COSTS = {Level.ZONE: LevelCosts(within=Cost(0.0005, 10**10), between=Cost(0.010, 10**8))}
NETWORK = NetworkView(Topology([Place("", node.zone) for node in NODES], COSTS))
CALLS_DB = CallRule("db", "db", awaited=True)
NEAR_DB = replace(CALLS_DB, max_latency_s=0.001)
CALLED_BY_WEB = CallRule("web", "web", depends=True)


def talking(
    service: str, tasks: int, *calls: CallRule, others: Mapping[str, Mapping[str, int]] | None = None, **fields: Any
) -> TaskGroup:
    return replace(a_group(tasks, service=service, **fields), name=service, calls=calls, others=others or {})


def placed(*groups: TaskGroup, policy: str = "spread") -> Placement:
    return place(a_table(*NODES), groups, policy=policy_of(policy, {}), network=NETWORK)


def nodes_of(placement: Placement, service: str = "web") -> list[str]:
    return [task.node for task in placement.placed if task.task.startswith(f"{service}.")]


def why_not(placement: Placement) -> str:
    (rejection,) = placement.rejected
    return rejection.message


def test_a_limit_keeps_tasks_near_their_dependency() -> None:
    group = talking("web", 3, NEAR_DB, others={"db": {"b0": 1}})

    assert nodes_of(placed(group)) == ["b0", "b1", "b0"]


def test_a_dependency_placed_in_the_same_go_counts() -> None:
    db = a_group(1, service="db", constraints=("node.name == b1",))

    assert nodes_of(placed(db, talking("web", 2, NEAR_DB))) == ["b0", "b1"]


def test_a_task_waits_for_a_dependency_that_has_no_task_on_a_node() -> None:
    assert why_not(placed(talking("web", 1, CALLS_DB))) == (
        "no node fits: 4 nodes: it depends on db, which has no task on a node yet"
    )
    assert why_not(placed(talking("web", 1, CallRule("", "dv")))) == (
        "no node fits: 4 nodes: it depends on dv, and there is no such service"
    )


def test_a_dependency_that_wants_no_tasks_is_not_waited_for() -> None:
    assert nodes_of(placed(talking("web", 2, replace(NEAR_DB, awaited=False)))) == ["a0", "b0"]


def test_a_task_that_fits_nowhere_near_says_so() -> None:
    group = talking("web", 1, NEAR_DB, others={"db": {"b0": 1}}, constraints=("node.zone == a",))

    assert why_not(placed(group)) == (
        "no node fits: 2 nodes: constraint node.zone == a not met (zone is b); 2 nodes: no task of db is within 1 ms"
    )


def test_bandwidth_is_a_limit_too() -> None:
    group = talking("web", 1, replace(CALLS_DB, min_bandwidth_bps=10**9), others={"db": {"b0": 1}})

    assert nodes_of(placed(group)) == ["b0"]


def test_each_new_task_of_a_dependency_is_near_some_dependent_that_has_none_near() -> None:
    called = replace(CALLED_BY_WEB, max_latency_s=0.001)
    group = talking("db", 2, called, others={"web": {"a0": 1, "b1": 1}})

    assert sorted(node[0] for node in nodes_of(placed(group), "db")) == ["a", "b"]


def test_once_every_dependent_has_a_task_near_the_next_one_may_be_anywhere() -> None:
    called = replace(CALLED_BY_WEB, max_latency_s=0.001)
    group = talking("db", 3, called, others={"web": {"a0": 1}}, cpus=4)

    assert nodes_of(placed(group), "db") == ["a0", "b0", "a1"]


def test_the_policy_of_the_network_puts_tasks_beside_what_they_call() -> None:
    group = talking("web", 1, CALLS_DB, others={"db": {"b1": 1}})

    assert nodes_of(placed(group)) == ["a0"]
    assert nodes_of(placed(group, policy="network")) == ["b1"]


def test_more_tasks_than_one_stay_in_the_zone_and_spread_there() -> None:
    group = talking("web", 8, CALLS_DB, others={"db": {"b1": 1}})

    nodes = nodes_of(placed(group, policy="network"))

    assert set(nodes) == {"b0", "b1"}
    assert nodes.count("b1") > nodes.count("b0")


def test_a_dependency_comes_near_its_dependents_and_its_second_task_near_the_others() -> None:
    group = talking("db", 2, CALLED_BY_WEB, others={"web": {"a0": 3, "b0": 2}})

    assert nodes_of(placed(group, policy="network"), "db") == ["a0", "b0"]


def test_more_traffic_draws_more() -> None:
    calls = (replace(CALLS_DB, traffic_bps=10**6), CallRule("cache", "cache", traffic_bps=10**8, awaited=True))
    group = talking("web", 1, *calls, others={"db": {"a0": 1}, "cache": {"b0": 1}})

    assert nodes_of(placed(group, policy="network")) == ["b0"]


def test_where_nothing_is_known_of_the_network_limits_are_passed_over() -> None:
    group = talking("web", 1, NEAR_DB, others={"db": {"b0": 1}})
    unknown = NetworkView(Topology([Place()] * len(NODES)))

    for network in (unknown, None):
        assert nodes_of(place(a_table(*NODES), [group], network=network)) == ["a0"]


def test_the_reason_tells_what_the_network_cost() -> None:
    placement = placed(talking("web", 1, CALLS_DB, others={"db": {"b1": 1}}), policy="network")

    assert placement.placed[0].why.startswith("of 4 nodes that fit: least cost ")
    assert "network 0" in placement.placed[0].why
