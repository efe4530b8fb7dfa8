"""A new version goes one slot at a time, no further than it proves itself; nodes are emptied one task at a time."""

from okube.manager.rollout import PROOF_MS
from okube.model import commands as c
from okube.model.task import Task
from tests.builders import Cluster, a_spec


def test_a_changed_spec_rolls_one_slot_at_a_time_and_stops_before_it_starts(cluster: Cluster) -> None:
    cluster.put(a_spec(replicas=3))
    cluster.settle()
    cluster.put(a_spec(replicas=3, image="example/web:2"))
    fewest = 3
    for _ in range(100):
        cluster.plan()
        per_slot = [sum(t.slot == slot and not t.ended for t in cluster.tables.tasks.values()) for slot in (1, 2, 3)]
        assert max(per_slot) == 1
        fewest = min(fewest, len(cluster.ready("web")))
        if not cluster.agents_obey() and not cluster.plan() and not cluster.time_passes():
            break
    assert fewest == 2
    assert {t.version for t in cluster.ready("web")} == {2}
    assert len(cluster.ready("web")) == 3


def test_start_first_never_has_fewer_ready_than_asked(cluster: Cluster) -> None:
    cluster.put(a_spec(replicas=2, update={"order": "start-first"}))
    cluster.settle()
    cluster.put(a_spec(replicas=2, update={"order": "start-first"}, image="example/web:2"))
    for _ in range(100):
        cluster.plan()
        assert len({t.slot for t in cluster.tables.tasks.values() if t.ready}) == 2
        if not cluster.agents_obey() and not cluster.plan() and not cluster.time_passes():
            break
    assert {t.version for t in cluster.ready("web")} == {2}
    assert len(cluster.active("web")) == 2


def test_a_version_that_does_not_work_stops_at_one_slot_and_the_next_one_repairs_it(cluster: Cluster) -> None:
    cluster.put(a_spec(replicas=3))
    cluster.settle()
    cluster.put(a_spec(replicas=3, image="example/web:broken"))
    for _ in range(20):
        cluster.plan()
        for task in list(cluster.tables.tasks.values()):
            if not task.ended and task.desired == "stop":
                cluster.report(task, state="completed", reason=task.stop_reason)
            elif task.state == "scheduled":
                cluster.report(task, state="running", ready=False, restarts=3, message="restarting in 4 s")
    assert sorted(t.version for t in cluster.ready("web")) == [1, 1]
    cluster.put(a_spec(replicas=3, image="example/web:3"))
    cluster.settle()
    assert [t.version for t in cluster.ready("web")] == [3, 3, 3]


def test_changing_only_the_number_touches_no_running_task(cluster: Cluster) -> None:
    cluster.put(a_spec(replicas=2))
    cluster.settle()
    before = {t.id for t in cluster.ready("web")}
    cluster.put(a_spec(replicas=4))
    cluster.settle()
    assert before < {t.id for t in cluster.ready("web")}


def test_a_draining_node_is_emptied_one_task_of_a_service_at_a_time_and_called_drained_when_empty(
    cluster: Cluster,
) -> None:
    cluster.put(a_spec(replicas=6))
    cluster.settle()
    cluster.apply(c.UpdateNode("w1", "draining"))
    for _ in range(100):
        cluster.plan()
        assert len(cluster.ready("web")) >= 5
        if cluster.tables.nodes["w1"].availability == "drained":
            assert not cluster.tables.allocation_of("w1").tasks
        if not cluster.agents_obey() and not cluster.plan() and not cluster.time_passes():
            break
    assert cluster.tables.nodes["w1"].availability == "drained"
    assert len(cluster.ready("web")) == 6
    assert {t.node for t in cluster.ready("web")} == {"w2", "w3"}


def test_a_successor_that_came_first_and_lost_its_node_is_replaced(cluster: Cluster) -> None:
    cluster.put(a_spec(replicas=1, update={"order": "start-first"}))
    cluster.settle()
    (old,) = cluster.active("web")
    cluster.apply(c.RefreshServices(("web",), "restart"))
    while not any(t.state == "scheduled" for t in cluster.active("web")):
        assert cluster.plan()
    (new,) = [t for t in cluster.active("web") if t.state == "scheduled"]
    assert (new.replaces, new.node != old.node) == (old.id, True)
    cluster.node_down(new.node or "")
    cluster.settle()
    (ready,) = cluster.ready("web")
    assert (ready.version, ready.id != new.id) == (2, True)


def test_a_successor_planned_while_a_node_was_lost_does_not_come_first_when_it_is_back(cluster: Cluster) -> None:
    cluster.put(a_spec(replicas=1))
    cluster.settle()
    (old,) = cluster.active("web")
    cluster.node_down(old.node or "")
    cluster.apply(c.RefreshServices(("web",), "restart"))
    service = cluster.tables.services[old.service_id]
    cluster.apply(c.CreateTasks(service.id, service.version, ("t2",), (1,), (0,), (0,), (old.id,), (None,)))
    cluster.node_back(old.node or "")
    while cluster.plan():
        assert len([t for t in cluster.tables.tasks.values() if t.node is not None and not t.ended]) == 1
    cluster.settle()
    (ready,) = cluster.ready("web")
    assert (ready.version, cluster.tables.tasks[old.id].reason) == (2, "superseded")


def test_a_global_service_rolls_on_while_one_of_its_nodes_is_down(cluster: Cluster) -> None:
    cluster.put(a_spec(mode="global"))
    cluster.settle()
    cluster.apply(c.RefreshServices(("web",), "restart"))
    cluster.plan()
    (stopping,) = [t for t in cluster.tables.tasks.values() if t.desired == "stop"]
    assert stopping.node == "w1"
    cluster.node_down("w1")
    cluster.settle()
    assert {(t.node, t.version) for t in cluster.ready("web")} == {("w2", 2), ("w3", 2)}


def test_a_version_goes_on_to_the_next_slot_once_it_has_been_ready_for_a_while(cluster: Cluster) -> None:
    cluster.put(a_spec(replicas=2))
    cluster.settle()
    cluster.put(a_spec(replicas=2, image="example/web:2"))
    first = _first_of(cluster, version=2)
    assert not cluster.plan()
    assert cluster.again_ms == cluster.now_ms + PROOF_MS
    cluster.now_ms += PROOF_MS - 1
    assert not cluster.plan()
    cluster.now_ms += 1
    assert cluster.plan()
    assert [t.slot for t in cluster.tables.tasks.values() if t.desired == "stop" and not t.ended] == [3 - first.slot]


def test_a_version_that_starts_and_then_falls_over_stops_at_one_slot(cluster: Cluster) -> None:
    cluster.put(a_spec(replicas=3))
    cluster.settle()
    cluster.put(a_spec(replicas=3, image="example/web:2"))
    first = _first_of(cluster, version=2)
    for _ in range(20):  # it serves for a second, and is down for another
        cluster.now_ms += 1_000
        cluster.report(cluster.tables.tasks[first.id], ready=False, restarts=1, message="restarting in 1 s")
        assert not cluster.plan()
        cluster.now_ms += 1_000
        cluster.report(cluster.tables.tasks[first.id], ready=True, restarts=1)
        assert not cluster.plan()
    assert sorted(t.version for t in cluster.active("web")) == [1, 1, 2]


def test_under_start_first_the_old_task_stays_until_the_new_one_is_proven(cluster: Cluster) -> None:
    cluster.put(a_spec(replicas=1, update={"order": "start-first"}))
    cluster.settle()
    (old,) = cluster.active("web")
    cluster.put(a_spec(replicas=1, update={"order": "start-first"}, image="example/web:2"))
    _first_of(cluster, version=2)
    assert not cluster.plan()
    assert cluster.tables.tasks[old.id].desired == "run"
    cluster.settle()
    assert cluster.tables.tasks[old.id].reason == "superseded"


def test_under_start_first_a_job_that_ends_before_it_is_proven_has_taken_over_all_the_same(cluster: Cluster) -> None:
    cluster.put(a_spec(mode="job", replicas=1, update={"order": "start-first"}))
    cluster.settle()
    (old,) = cluster.active("web")
    cluster.put(a_spec(mode="job", replicas=1, update={"order": "start-first"}, image="example/web:2"))
    new = _first_of(cluster, version=2)
    cluster.now_ms += PROOF_MS // 2
    cluster.report(new, state="completed", reason="exited", exit_code=0)
    cluster.settle()
    assert cluster.tables.tasks[old.id].reason == "superseded"
    assert cluster.active("web") == []
    assert [t.version for t in cluster.tables.tasks.values()] == [1, 2]


def test_a_node_is_emptied_without_waiting_for_proof(cluster: Cluster) -> None:
    cluster.put(a_spec(replicas=6))
    cluster.settle()
    cluster.apply(c.UpdateNode("w1", "draining"))
    began = cluster.now_ms
    while cluster.tables.nodes["w1"].availability != "drained":
        assert cluster.plan() or cluster.agents_obey()
    assert cluster.now_ms == began


def _first_of(cluster: Cluster, version: int) -> Task:
    """The first task of a version, as soon as it is ready."""
    for _ in range(20):
        cluster.plan()
        for task in cluster.ready("web"):
            if task.version == version:
                return task
        cluster.agents_obey()
    raise AssertionError("it does not start")
