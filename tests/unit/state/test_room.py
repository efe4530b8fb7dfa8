"""What was planned is checked again when it is applied: by every replica alike, from the log alone."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okube.manager.placement import plan_placement
from okube.manager.reconcile import plan_service
from okube.model import commands as c
from okube.model.epoch import Epoch
from okube.model.names import new_id
from okube.model.scheduling import Overcommit, Scheduling
from okube.model.task import Task
from okube.model.versions import version_of
from okube.state import StateMachine
from tests.builders import Cluster, a_spec


def _waiting(cluster: Cluster, name: str = "web") -> list[Task]:
    service = cluster.tables.service_named(name)
    assert service is not None
    cluster.apply(*plan_service(cluster.tables, service, cluster.now_ms, lambda: new_id(cluster.rng)))
    return [task for task in cluster.tables.tasks.values() if task.service == name and task.state == "pending"]


def _place(cluster: Cluster, tasks: list[Task], node: str = "w1", *, checked: bool = True) -> None:
    planned_in = cluster.epoch if checked else None
    ports = tuple((8000 + number,) for number, _ in enumerate(tasks))
    ids = tuple(task.id for task in tasks)
    cluster.apply(c.PlaceTasks(ids, (node,) * len(ids), ports, planned_in=planned_in))


def _placed(cluster: Cluster, tasks: list[Task]) -> list[bool]:
    return [cluster.tables.tasks[task.id].state == "scheduled" for task in tasks]


@pytest.mark.parametrize("asked", [{"cpus": 1.5}, {"memory": "3G"}, {"disk": "20G"}])
def test_a_task_for_which_its_node_has_no_room_any_more_stays_pending(asked: dict[str, object]) -> None:
    cluster = Cluster()
    cluster.node("w1", cores=4, memory="8G")
    cluster.put(a_spec(replicas=3, resources=asked))
    tasks = _waiting(cluster)
    _place(cluster, tasks)
    assert _placed(cluster, tasks) == [True, True, False]
    left = cluster.tables.tasks[tasks[2].id]
    assert (left.node, left.reason) == (None, None)


def test_of_a_named_resource_no_more_is_given_out_than_a_node_offers() -> None:
    cluster = Cluster()
    cluster.node("w1", named={"gpu": 3})
    cluster.node("w2")
    cluster.put(a_spec(replicas=3, resources={"gpu": 1, "cpus": 0.1}), a_spec("api", resources={"gpu": 2}))
    web, api = _waiting(cluster), _waiting(cluster, "api")
    _place(cluster, web, "w2")
    assert _placed(cluster, web) == [False, False, False]
    _place(cluster, [*web[:2], *api, web[2]])
    assert _placed(cluster, [*web[:2], *api, web[2]]) == [True, True, False, True]


def test_what_does_not_fit_is_passed_over_and_a_smaller_one_after_it_is_placed() -> None:
    cluster = Cluster()
    cluster.node("w1", cores=4)
    cluster.put(a_spec("large", resources={"cpus": 5}), a_spec("small", resources={"cpus": 4}))
    tasks = [*_waiting(cluster, "large"), *_waiting(cluster, "small")]
    _place(cluster, tasks)
    assert _placed(cluster, tasks) == [False, True]


def test_what_may_be_promised_of_a_node_counts_and_not_what_it_has() -> None:
    cluster = Cluster()
    cluster.node("w1", cores=4)
    cluster.put(a_spec(replicas=3, resources={"cpus": 4}))
    tasks = _waiting(cluster)
    cluster.apply(c.PutScheduling(Scheduling(overcommit=Overcommit(cpus=2.0))))
    _place(cluster, tasks)
    assert _placed(cluster, tasks) == [True, True, False]


def test_of_a_node_that_shrinks_below_what_it_holds_nothing_is_taken_and_nothing_new_comes() -> None:
    cluster = Cluster()
    cluster.node("w1", cores=8)
    cluster.put(a_spec(replicas=4, resources={"cpus": 2}))
    tasks = _waiting(cluster)
    _place(cluster, tasks[:3])
    cluster.node("w1", cores=1)
    _place(cluster, tasks[3:])
    assert _placed(cluster, tasks) == [True, True, True, False]
    assert plan_placement(cluster.tables, cluster.now_ms)[0].__class__ is c.WithdrawTasks
    cluster.plan()
    assert [task.desired for task in cluster.active("web")] == ["run"] * 4


def test_what_a_task_does_not_ask_for_is_no_matter() -> None:
    cluster = Cluster()
    cluster.node("w1", cores=8)
    cluster.put(a_spec("large", resources={"cpus": 8}), a_spec("light", resources={"memory": "8M"}))
    _place(cluster, _waiting(cluster, "large"))
    cluster.node("w1", cores=1)
    light = _waiting(cluster, "light")
    _place(cluster, light)
    assert _placed(cluster, light) == [True]


def test_what_was_planned_in_an_older_epoch_is_not_carried_out() -> None:
    cluster = Cluster()
    cluster.node("w1")
    cluster.put(a_spec())
    tasks = _waiting(cluster)
    planned = c.PlaceTasks((tasks[0].id,), ("w1",), ((),), planned_in=cluster.epoch)
    cluster.epoch = Epoch(1, 2)
    cluster.apply(planned)
    assert _placed(cluster, tasks) == [False]
    cluster.apply(msgspec.structs.replace(planned, planned_in=cluster.epoch))
    assert _placed(cluster, tasks) == [True]


def test_what_an_earlier_okube_proposed_is_applied_as_that_one_applies_it() -> None:
    cluster = Cluster()
    cluster.node("w1", cores=1)
    cluster.put(a_spec(replicas=2, resources={"cpus": 1}))
    tasks = _waiting(cluster)
    _place(cluster, tasks, checked=False)
    assert _placed(cluster, tasks) == [True, True]
    assert version_of(c.PlaceTasks((), (), ())) == 1
    assert version_of(c.PlaceTasks((), (), (), planned_in=Epoch(1, 1))) == 6


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 0.0135, 0.1, 1 / 3, 0.5, 2.0]), st.integers(1, 40)), min_size=1, max_size=4
    ),
    st.lists(st.floats(0.1, 8.0), min_size=1, max_size=3),
    st.floats(0.5, 2.0),
)
def test_whatever_is_planned_from_the_state_as_it_is_fits_and_every_replica_says_the_same(
    services: list[tuple[float, int]], nodes: list[float], most: float
) -> None:
    cluster = Cluster()
    cluster.apply(c.PutScheduling(Scheduling(overcommit=Overcommit(cpus=most))))
    for number, cores in enumerate(nodes):
        cluster.node(f"w{number}", cores=cores)
    for number, (cpus, replicas) in enumerate(services):
        cluster.put(a_spec(f"s{number}", replicas=replicas, resources={"cpus": cpus}))
        _waiting(cluster, f"s{number}")
    for command in plan_placement(cluster.tables, cluster.now_ms):
        if isinstance(command, c.PlaceTasks):
            cluster.apply(msgspec.structs.replace(command, planned_in=cluster.epoch))
            assert all(cluster.tables.tasks[task_id].state == "scheduled" for task_id in command.ids)
    other = StateMachine()
    for index, entry in enumerate(cluster.log):
        other.apply(index + 1, 1, entry)
    assert other.tables.digest.hex() == cluster.tables.digest.hex()
