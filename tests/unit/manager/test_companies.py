from okube.manager.companies import waits_for_company
from tests.builders import Cluster, a_spec


def where(cluster: Cluster, service: str) -> list[str | None]:
    service_id = cluster.tables.service_ids[service]
    return sorted((task.node for task in cluster.tables.tasks_of(service_id) if not task.ended), key=str)


def test_services_of_an_app_name_each_other_briefly() -> None:
    cluster = Cluster()
    for name in ("w1", "w2", "w3"):
        cluster.node(name)
    cluster.put(a_spec("shop-web", app="shop", replicas=2, affinity=["db"]), a_spec("shop-db", app="shop"))
    cluster.settle()
    assert set(where(cluster, "shop-web")) == set(where(cluster, "shop-db"))


def test_who_keeps_apart_keeps_others_off_too_and_what_is_there_stays() -> None:
    cluster = Cluster()
    cluster.node("w1")
    cluster.put(a_spec("web", anti_affinity=["batch"]))
    cluster.settle()
    cluster.put(a_spec("batch"))
    cluster.settle()
    assert where(cluster, "batch") == [None]
    (task,) = cluster.tables.tasks_of(cluster.tables.service_ids["batch"])
    assert task.message == "no node fits: 1 node: a task of web is on it, which keeps apart from batch"
    cluster.node("w2")
    cluster.settle()
    assert where(cluster, "batch") == ["w2"]
    assert where(cluster, "web") == ["w1"]


def test_who_must_be_near_each_other_waits_and_says_for_whom() -> None:
    cluster = Cluster()
    cluster.node("w1")
    cluster.put(a_spec("web", affinity=["db"]), a_spec("db", affinity=["web"]))
    cluster.settle()
    messages = {task.service: task.message for task in cluster.tables.tasks.values()}
    assert messages == {
        "web": "no node fits: 1 node: affinity: no task of db has a node yet",
        "db": "no node fits: 1 node: affinity: no task of web has a node yet",
    }
    assert waits_for_company(cluster.tables)


def test_one_task_a_node_is_updated_by_stopping_first() -> None:
    cluster = Cluster()
    cluster.node("w1")
    spec = {"max_per_node": 1, "update": {"order": "start-first"}}
    cluster.put(a_spec("web", **spec))
    cluster.settle()
    cluster.put(a_spec("web", **spec, env={"A": "b"}))
    cluster.settle()
    service = cluster.tables.services[cluster.tables.service_ids["web"]]
    (task,) = [task for task in cluster.tables.tasks_of(service.id) if not task.ended]
    assert (task.version, task.state, task.node) == (2, "running", "w1")
