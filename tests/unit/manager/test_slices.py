"""Long work comes in parts."""

import asyncio
from collections.abc import Generator

from okube.manager.placement import plan_placement, plan_placement_in_slices
from okube.manager.reconcile import plan_service, plan_service_in_slices
from okube.manager.slices import at_once, batches, in_turns
from okube.model import commands as c
from okube.model.names import new_id
from tests.builders import Cluster, a_spec


def _work(parts: int) -> Generator[None, None, int]:
    for _ in range(parts):
        yield
    return parts


def test_work_gives_its_result_with_its_pauses_or_without() -> None:
    assert at_once(_work(3)) == 3
    assert asyncio.run(in_turns(_work(3))) == 3


async def test_others_get_their_turn_in_the_pauses() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.ensure_future(other())
    await in_turns(_work(10))
    task.cancel()
    assert turns >= 10


def test_commands_come_in_batches_of_about_so_many_rows_and_in_their_order() -> None:
    commands: list[c.Command] = [c.StopTasks(tuple(f"{n}-{k}" for k in range(400)), "stopped") for n in range(5)]
    commands.append(c.UpdateNode("w1"))
    made = list(batches(commands, 1000))
    assert [len(batch) for batch in made] == [2, 2, 2]
    assert [command for batch in made for command in batch] == commands
    assert list(batches([], 1000)) == []


def test_a_large_service_is_planned_and_placed_in_slices() -> None:
    cluster = Cluster()
    for number in range(10):
        cluster.node(f"w{number}", cores=64)
    cluster.put(a_spec(replicas=5000))
    (service,) = cluster.tables.services.values()
    work = plan_service_in_slices(cluster.tables, service, cluster.now_ms, lambda: new_id(cluster.rng))
    pauses = 0
    try:
        while True:
            next(work)
            pauses += 1
    except StopIteration as done:
        commands = done.value.commands
    assert pauses >= 9
    assert sum(len(command.ids) for command in commands) == 5000
    cluster.apply(*commands)
    assert len(list(plan_placement_in_slices(cluster.tables, cluster.now_ms))) >= 1


def test_a_plan_of_placement_survives_that_its_tasks_vanish_while_it_is_made() -> None:
    cluster = Cluster()
    cluster.node("w1", cores=1)
    cluster.put(a_spec(replicas=3, resources={"cpus": 2}))
    (service,) = cluster.tables.services.values()
    cluster.apply(*plan_service(cluster.tables, service, cluster.now_ms, lambda: new_id(cluster.rng)))
    work = plan_placement_in_slices(cluster.tables, cluster.now_ms)
    next(work)
    cluster.apply(c.DeleteServices(("web",)))
    assert at_once(work) == []


def test_of_a_service_with_many_tasks_that_is_removed_nothing_is_left() -> None:
    cluster = Cluster()
    for number in range(10):
        cluster.node(f"w{number}", cores=64)
    cluster.put(a_spec(replicas=2500))
    cluster.settle()
    cluster.scale("web", 1700)
    cluster.settle()
    cluster.node_down("w1")
    cluster.apply(c.DeleteServices(("web",)))
    assert len(cluster.tables.tasks) > 1000
    cluster.settle()
    assert not cluster.tables.tasks
    assert not cluster.tables.specs
    assert not cluster.tables.living_in_slot
    assert not cluster.tables.ended_in_slot


def test_pending_tasks_of_a_service_that_is_gone_are_not_placed() -> None:
    cluster = Cluster()
    cluster.node("w1", cores=10000)
    cluster.put(a_spec(replicas=1200))
    (service,) = cluster.tables.services.values()
    cluster.apply(*plan_service(cluster.tables, service, cluster.now_ms, lambda: new_id(cluster.rng)))
    cluster.apply(c.DeleteServices(("web",)))
    assert len(cluster.tables.tasks) == 200
    assert plan_placement(cluster.tables, cluster.now_ms) == []
