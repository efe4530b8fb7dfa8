from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from okube.scheduler import CompanyRule, Placement, TaskGroup, place
from tests.unit.scheduler.builders import Node, a_group, a_table

RACKS = [Node("a0", zone="a"), Node("a1", zone="a"), Node("b0", zone="b"), Node("b1", zone="b")]
NEAR_DB = CompanyRule("db", "db")
APART_FROM_DB = CompanyRule("db", "db", apart=True)


def a_rule_group(
    tasks: int = 1, *rules: CompanyRule, others: Mapping[str, Mapping[str, int]] | None = None, **fields: Any
) -> TaskGroup:
    return replace(a_group(tasks), name="web", company=rules, others=others or {}, **fields)


def nodes_of(placement: Placement) -> list[str]:
    return [task.node for task in placement.placed]


def why_not(placement: Placement) -> str:
    (rejection,) = placement.rejected
    return rejection.message


def test_tasks_go_only_where_those_they_must_be_near_are() -> None:
    group = a_rule_group(3, NEAR_DB, others={"db": {"b0": 1, "gone": 1}})
    assert nodes_of(place(a_table(*RACKS), [group])) == ["b0", "b0", "b0"]


def test_near_within_a_zone_is_any_node_of_that_zone() -> None:
    group = a_rule_group(2, replace(NEAR_DB, within="zone"), others={"db": {"b0": 1}})
    assert nodes_of(place(a_table(*RACKS), [group])) == ["b0", "b1"]


def test_who_was_placed_in_the_same_go_counts() -> None:
    groups = [a_group(1, service="db", constraints=("node.name == a1",)), a_rule_group(1, NEAR_DB)]
    assert nodes_of(place(a_table(*RACKS), groups)) == ["a1", "a1"]


def test_a_task_that_must_be_near_nobody_yet_waits_and_says_so() -> None:
    assert why_not(place(a_table(*RACKS), [a_rule_group(1, NEAR_DB)])) == (
        "no node fits: 4 nodes: affinity: no task of db has a node yet"
    )
    assert why_not(place(a_table(*RACKS), [a_rule_group(1, CompanyRule("", "dv"))])) == (
        "no node fits: 4 nodes: affinity: there is no service dv"
    )


def test_tasks_keep_off_the_nodes_and_zones_of_whom_they_are_apart_from() -> None:
    others = {"db": {"a0": 1}}
    assert nodes_of(place(a_table(*RACKS), [a_rule_group(4, APART_FROM_DB, others=others)])) == ["a1", "b0", "b1", "a1"]
    zone = replace(APART_FROM_DB, within="zone")
    assert nodes_of(place(a_table(*RACKS), [a_rule_group(2, zone, others=others)])) == ["b0", "b1"]


def test_a_service_apart_from_itself_has_one_task_a_node_or_a_zone() -> None:
    own = CompanyRule("web", "web", apart=True)
    placement = place(a_table(*RACKS), [a_rule_group(5, own)])
    assert sorted(nodes_of(placement)) == ["a0", "a1", "b0", "b1"]
    assert why_not(placement) == "no node fits: 4 nodes: anti-affinity: a task of web is on it"
    assert nodes_of(place(a_table(*RACKS), [a_rule_group(3, replace(own, within="zone"))])) == ["a0", "b0"]


def test_a_service_near_itself_follows_its_first_task() -> None:
    own = CompanyRule("web", "web", within="zone")
    assert nodes_of(place(a_table(*RACKS), [a_rule_group(3, own)])) == ["a0", "a1", "a0"]
    assert nodes_of(place(a_table(*RACKS), [a_rule_group(1, own, placed={"b1": 1})])) == ["b0"]


def test_who_keeps_apart_is_kept_apart_from() -> None:
    theirs = CompanyRule("db", "db", apart=True, theirs=True)
    placement = place(a_table(Node("a")), [a_rule_group(1, theirs, others={"db": {"a": 2}})])
    assert why_not(placement) == "no node fits: 1 node: a task of db is on it, which keeps apart from web"


def test_no_node_gets_more_of_a_service_than_it_wants_there() -> None:
    placement = place(a_table(Node("a"), Node("b")), [a_rule_group(5, max_per_node=2, placed={"a": 1})])
    assert sorted(nodes_of(placement)) == ["a", "b", "b"]
    assert why_not(placement) == "no node fits: 2 nodes: max_per_node 2 reached"


def test_nodes_that_fulfil_a_wish_come_first_while_they_have_room() -> None:
    nodes = [Node("a"), Node("b", cores=2, labels={"disk": "ssd"}), Node("c")]
    group = replace(a_group(4, cpus=1), prefer=(("node.labels.disk == ssd", 100),))
    assert nodes_of(place(a_table(*nodes), [group])) == ["b", "b", "a", "c"]


def test_a_faint_wish_gives_way_to_spreading() -> None:
    nodes = [Node("a"), Node("b", labels={"disk": "ssd"})]
    group = replace(a_group(2), prefer=(("node.labels.disk == ssd", 1),))
    assert nodes_of(place(a_table(*nodes), [group])) == ["b", "a"]


def test_the_weightier_wish_counts_and_the_reason_says_so() -> None:
    nodes = [Node("a", labels={"gpu": "yes"}), Node("b", zone="b")]
    wishes = (("node.labels.gpu == yes", 20), ("node.zone == b", 60))
    placement = place(a_table(*nodes), [replace(a_group(1), prefer=wishes)])
    assert nodes_of(placement) == ["b"]
    assert placement.placed[0].why.startswith("of 2 nodes that fit: least cost 200 (preference 200,")


def test_company_with_a_weight_is_a_wish() -> None:
    others = {"db": {"a0": 1}}
    near = a_rule_group(1, replace(NEAR_DB, weight=50), others=others, cpus=1.0)
    assert nodes_of(place(a_table(replace(RACKS[0], cores=0.5), *RACKS[1:]), [near])) == ["a1"]
    assert nodes_of(place(a_table(*RACKS), [near])) == ["a0"]
    apart = a_rule_group(1, CompanyRule("db", "db", "zone", apart=True, weight=50), others=others)
    assert nodes_of(place(a_table(*RACKS), [apart])) == ["b0"]


def test_a_wish_that_cannot_be_read_rejects_its_group() -> None:
    placement = place(a_table(Node("a")), [replace(a_group(1), prefer=(("node.color == red", 5),))])
    assert "node.color == red" in why_not(placement)
