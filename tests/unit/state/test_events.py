"""What the cluster tells of itself, and how little room it takes."""

import msgspec

from okube.model import commands as c
from okube.model.event import KEPT_EVENTS, Event
from okube.model.task import Task
from okube.state import StateMachine
from okube.state.events import AGAIN_MS
from tests.builders import Cluster, a_spec


def _events(cluster: Cluster, kind: str) -> list[Event]:
    return [event for event in cluster.tables.events.rows() if event.kind == kind]


def _kinds(cluster: Cluster) -> list[str]:
    return [event.kind for event in cluster.tables.events.rows()]


def _running(cluster: Cluster, replicas: int = 1) -> list[Task]:
    cluster.node("w1", cores=100.0, memory="999G")
    cluster.put(a_spec(replicas=replicas))
    cluster.settle()
    return cluster.ready("web")


def test_a_service_s_life_is_told_in_order() -> None:
    cluster = Cluster()
    _running(cluster)
    cluster.apply(c.ScaleServices(("web",), (2,), by="ada"))
    cluster.apply(c.RefreshServices(("web",), "restart", by="ada"))
    cluster.apply(c.RefreshServices(("web",), "stop", by="ada"))
    cluster.apply(c.RefreshServices(("web",), "start", by="ada"))
    cluster.put(a_spec(image="example/web:2"))
    cluster.apply(c.RefreshServices(("web",), "rollback", by="ada"))
    cluster.apply(c.DeleteServices(("web",), by="ada"))
    assert _kinds(cluster) == [
        "node-joined",
        "service-created",
        "task-running",
        "service-scaled",
        "service-restarted",
        "service-stopped",
        "service-started",
        "service-changed",
        "service-rolled-back",
        "service-removed",
    ]
    told = {event.kind: event for event in cluster.tables.events.rows()}
    assert told["service-scaled"].by == "ada"
    assert told["service-scaled"].message == "from 1 to 2"
    assert told["service-changed"].message == "version 3: image, replicas"


def test_a_put_that_changes_nothing_tells_nothing() -> None:
    cluster = Cluster()
    cluster.put(a_spec())
    before = cluster.tables.revision
    cluster.put(a_spec())
    assert cluster.tables.revision == before


def test_a_refused_command_tells_nothing() -> None:
    cluster = Cluster()
    cluster.put(a_spec())
    cluster.put(a_spec(), how="create")
    assert _kinds(cluster) == ["service-created"]


def test_a_node_s_life_is_told_in_order() -> None:
    cluster = Cluster()
    _running(cluster)
    for availability in ("cordoned", "active", "draining"):
        cluster.apply(c.UpdateNode("w1", availability, by="ada"))
    cluster.settle()
    cluster.node_down("w1")
    cluster.node_back("w1")
    cluster.node_down("w1")
    cluster.apply(c.RemoveNode("w1", by="ada"))
    kinds = [event.kind for event in cluster.tables.events.rows() if event.subject_kind == "node"]
    assert kinds == [
        "node-joined",
        "node-cordoned",
        "node-uncordoned",
        "node-draining",
        "node-drained",
        "node-ready",
        "node-down",  # it happened twice, so it stands where it happened last
        "node-removed",
    ]
    assert _events(cluster, "node-down")[0].count == 2
    assert (_events(cluster, "node-draining")[0].by, _events(cluster, "node-drained")[0].by) == ("ada", "")


def test_a_node_that_comes_and_goes_is_told_once_each_time_it_is_held() -> None:
    cluster = Cluster()
    cluster.node("w1")
    for _ in range(4):
        cluster.node_down("w1")
        cluster.node_back("w1")
    (event,) = _events(cluster, "node-flapping")
    assert (event.level, event.count) == ("warning", 1)
    assert "no new tasks until" in event.message


def test_a_task_that_failed_says_why_and_where() -> None:
    cluster = Cluster()
    (task,) = _running(cluster)
    cluster.report(task, state="failed", reason="out-of-memory", message="used more than 64 MiB", exit_code=137)
    (event,) = _events(cluster, "task-failed")
    assert (event.level, event.subject, event.service, event.node) == ("error", "web.1", "web", "w1")
    assert (event.reason, event.message, event.task_id) == ("out-of-memory", "used more than 64 MiB", task.id)


def test_a_lost_task_is_told_as_lost_and_not_as_failed() -> None:
    cluster = Cluster()
    _running(cluster)
    cluster.node("w2")
    cluster.node_down("w1")
    cluster.settle()
    assert [event.subject for event in _events(cluster, "task-lost")] == ["web.1"]
    assert not _events(cluster, "task-failed")


def test_a_crash_loop_is_one_row_that_counts_and_pushes_nothing_out() -> None:
    cluster = Cluster()
    (task,) = _running(cluster)
    before = len(cluster.tables.events)
    for restarts in range(1, 3 * KEPT_EVENTS):
        cluster.now_ms += 1000
        cluster.report(task, restarts=restarts, message=f"restarting in 1 s ({restarts})")
    (event,) = _events(cluster, "task-restarted")
    assert len(cluster.tables.events) == before + 1
    assert event.count == 3 * KEPT_EVENTS - 1
    assert event.time_ms - event.first_ms == (event.count - 1) * 1000
    assert event.message == f"restarting in 1 s ({event.count})"


def test_what_happens_again_after_long_is_another_event() -> None:
    cluster = Cluster()
    (task,) = _running(cluster)
    cluster.report(task, restarts=1)
    cluster.now_ms += AGAIN_MS + 1
    cluster.report(task, restarts=2)
    assert [event.count for event in _events(cluster, "task-restarted")] == [1, 1]


def test_many_alike_of_one_command_are_one_event_with_a_few_names() -> None:
    cluster = Cluster()
    tasks = _running(cluster, replicas=1000)
    reports = tuple(c.TaskReport(task.id, "failed", reason="signal", message="ended by SIGKILL") for task in tasks)
    before = len(cluster.tables.events)
    cluster.apply(c.ReportTasks("w1", "i-w1", reports))
    assert len(cluster.tables.events) == before + 1
    (event,) = _events(cluster, "task-failed")
    assert (event.subject_kind, event.subject, event.count, event.node) == ("service", "web", 1000, "w1")
    assert event.message == "web.1, web.2, web.3 and 997 more: ended by SIGKILL"
    assert event.task_id is None


def test_a_few_services_of_one_command_are_told_one_by_one_and_a_thousand_as_one() -> None:
    cluster = Cluster()
    cluster.put(*(a_spec(f"few-{number}") for number in range(3)))
    assert [event.subject for event in _events(cluster, "service-created")] == ["few-0", "few-1", "few-2"]
    cluster.put(*(a_spec(f"many-{number}") for number in range(1000)))
    event = _events(cluster, "service-created")[-1]
    assert (event.subject_kind, event.subject, event.count) == ("cluster", "", 1000)
    assert event.message.startswith("many-0, many-1, many-2 and 997 more")


def test_what_fits_nowhere_is_told_once_and_again_when_the_reason_is_another() -> None:
    cluster = Cluster()
    cluster.put(a_spec(resources={"cpus": 64}))
    cluster.settle()
    cluster.plan()
    (event,) = _events(cluster, "no-fit")
    assert (event.level, event.count, event.subject) == ("warning", 1, "web.1")
    cluster.node("w1")
    cluster.settle()
    (event,) = _events(cluster, "no-fit")
    assert event.count == 2


def test_a_leader_is_told_once_a_reign() -> None:
    cluster = Cluster()
    seed = c.SeedCluster("lab", "c1", "", 3000, 1000, "m1")
    cluster.apply(seed)
    cluster.apply(seed)  # the first try had no answer
    (event,) = _events(cluster, "leader-elected")
    assert (event.subject_kind, event.subject, event.count) == ("manager", "m1", 1)
    cluster.epoch = type(cluster.epoch)(1, 2)
    cluster.apply(seed)
    (event,) = _events(cluster, "leader-elected")
    assert (event.count, event.message) == (2, "m1 leads, in epoch 1.2")


def test_a_seed_of_the_version_before_names_no_leader() -> None:
    cluster = Cluster()
    cluster.apply(c.SeedCluster("lab", "c1", "", 3000, 1000))
    assert not _kinds(cluster)


def test_the_oldest_go_where_there_are_too_many() -> None:
    cluster = Cluster()
    for number in range(KEPT_EVENTS + 5):
        cluster.put(a_spec(f"s{number}"))
    events = cluster.tables.events.rows()
    assert len(events) == KEPT_EVENTS
    assert (events[0].subject, events[-1].subject) == ("s5", f"s{KEPT_EVENTS + 4}")
    assert len({event.id for event in events}) == KEPT_EVENTS


def test_a_snapshot_keeps_the_events_and_one_without_them_can_be_read() -> None:
    cluster = Cluster()
    _running(cluster)
    restored = StateMachine()
    restored.restore(b"".join(cluster.machine.snapshot()))
    assert restored.tables.events.rows() == cluster.tables.events.rows()
    assert restored.tables.digest.hex() == cluster.tables.digest.hex()
    older = msgspec.msgpack.encode(msgspec.msgpack.decode(b"".join(cluster.machine.snapshot()))[:11])
    restored.restore(older)
    assert (len(restored.tables.tasks), len(restored.tables.events)) == (1, 0)


def test_other_numbers_and_other_nodes_are_other_events() -> None:
    cluster = Cluster()
    _running(cluster)
    for replicas in (2, 1, 2):
        cluster.apply(c.ScaleServices(("web",), (replicas,), by="ada"))
    told = [(event.message, event.count) for event in _events(cluster, "service-scaled")]
    assert told == [("from 2 to 1", 1), ("from 1 to 2", 2)]
