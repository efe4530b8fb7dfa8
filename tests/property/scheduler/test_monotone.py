"""What gets free, or is asked for less, never makes a task unplaceable while everything else stays where it is."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okube.model.scheduling import POLICIES
from okube.scheduler import TaskGroup, policy_of
from tests.property.scheduler.worlds import World, worlds
from tests.unit.scheduler.builders import Node

_NODES: dict[str, Callable[[Node], Node]] = {
    "cores are freed": lambda node: replace(node, cores_used=0.0),
    "memory is freed": lambda node: replace(node, memory_used=0),
    "disk is freed": lambda node: replace(node, disk_used=0),
    "it is larger": lambda node: replace(node, cores=node.cores + 1, memory=node.memory + 5, disk=node.disk + 5),
    "its ports are free": lambda node: replace(node, ports=frozenset()),
    "its tasks are gone": lambda node: replace(node, tasks=0),
    "it is ready": lambda node: replace(node, ready=True),
    "it is active": lambda node: replace(node, availability="active"),
}
_TASKS: dict[str, Callable[[TaskGroup], TaskGroup]] = {
    "fewer cores": lambda group: replace(group, cpus=group.cpus / 2),
    "less memory": lambda group: replace(group, memory=0),
    "no ports": lambda group: replace(group, ports=()),
    "no constraints": lambda group: replace(group, constraints=()),
    "no pin": lambda group: replace(group, pinned={}),
    "any number a node": lambda group: replace(group, max_per_node=0),
    "no company": lambda group: replace(group, company=()),
    "no limits": lambda group: replace(
        group, calls=tuple(replace(rule, max_latency_s=None, min_bandwidth_bps=0) for rule in group.calls)
    ),
    "looser limits": lambda group: replace(
        group, calls=tuple(replace(rule, max_latency_s=9.0 if rule.max_latency_s else None) for rule in group.calls)
    ),
    "other wishes": lambda group: replace(group, prefer=(("node.zone == rack-b", 100),)),
}


@st.composite
def single_tasks(draw: st.DrawFn) -> World:
    """A world in which one task is to be placed, and can be; or none."""
    world = draw(worlds())
    world = replace(world, nodes=(*world.nodes, Node("w8", disk=5, memory=9, zone="rack-b", labels={"disk": "ssd"})))
    alone = (replace(world, groups=(replace(group, tasks=group.tasks[:1]),)) for group in world.groups)
    can_be = (each for each in alone if each.place(policy_of("spread", {})).placed)
    return next(can_be, replace(world, groups=()))


@pytest.mark.parametrize("name", POLICIES)
@settings(max_examples=15, deadline=None)
@given(world=single_tasks(), change=st.sampled_from(sorted(_NODES)), which=st.integers(0, 6))
def test_a_task_that_fits_still_fits_once_a_node_has_more_to_give(
    name: str, world: World, change: str, which: int
) -> None:
    nodes = list(world.nodes)
    nodes[which % len(nodes)] = _NODES[change](nodes[which % len(nodes)])

    assert replace(world, nodes=tuple(nodes)).place(policy_of(name, {})).rejected == []


@pytest.mark.parametrize("name", POLICIES)
@settings(max_examples=15, deadline=None)
@given(world=single_tasks(), change=st.sampled_from(sorted(_TASKS)))
def test_a_task_that_fits_still_fits_once_it_asks_for_less(name: str, world: World, change: str) -> None:
    eased = replace(world, groups=tuple(map(_TASKS[change], world.groups)))

    assert eased.place(policy_of(name, {})).rejected == []


@pytest.mark.parametrize("name", POLICIES)
@settings(max_examples=8, deadline=None)
@given(world=single_tasks())
def test_a_task_that_fits_still_fits_once_there_is_another_node(name: str, world: World) -> None:
    larger = replace(world, nodes=(*world.nodes, Node("w99", zone="rack-a")))

    assert larger.place(policy_of(name, {})).rejected == []
