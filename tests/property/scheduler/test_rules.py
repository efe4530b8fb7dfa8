"""Whatever a policy weighs and whatever rules services have: what must hold, holds."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from okube.model.scheduling import POLICIES
from okube.scheduler import CompanyRule, Placement, Policy, TaskGroup, place, policy_of
from okube.scheduler.policies import SCORES
from tests.property.scheduler.reference import Machine
from tests.property.scheduler.strategies import NAMES, PORT_RANGE, clusters, group_lists
from tests.unit.scheduler.builders import Node, a_table

_weights = st.dictionaries(st.sampled_from(sorted(SCORES)), st.sampled_from([0.0, 0.5, 7.0, 1000.0]), max_size=4)
policies = st.builds(policy_of, st.sampled_from(POLICIES), _weights)


@st.composite
def a_rule(draw: st.DrawFn) -> CompanyRule:
    service = draw(st.sampled_from(["web", "db"]))
    weight = draw(st.sampled_from([None, None, 10, 100]))
    return CompanyRule(service, service, draw(st.sampled_from(["node", "zone"])), draw(st.booleans()), weight)


@st.composite
def ruled_groups(draw: st.DrawFn) -> list[TaskGroup]:
    placed: Mapping[str, Mapping[str, int]] = {
        service: draw(st.dictionaries(st.sampled_from(NAMES), st.integers(1, 2), max_size=3))
        for service in ("web", "db")
    }
    return [
        replace(
            group,
            placed=placed[group.service],
            others=placed,
            company=tuple(draw(st.lists(a_rule(), max_size=2))),
            prefer=draw(st.sampled_from([(), (("node.labels.disk == ssd", 40), ("node.zone != rack-a", 80))])),
            max_per_node=draw(st.sampled_from([0, 0, 1, 2])),
        )
        for group in draw(group_lists())
    ]


def placing(nodes: list[Node], groups: list[TaskGroup], policy: Policy) -> Placement:
    return place(a_table(*nodes), groups, port_range=PORT_RANGE, policy=policy)


@settings(max_examples=120, deadline=None)
@given(clusters(), ruled_groups(), policies)
def test_no_task_is_where_a_filter_or_a_rule_refuses_it(
    nodes: list[Node], groups: list[TaskGroup], policy: Policy
) -> None:
    placement = placing(nodes, groups, policy)

    machines = {node.name: Machine.of(node) for node in nodes}
    zone_of = {node.name: node.zone for node in nodes}
    counts = {
        service: Counter({n: c for g in groups[:1] for n, c in g.others[service].items() if n in machines})
        for service in ("web", "db")
    }
    group_of = {task: group for group in groups for task in group.tasks}
    for task in placement.placed:
        group = group_of[task.task]
        assert machines[task.node].fits(group, PORT_RANGE)
        for rule in group.company:
            if rule.weight is None:
                assert keeps(rule, counts[rule.service], task.node, zone_of, own=rule.service == group.service)
        machines[task.node].take(group, PORT_RANGE)
        counts[group.service][task.node] += 1
        assert not group.max_per_node or counts[group.service][task.node] <= group.max_per_node


def keeps(rule: CompanyRule, counts: Counter[str], node: str, zone_of: Mapping[str, str], *, own: bool) -> bool:
    near = [n for n in zone_of if n == node or (rule.within == "zone" and zone_of[n] == zone_of[node])]
    present = any(counts[n] for n in near)
    if rule.apart:
        return not present
    return present or (own and not any(counts.values()))


@settings(max_examples=60, deadline=None)
@given(clusters(), ruled_groups(), policies)
def test_every_task_is_placed_or_rejected_once_by_any_policy(
    nodes: list[Node], groups: list[TaskGroup], policy: Policy
) -> None:
    placement = placing(nodes, groups, policy)

    told = [task.task for task in placement.placed] + [task for lot in placement.rejected for task in lot.tasks]
    assert sorted(told) == sorted(task for group in groups for task in group.tasks)


@settings(max_examples=60, deadline=None)
@given(clusters(), ruled_groups(), policies)
def test_all_policies_place_as_many_of_one_group_on_one_node(
    nodes: list[Node], groups: list[TaskGroup], policy: Policy
) -> None:
    """With one node and one group there is nothing to choose, so no policy may refuse what another one takes."""
    usual = placing(nodes[:1], groups[:1], policy_of("spread", {}))
    assert len(placing(nodes[:1], groups[:1], policy).placed) == len(usual.placed)


@settings(max_examples=60, deadline=None)
@given(clusters(), ruled_groups(), policies)
def test_equal_arguments_give_equal_placements(nodes: list[Node], groups: list[TaskGroup], policy: Policy) -> None:
    assert placing(nodes, groups, policy) == placing(nodes[::-1], groups, policy)
