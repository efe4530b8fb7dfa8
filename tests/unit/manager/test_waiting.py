"""What fits nowhere is looked at again when there is a reason, and only then."""

import asyncio

import msgspec
import pytest

from okube.manager import intake
from okube.manager.placement import plan_placement
from okube.manager.placing import Placing
from okube.manager.slices import at_once
from okube.manager.waiting import Waiting
from okube.model import commands as c
from okube.model.scheduling import Overcommit, Scheduling
from okube.model.task import Task
from tests.builders import Cluster, a_spec
from tests.unit.manager.conftest import Api
from tests.unit.manager.people import until
from tests.unit.manager.test_intake import REGISTRATION

ALL = 1_000_000


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster()
    cluster.node("w1", cores=4)
    return cluster


def _following(cluster: Cluster) -> Waiting:
    waiting = Waiting(cluster.tables)
    at_once(waiting.begin())
    return waiting


def _names(tasks: list[Task]) -> list[str]:
    return [task.name for task in tasks]


def _taken(waiting: Waiting, cluster: Cluster, *, most: int = ALL, measured: bool = False) -> list[str]:
    """What is due; all of it was tried then, and said so."""
    tasks = waiting.take(cluster.now_ms, most=most, measured=measured)
    cluster.apply(*plan_placement(cluster.tables, cluster.now_ms))
    return _names(tasks)


def test_a_thousand_services_that_fit_nowhere_are_tried_once(cluster: Cluster) -> None:
    waiting = _following(cluster)
    cluster.put(*(a_spec(f"s{number}", resources={"cpus": 64}) for number in range(1000)))
    cluster.plan()
    assert len(_taken(waiting, cluster)) == 1000
    cluster.plan()
    assert not waiting.is_any_due
    assert _taken(waiting, cluster) == []


def test_a_new_service_is_tried_and_not_the_others(cluster: Cluster) -> None:
    waiting = _following(cluster)
    cluster.put(a_spec("large", replicas=2, resources={"cpus": 64}))
    cluster.plan()
    assert _taken(waiting, cluster) == ["large.1", "large.2"]
    cluster.put(a_spec("small", replicas=2))
    cluster.plan()
    cluster.put(a_spec("other", resources={"cpus": 65}))
    cluster.plan()
    assert _taken(waiting, cluster) == ["other.1"]
    cluster.scale("large", 3)
    cluster.plan()
    assert _taken(waiting, cluster) == ["large.1", "large.2", "large.3"]  # the service itself is another


def test_whatever_can_make_room_is_a_reason_for_all(cluster: Cluster) -> None:
    waiting = _following(cluster)
    cluster.put(a_spec("small"), a_spec("large", resources={"cpus": 64}))
    cluster.settle()
    waits = ["large.1"]
    _taken(waiting, cluster)
    cluster.node("w2", cores=8)
    assert _taken(waiting, cluster) == waits
    cluster.apply(c.UpdateNode("w2", labels={"disk": "ssd"}))
    assert _taken(waiting, cluster) == waits
    cluster.apply(c.PutScheduling(Scheduling(overcommit=Overcommit(cpus=1.5))))
    assert _taken(waiting, cluster) == waits
    cluster.report(cluster.active("small")[0], state="completed", reason="exited", exit_code=0)
    assert "large.1" in _taken(waiting, cluster)
    cluster.put(a_spec("large", resources={"cpus": 63}))
    cluster.settle()
    assert "large.1" in _taken(waiting, cluster)
    waiting.look_again()
    assert _taken(waiting, cluster) == waits


def test_a_task_that_was_placed_is_a_reason_for_those_that_mind_others(cluster: Cluster) -> None:
    waiting = _following(cluster)
    cluster.put(
        a_spec("near", affinity=["web"], resources={"cpus": 64}),
        a_spec("after", depends_on=[{"service": "web"}], resources={"cpus": 64}),
        a_spec("large", resources={"cpus": 64}),
    )
    cluster.plan()
    _taken(waiting, cluster)
    assert not waiting.is_any_due
    cluster.put(a_spec("web", replicas=0))
    _taken(waiting, cluster)
    cluster.scale("web", 1)
    cluster.plan()
    assert cluster.active("web")[0].node == "w1"
    assert sorted(_taken(waiting, cluster)) == ["after.1", "near.1"]


def test_what_is_measured_is_looked_at_again_for_those_that_talk_alone(cluster: Cluster) -> None:
    waiting = _following(cluster)
    cluster.put(
        a_spec("web", replicas=0),
        a_spec("near", depends_on=[{"service": "web", "max_latency": "1ms"}], resources={"cpus": 64}),
        a_spec("large", resources={"cpus": 64}),
    )
    cluster.plan()
    _taken(waiting, cluster)
    assert _taken(waiting, cluster, measured=True) == ["near.1"]


def test_of_many_so_many_are_taken_and_each_once(cluster: Cluster) -> None:
    waiting = _following(cluster)
    cluster.put(a_spec("a", replicas=7, resources={"cpus": 64}), a_spec("b", replicas=2, resources={"cpus": 64}))
    cluster.plan()
    assert waiting.backlog == 9
    parts = [_names(waiting.take(cluster.now_ms, most=4)) for _ in range(4)]
    assert [len(part) for part in parts] == [4, 4, 1, 0]
    assert len({name for part in parts for name in part}) == 9


def test_a_task_that_backs_off_is_due_when_its_moment_comes(cluster: Cluster) -> None:
    waiting = _following(cluster)
    cluster.put(a_spec("web"))
    cluster.plan()
    cluster.report(cluster.active("web")[0], state="failed", reason="start-failed", message="no such program")
    cluster.plan()
    due_ms = waiting.next_start_ms(cluster.now_ms)
    assert due_ms is not None
    assert _names(waiting.take(cluster.now_ms, most=ALL)) == []
    assert _names(waiting.take(due_ms, most=ALL)) == ["web.1"]
    assert waiting.next_start_ms(due_ms) is None


def test_what_fitted_nowhere_waits_anew_once_a_node_that_went_down_with_its_own_is_back(cluster: Cluster) -> None:
    cluster.node("w2", cores=4)
    cluster.put(a_spec("web", replicas=2))
    cluster.settle()
    (on_w2,) = [task for task in cluster.active("web") if task.node == "w2"]
    waiting = _following(cluster)
    for name in ("w1", "w2"):
        cluster.node_down(name)
    cluster.plan()
    assert sorted(_taken(waiting, cluster)) == ["web.1", "web.2"]  # both had their try: there is no node for them

    cluster.now_ms += 60_000
    cluster.node_back("w1")
    assert _names(waiting.take(cluster.now_ms, most=ALL)) == []  # w2 may be back in a moment too
    due_ms = waiting.next_start_ms(cluster.now_ms)
    assert due_ms is not None
    assert [task.replaces for task in waiting.take(due_ms, most=ALL)] == [on_w2.id]


def test_what_was_planned_and_not_carried_out_is_tried_again(cluster: Cluster) -> None:
    waiting = _following(cluster)
    cluster.put(a_spec("web", replicas=2))
    service = cluster.tables.services[cluster.tables.service_ids["web"]]
    cluster.apply(c.CreateTasks(service.id, 1, ("t1", "t2"), (1, 2), (0, 0), (0, 0), (None, None), (None, None)))
    assert _names(waiting.take(cluster.now_ms, most=ALL)) == ["web.1", "web.2"]
    cluster.apply(c.PlaceTasks(("t1",), ("w1",), ((),)))
    waiting.try_again(["t1", "t2"])
    assert _names(waiting.take(cluster.now_ms, most=ALL)) == ["web.2"]


def test_whoever_begins_in_the_middle_finds_what_waits(cluster: Cluster) -> None:
    cluster.put(a_spec("large", replicas=3, resources={"cpus": 64}))
    cluster.plan()
    waiting = _following(cluster)
    assert len(_taken(waiting, cluster)) == 3
    at_once(waiting.begin())
    assert len(_taken(waiting, cluster)) == 3
    cluster.apply(c.DeleteServices(("large",)))
    cluster.plan()
    assert not waiting.is_any_due
    waiting.close()


async def _quiet(placing: Placing, api: Api) -> int:
    """How many plans were made by the time the loop has nothing to do."""
    while True:
        before = placing.plans, api.core.tables.revision
        await asyncio.sleep(0.1)
        if before == (placing.plans, api.core.tables.revision):
            return placing.plans


async def test_the_loop_plans_for_a_reason_and_for_no_other(api: Api) -> None:
    await until(lambda: api.reign.leader is not None)
    leader = api.reign.leader
    assert leader is not None
    await intake.register(api.core, leader, REGISTRATION)
    specs = tuple(a_spec(f"s{number}", resources={"cpus": 64}) for number in range(100))
    await api.core.submit(c.PutServices(specs, tuple(f"id{number}" for number in range(100)), "create"))
    await until(lambda: len(api.core.tables.tasks) == 100)
    await until(lambda: all(task.reason == "no-fit" for task in api.core.tables.tasks.values()))
    plans = await _quiet(leader.placing, api)
    for _ in range(20):
        leader.changes.placement_changed.set()
        await asyncio.sleep(0)
    assert leader.placing.plans == plans
    second = msgspec.structs.replace(REGISTRATION, node="w2", instance="i2", address="192.0.2.2:7201", cores=8.0)
    await intake.register(api.core, leader, second)
    assert await _quiet(leader.placing, api) > plans
