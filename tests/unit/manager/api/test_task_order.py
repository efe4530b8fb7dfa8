"""Tasks in the order of lists: each once, whatever the page, and with pauses among many."""

import pytest

from okube.manager.api.task_order import tasks_in_order
from tests.builders import Cluster, a_spec


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster()
    cluster.node("w1", cores=64.0)
    cluster.node("w2", cores=64.0)
    for name, replicas in (("web", 250), ("api", 3), ("web-two", 12)):
        cluster.put(a_spec(name, replicas=replicas))
    cluster.settle()
    return cluster


def _listed(cluster: Cluster, after: str = "", service: str | None = None, node: str | None = None) -> list[str]:
    found = tasks_in_order(cluster.tables, service=service, node=node, after=after)
    return [item[0] for item in found if item is not None]


def test_all_come_once_by_service_and_slot(cluster: Cluster) -> None:
    listed = _listed(cluster)
    assert listed == sorted(listed)
    assert len(set(listed)) == len(listed) == len(cluster.tables.tasks)
    assert [key.split(" ")[0] for key in listed[:4]] == ["api", "api", "api", "web"]


@pytest.mark.parametrize("at", [0, 2, 3, 103, 104, 252, 253, 264])
def test_after_any_key_the_rest_follows(cluster: Cluster, at: int) -> None:
    listed = _listed(cluster)
    assert _listed(cluster, after=listed[at]) == listed[at + 1 :]


def test_filters_leave_only_theirs_in_the_same_order(cluster: Cluster) -> None:
    listed = _listed(cluster)
    assert _listed(cluster, service="web") == [key for key in listed if key.startswith("web ")]
    on_nodes = _listed(cluster, node="w1") + _listed(cluster, node="w2")
    assert sorted(on_nodes) == listed


def test_what_goes_while_the_list_is_made_is_left_out(cluster: Cluster) -> None:
    found = tasks_in_order(cluster.tables, service=None, node=None, after="")
    first = next(item for item in found if item is not None)
    gone = [task.id for task in cluster.tables.tasks.values() if task.service == "web"]
    for task_id in gone:
        cluster.tables.delete_task(task_id)
    rest = [item[1].service for item in found if item is not None]
    assert (first[1].service, set(rest)) == ("api", {"api", "web-two"})


def test_among_thousands_there_are_pauses(cluster: Cluster) -> None:
    cluster.scale("web", 4000)
    cluster.plan()
    found = list(tasks_in_order(cluster.tables, service="web", node=None, after=""))
    assert found.count(None) >= 3
