"""A service ends with exactly the tasks it asks for, whatever happens to them."""

from okube.manager.reconcile import plan_service
from okube.model import commands as c
from okube.model.names import new_id
from okube.state.queries import view_of_service, view_of_task
from tests.builders import Cluster, a_spec


def test_a_new_service_gets_its_tasks_spread_over_the_nodes(cluster: Cluster) -> None:
    cluster.put(a_spec(replicas=6))
    cluster.settle()
    assert [t.slot for t in cluster.ready("web")] == [1, 2, 3, 4, 5, 6]
    assert sorted(t.node or "" for t in cluster.ready("web")) == ["w1", "w1", "w2", "w2", "w3", "w3"]


def test_planning_twice_proposes_nothing_new(cluster: Cluster) -> None:
    cluster.put(a_spec(replicas=3))
    cluster.settle()
    revision = cluster.tables.revision
    assert not cluster.plan()
    assert cluster.tables.revision == revision


def test_scaling_down_stops_the_highest_slots(cluster: Cluster) -> None:
    cluster.put(a_spec(replicas=5))
    cluster.settle()
    cluster.scale("web", 2)
    cluster.settle()
    assert [t.slot for t in cluster.ready("web")] == [1, 2]
    ended = [t for t in cluster.tables.tasks.values() if t.ended]
    assert {(t.state, t.reason) for t in ended} == {("completed", "stopped")}


def test_removing_a_service_leaves_nothing_behind(cluster: Cluster) -> None:
    cluster.put(a_spec(replicas=3))
    cluster.settle()
    cluster.apply(c.DeleteServices(("web",)))
    cluster.settle()
    assert not cluster.tables.tasks
    assert not cluster.tables.specs
    assert not cluster.tables.allocations


def test_a_service_removed_before_its_tasks_were_placed_leaves_nothing_behind() -> None:
    cluster = Cluster()
    cluster.put(a_spec(replicas=3))
    cluster.plan()
    cluster.apply(c.DeleteServices(("web",)))
    assert not cluster.tables.tasks


def test_a_task_that_finished_by_its_policy_is_not_replaced(cluster: Cluster) -> None:
    cluster.put(a_spec("migrate", mode="job", replicas=2))
    cluster.settle()
    for task in cluster.active("migrate"):
        cluster.report(task, state="completed", reason="exited", exit_code=0)
    cluster.settle()
    assert cluster.active("migrate") == []
    assert {t.state for t in cluster.tables.tasks.values()} == {"completed"}
    update = view_of_service(cluster.tables, cluster.tables.services[cluster.tables.service_ids["migrate"]]).update
    assert (update.state, update.done, update.total) == ("done", 2, 2)


def test_a_task_that_cannot_start_is_replaced_after_a_growing_pause_and_elsewhere(cluster: Cluster) -> None:
    cluster.put(a_spec())
    nodes = []
    pauses = []
    for _ in range(3):
        cluster.plan()
        (task,) = cluster.active("web")
        cluster.now_ms = max(cluster.now_ms, task.not_before_ms)
        cluster.plan()
        (task,) = cluster.active("web")
        assert task.node is not None
        nodes.append(task.node)
        cluster.report(task, state="failed", reason="image-pull", message="no such image", ended_ms=cluster.now_ms)
        cluster.plan()
        (successor,) = cluster.active("web")
        assert (successor.state, successor.reason) == ("pending", "image-pull")
        assert successor.message.endswith(": no such image")
        pauses.append(successor.not_before_ms - cluster.now_ms)
    assert sorted(nodes) == ["w1", "w2", "w3"]
    assert pauses == [1000, 2000, 4000]


def test_under_never_what_cannot_start_stays_failed(cluster: Cluster) -> None:
    cluster.put(a_spec(restart="never"))
    cluster.plan()
    (task,) = cluster.active("web")
    cluster.report(task, state="failed", reason="start-failed")
    cluster.settle()
    assert cluster.active("web") == []


def test_a_task_ended_by_hand_is_replaced_even_under_never(cluster: Cluster) -> None:
    cluster.put(a_spec(restart="never"))
    cluster.settle()
    (task,) = cluster.active("web")
    cluster.apply(c.StopTasks((task.id,), "stopped"))
    cluster.settle()
    (successor,) = cluster.ready("web")
    assert successor.id != task.id


def test_a_global_service_has_one_task_on_each_node_that_meets_its_constraints() -> None:
    cluster = Cluster()
    cluster.node("w1", labels={"disk": "ssd"})
    cluster.node("w2", labels={"disk": "hdd"})
    cluster.put(a_spec("agent", mode="global", constraints=["node.labels.disk == ssd"]))
    cluster.settle()
    assert [t.node for t in cluster.ready("agent")] == ["w1"]
    cluster.node("w3", labels={"disk": "ssd"})
    cluster.settle()
    assert sorted(t.node or "" for t in cluster.ready("agent")) == ["w1", "w3"]


def test_stop_keeps_the_service_at_zero_and_start_brings_its_number_back(cluster: Cluster) -> None:
    cluster.put(a_spec(replicas=3))
    cluster.settle()
    cluster.apply(c.RefreshServices(("web",), "stop"))
    cluster.settle()
    assert cluster.active("web") == []
    cluster.apply(c.RefreshServices(("web",), "start"))
    cluster.settle()
    assert len(cluster.ready("web")) == 3


def test_a_task_that_fits_nowhere_says_why_and_is_placed_when_something_frees_up() -> None:
    cluster = Cluster()
    cluster.node("w1", memory="2G")
    cluster.put(a_spec("big", resources={"memory": "1G"}), a_spec("late", resources={"memory": "2G"}))
    cluster.settle()
    (late,) = cluster.active("late")
    assert (late.state, late.reason) == ("pending", "no-fit")
    assert "memory 2.0 GiB asked" in late.message
    cluster.apply(c.DeleteServices(("big",)))
    cluster.settle()
    assert [t.id for t in cluster.ready("late")] == [late.id]


def test_bulk_commands_come_in_parts_that_fit_into_a_proposal() -> None:
    cluster = Cluster()
    cluster.put(a_spec(replicas=5000))
    service = next(iter(cluster.tables.services.values()))
    planned = plan_service(cluster.tables, service, cluster.now_ms, lambda: new_id(cluster.rng))
    assert len(planned) == 5
    assert max(len(c.encode_command(command)) for command in planned) < 1 << 18
    cluster.plan()
    assert len(cluster.tables.tasks) == 5000


def test_a_task_says_why_it_is_where_it_is(cluster: Cluster) -> None:
    cluster.put(a_spec(replicas=1, resources={"memory": "1G"}))
    cluster.settle()
    (task,) = cluster.ready("web")
    view = view_of_task(cluster.tables, task)
    assert view.placement == "w1 of 3 nodes that fit: first by name"
    cluster.node_down("w1")
    cluster.settle()
    (successor,) = cluster.ready("web")
    view = view_of_task(cluster.tables, successor)
    where = "w2 of 2 nodes that fit (of 3): first by name"
    assert view.placement == f"{where}; in place of {task.id} on w1, which is down"


def test_a_task_of_a_global_service_is_where_it_is_bound_to(cluster: Cluster) -> None:
    cluster.put(a_spec(mode="global"))
    cluster.settle()
    sentences = [view_of_task(cluster.tables, task).placement for task in cluster.ready("web")]
    assert sentences == [f"{name} is the only node that it may run on" for name in ("w1", "w2", "w3")]


def test_a_task_that_has_no_node_has_no_reason_for_it(cluster: Cluster) -> None:
    cluster.put(a_spec(resources={"cpus": 100}))
    cluster.settle()
    (task,) = cluster.active("web")
    assert view_of_task(cluster.tables, task).placement is None
