from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from okube.scheduler import Placement, TaskGroup, place
from tests.property.scheduler.reference import Machine, place_slowly
from tests.property.scheduler.strategies import PORT_RANGE, clusters, group_lists
from tests.unit.scheduler.builders import Node, a_group, a_table


def placing(nodes: list[Node], groups: list[TaskGroup]) -> Placement:
    return place(a_table(*nodes), groups, port_range=PORT_RANGE)


def after(nodes: list[Node], groups: list[TaskGroup], placement: Placement) -> dict[str, Machine]:
    """The nodes with all placed tasks on them, ports as the placement gave them."""
    machines = {node.name: Machine.of(node) for node in nodes}
    group_of = {task: group for group in groups for task in group.tasks}
    for placed in placement.placed:
        machine, group = machines[placed.node], group_of[placed.task]
        machine.take(group, PORT_RANGE)
    return machines


@settings(max_examples=250, deadline=None)
@given(clusters(), group_lists())
def test_placing_many_at_once_equals_placing_one_by_one(nodes: list[Node], groups: list[TaskGroup]) -> None:
    placement = placing(nodes, groups)

    placed, rejected = place_slowly(nodes, groups, PORT_RANGE)
    assert [(task.task, task.node, task.host_ports) for task in placement.placed] == placed
    assert sorted(task for rejection in placement.rejected for task in rejection.tasks) == sorted(rejected)


@settings(max_examples=60, deadline=None)
@given(clusters(), group_lists())
def test_every_task_is_placed_or_rejected_once(nodes: list[Node], groups: list[TaskGroup]) -> None:
    placement = placing(nodes, groups)

    told = [task.task for task in placement.placed] + [task for lot in placement.rejected for task in lot.tasks]
    assert sorted(told) == sorted(task for group in groups for task in group.tasks)


@settings(max_examples=60, deadline=None)
@given(clusters(), group_lists())
def test_no_node_is_filled_beyond_what_it_has(nodes: list[Node], groups: list[TaskGroup]) -> None:
    before = {node.name: Machine.of(node) for node in nodes}

    for name, machine in after(nodes, groups, placing(nodes, groups)).items():
        for used, used_before, total in zip(machine.used, before[name].used, machine.total, strict=True):
            assert used == used_before or used <= total


@settings(max_examples=60, deadline=None)
@given(clusters(), group_lists())
def test_no_host_port_is_given_twice_on_a_node(nodes: list[Node], groups: list[TaskGroup]) -> None:
    protocols = {task: [port.protocol for port in group.ports] for group in groups for task in group.tasks}
    taken = Counter((node.name, *port) for node in nodes for port in node.ports)

    for task in placing(nodes, groups).placed:
        taken.update((task.node, *port) for port in zip(task.host_ports, protocols[task.task], strict=True))

    assert all(times == 1 for times in taken.values())


@settings(max_examples=60, deadline=None)
@given(clusters(), group_lists())
def test_no_task_is_on_a_node_that_a_filter_refuses(nodes: list[Node], groups: list[TaskGroup]) -> None:
    machines = {node.name: Machine.of(node) for node in nodes}
    group_of = {task: group for group in groups for task in group.tasks}

    for task in placing(nodes, groups).placed:
        group = group_of[task.task]
        assert machines[task.node].fits(group, PORT_RANGE)
        assert group.pinned.get(task.task, task.node) == task.node


@settings(max_examples=60, deadline=None)
@given(clusters(), group_lists())
def test_nothing_is_rejected_while_a_node_fits(nodes: list[Node], groups: list[TaskGroup]) -> None:
    placement = placing(nodes, groups)

    machines = after(nodes, groups, placement)
    group_of = {task: group for group in groups for task in group.tasks}
    for task in (task for rejection in placement.rejected for task in rejection.tasks):
        pinned = group_of[task].pinned.get(task)
        fitting = [name for name, machine in machines.items() if machine.fits(group_of[task], PORT_RANGE)]
        assert fitting == [] if pinned is None else pinned not in fitting


@settings(max_examples=60, deadline=None)
@given(clusters(), group_lists())
def test_every_node_has_a_reason_in_the_sentence(nodes: list[Node], groups: list[TaskGroup]) -> None:
    for rejection in placing(nodes, groups).rejected:
        if not nodes:
            assert rejection.message == "there are no nodes"
            continue
        reasons = rejection.message.removeprefix("no node fits: ")
        assert reasons != rejection.message
        if not reasons.startswith("it may run only on "):
            assert sum(int(reason.split(" node", 1)[0]) for reason in reasons.split("; ")) == len(nodes)


@settings(max_examples=60, deadline=None)
@given(clusters(), group_lists(), st.randoms(use_true_random=False))
def test_equal_input_gives_equal_placement(nodes: list[Node], groups: list[TaskGroup], chance: object) -> None:
    shuffled = sorted(nodes, key=lambda _: chance.random())  # type: ignore[attr-defined]  # a random.Random

    assert placing(nodes, groups) == placing(shuffled, groups)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 30), st.integers(0, 200), st.integers(1, 4))
def test_tasks_spread_within_one_over_equal_empty_nodes(count: int, tasks: int, zones: int) -> None:
    nodes = [Node(f"w{number:02}", cores=1000, zone=f"rack-{number % zones}") for number in range(count)]

    placement = place(a_table(*nodes), [a_group(tasks, cpus=1)])

    on_node = Counter({node.name: 0 for node in nodes})
    on_node.update(task.node for task in placement.placed)
    assert on_node.total() == tasks
    assert max(on_node.values()) - min(on_node.values()) <= 1


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 60))
def test_tasks_spread_within_one_over_equal_zones(zones: int, each: int, tasks: int) -> None:
    nodes = [Node(f"w{number:02}", cores=1000, zone=f"rack-{number // each}") for number in range(zones * each)]
    zone_of = {node.name: node.zone for node in nodes}

    placement = place(a_table(*nodes), [a_group(tasks, cpus=1)])

    in_zone = Counter(dict.fromkeys(zone_of.values(), 0))
    in_zone.update(zone_of[task.node] for task in placement.placed)
    assert max(in_zone.values()) - min(in_zone.values()) <= 1
