from dataclasses import replace

from hypothesis import given, settings

from okube.scheduler import Policy, policy_of, survey
from okube.scheduler.network import NetworkView
from tests.property.scheduler.strategies import PORT_RANGE
from tests.property.scheduler.worlds import World, policies, worlds
from tests.unit.scheduler.builders import Node, a_group, a_table


def test_each_filter_tells_how_many_nodes_fell_to_it_and_why() -> None:
    nodes = [
        Node("a", ready=False),
        Node("b", cores=1),
        Node("c", cores=2, cores_used=1),
        Node("d", zone="x"),
        Node("e"),
    ]
    found = survey(a_table(*nodes), a_group(cpus=2, constraints=("node.zone == x",)))
    assert [(each.filter, each.nodes, each.reason) for each in found.fallen] == [
        ("ready", 1, "down"),
        ("constraints", 3, "constraint node.zone == x not met (zone is not set)"),
    ]
    assert (found.nodes, found.fitting) == (5, 1)


def test_the_best_nodes_are_told_term_by_term_and_the_tasks_own_in_any_case() -> None:
    nodes = [Node(f"w{n}", cores_used=n / 2) for n in range(7)]
    found = survey(a_table(*nodes), a_group(cpus=0.5), policy=policy_of("binpack", {"balance": 2.0}), most=2, also="w0")
    assert [(each.place, each.node, each.cost) for each in found.standings] == [
        (1, "w6", 14.25),
        (2, "w5", 26.5),
        (7, "w0", 87.75),
    ]
    assert found.standings[0].terms == (("binpack", 12.5), ("balance", 1.75))


@settings(max_examples=80, deadline=None)
@given(worlds(), policies)
def test_who_comes_first_is_who_gets_the_task(world: World, policy: Policy) -> None:
    table, view = a_table(*world.nodes), NetworkView(world.topology())
    for group in world.groups:
        one = replace(group, tasks=("t",), pinned={}, avoid={})
        found = survey(table, one, policy=policy, port_range=PORT_RANGE, network=view)
        placed = replace(world, groups=(one,)).place(policy).placed
        assert [task.node for task in placed] == [each.node for each in found.standings[:1]]
        assert found.fitting + sum(each.nodes for each in found.fallen) == len(world.nodes)
