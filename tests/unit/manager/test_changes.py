"""Which loop of the leader a change wakes."""

from okube.manager.changes import Changes
from tests.builders import Cluster, a_spec


def _watched(cluster: Cluster) -> Changes:
    changes = Changes(cluster.tables)
    changes.placement_changed.clear()
    changes.services_changed.clear()
    return changes


def test_a_service_that_changes_wakes_placement_where_a_task_waits_for_its_place() -> None:
    cluster = Cluster()
    cluster.put(a_spec("large", resources={"memory": "999G"}))
    cluster.plan()
    assert cluster.tables.tasks_in_state["pending"]
    changes = _watched(cluster)
    cluster.put(a_spec("other", replicas=0))
    assert changes.services_changed.is_set()
    assert changes.placement_changed.is_set()


def test_a_service_that_changes_does_not_wake_placement_where_nothing_waits() -> None:
    cluster = Cluster()
    cluster.put(a_spec("web", replicas=0))
    changes = _watched(cluster)
    cluster.put(a_spec("web", replicas=0, labels={"n": "1"}))
    assert changes.services_changed.is_set()
    assert not changes.placement_changed.is_set()


def test_a_task_that_is_new_wakes_placement() -> None:
    cluster = Cluster()
    cluster.put(a_spec("web"))
    changes = _watched(cluster)
    cluster.plan()
    assert changes.placement_changed.is_set()


def _app(condition: str) -> Cluster:
    """web waits for db, which has a node."""
    cluster = Cluster()
    cluster.node("w1")
    cluster.put(a_spec("db"), a_spec("web", depends_on=[{"service": "db", "condition": condition}]))
    while cluster.plan():
        pass
    return cluster


def test_a_task_that_others_wait_for_wakes_placement_when_it_runs_and_when_it_is_ready() -> None:
    cluster = _app("ready")
    (db,) = cluster.active("db")
    changes = _watched(cluster)
    cluster.report(db, ready=False)
    assert changes.placement_changed.is_set()
    changes.placement_changed.clear()
    cluster.report(db, ready=True)
    assert changes.placement_changed.is_set()


def test_a_task_that_nobody_waits_for_wakes_no_placement_when_it_is_ready() -> None:
    cluster = _app("placed")
    cluster.put(a_spec("large", resources={"memory": "999G"}))
    cluster.plan()
    (db,) = cluster.active("db")
    changes = _watched(cluster)
    cluster.report(db, ready=True)
    assert not changes.placement_changed.is_set()
