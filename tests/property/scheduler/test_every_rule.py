"""With every kind of rule at once, under every policy and any weights: what must hold, holds for each task."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okube.model.scheduling import POLICIES
from okube.scheduler import policy_of
from tests.property.scheduler.replay import Replay
from tests.property.scheduler.worlds import World, weights, worlds


@pytest.mark.parametrize("name", POLICIES)
@settings(max_examples=50, deadline=None)
@given(world=worlds(), weighed=weights)
def test_each_task_fits_where_it_goes_and_those_left_over_fit_nowhere(
    name: str, world: World, weighed: Mapping[str, float]
) -> None:
    placement = world.place(policy_of(name, weighed))

    placed = {task.task: task for task in placement.placed}
    cluster = Replay(world)
    for group in world.groups:
        for task in group.tasks:
            if task in placed:
                assert cluster.fits(group, task, placed[task].node), task
                assert cluster.take(group, placed[task].node) == placed[task].host_ports
            else:
                assert [node for node in cluster.machines if cluster.fits(group, task, node)] == [], task


@pytest.mark.parametrize("name", POLICIES)
@settings(max_examples=20, deadline=None)
@given(world=worlds(), weighed=weights)
def test_each_task_has_one_fate_told_once_and_the_same_one_each_time(
    name: str, world: World, weighed: Mapping[str, float]
) -> None:
    placement = world.place(policy_of(name, weighed))

    assert world.place(policy_of(name, weighed)) == placement
    told = [task.task for task in placement.placed] + [task for lot in placement.rejected for task in lot.tasks]
    assert sorted(told) == sorted(task for group in world.groups for task in group.tasks)


@settings(max_examples=40, deadline=None)
@given(worlds(), st.sampled_from(POLICIES), weights)
def test_with_one_node_and_one_group_there_is_nothing_to_choose(
    world: World, name: str, weighed: Mapping[str, float]
) -> None:
    alone = replace(world, nodes=world.nodes[:1], groups=world.groups[:1])

    assert alone.place(policy_of(name, weighed)) == alone.place(policy_of("spread", {}))
