import numpy as np

from okube.manager.explaining import view_of_placement
from okube.manager.placement import plan_placement_in_slices
from okube.manager.slices import at_once
from okube.model.commands import PlaceTasks, PutTopology, UpdateNode
from okube.model.topology import DeclaredTopology, LevelTopology, PathCost
from okube.scheduler import policy_of
from okube.scheduler.declared import Place
from okube.scheduler.topology import Topology
from tests.builders import Cluster, a_spec


def where(cluster: Cluster, service: str) -> list[str | None]:
    service_id = cluster.tables.service_ids[service]
    return sorted((task.node for task in cluster.tables.tasks_of(service_id) if not task.ended), key=str)


def message(cluster: Cluster, service: str) -> str:
    (task,) = cluster.tables.tasks_of(cluster.tables.service_ids[service])
    return task.message


def test_an_app_put_front_first_is_placed_whole() -> None:
    cluster = Cluster()
    cluster.node("w1")
    cluster.put(a_spec("web", depends_on=["api"]), a_spec("api", depends_on=["db"]), a_spec("db"))
    cluster.settle()

    assert [where(cluster, name) for name in ("web", "api", "db")] == [["w1"], ["w1"], ["w1"]]


def test_who_depends_on_what_is_not_there_waits_and_goes_on_when_it_comes() -> None:
    cluster = Cluster()
    cluster.node("w1")
    cluster.put(a_spec("web", depends_on=["db"]))
    cluster.settle()
    assert message(cluster, "web") == "no node fits: 1 node: it depends on db, and there is no such service"

    cluster.put(a_spec("db"))
    cluster.settle()
    assert where(cluster, "web") == ["w1"]


def test_who_depends_on_what_fits_nowhere_says_for_whom_it_waits() -> None:
    cluster = Cluster()
    cluster.node("w1")
    cluster.put(a_spec("web", depends_on=["db"]), a_spec("db", resources={"cpus": 1000}))
    cluster.settle()

    assert message(cluster, "web") == "no node fits: 1 node: it depends on db, which has no task on a node yet"


def test_a_dependency_that_is_stopped_is_not_waited_for() -> None:
    cluster = Cluster()
    cluster.node("w1")
    cluster.put(a_spec("db", replicas=0), a_spec("web", depends_on=["db"]))
    cluster.settle()

    assert where(cluster, "web") == ["w1"]


def test_services_of_an_app_call_each_other_briefly() -> None:
    cluster = Cluster()
    cluster.node("w1")
    cluster.put(a_spec("shop-web", app="shop", depends_on=["db"]), a_spec("shop-db", app="shop"))
    cluster.settle()

    assert where(cluster, "shop-web") == ["w1"]


def test_a_limit_is_kept_by_what_is_measured() -> None:
    cluster = Cluster()
    cluster.node("w2")
    cluster.put(a_spec("db"))
    cluster.settle()
    cluster.apply(UpdateNode("w2", availability="cordoned"))
    cluster.put(a_spec("web", replicas=4, depends_on=[{"service": "db", "max_latency": "2ms"}]))
    cluster.settle()
    cluster.apply(UpdateNode("w2", availability="active"))
    cluster.node("w1")
    cluster.node("w3")

    def measured() -> Topology:
        return Topology([Place()] * 3, coordinates=np.array([[0.030, 0.0], [0.0, 0.0], [0.0, 0.001]]))

    commands = at_once(plan_placement_in_slices(cluster.tables, cluster.now_ms, network=measured))

    (placing,) = [command for command in commands if isinstance(command, PlaceTasks)]
    assert set(placing.nodes) == {"w2", "w3"}


def test_what_is_declared_counts_where_nobody_measured() -> None:
    cluster = Cluster()
    for name, zone in (("w1", "a"), ("w2", "b"), ("w3", "b")):
        cluster.node(name)
        cluster.apply(UpdateNode(name, zone=zone))
    within = LevelTopology(within=PathCost(latency=0.001))
    cluster.apply(PutTopology(DeclaredTopology(zones=within)))
    cluster.put(a_spec("db", constraints=["node.name == w3"]))
    cluster.put(a_spec("web", replicas=4, depends_on=[{"service": "db", "max_latency": "2ms"}]))
    cluster.settle()

    assert where(cluster, "web") == ["w2", "w2", "w3", "w3"]


def test_an_explanation_tells_whom_the_network_refused() -> None:
    cluster = Cluster()
    for name in ("w1", "w2"):
        cluster.node(name)
    cluster.put(a_spec("db", constraints=["node.name == w2"]))
    cluster.put(a_spec("web", depends_on=[{"service": "db", "max_latency": "2ms"}]))
    cluster.settle()
    (task,) = cluster.tables.tasks_of(cluster.tables.service_ids["web"])

    def measured() -> Topology:
        return Topology([Place()] * 2, coordinates=np.array([[0.030, 0.0], [0.0, 0.0]]))

    view = view_of_placement(cluster.tables, task, policy_of("network", {}), network=measured)

    assert [(each.filter, each.nodes, each.reason) for each in view.fallen] == [
        ("network", 1, "no task of db is within 2 ms")
    ]
    assert view.standings[0].terms["network"] == 0


def test_what_takes_over_from_a_lost_node_keeps_the_limits_of_who_calls_it() -> None:
    cluster = Cluster()
    for name, zone in (("w1", "a"), ("w2", "a"), ("w3", "b")):
        cluster.node(name)
        cluster.apply(UpdateNode(name, zone=zone))
    costs = LevelTopology(within=PathCost(latency=0.001), between=PathCost(latency=0.020))
    cluster.apply(PutTopology(DeclaredTopology(zones=costs)))
    cluster.put(a_spec("db", constraints=["node.name != w2"]))
    cluster.settle()
    assert where(cluster, "db") == ["w1"]
    cluster.put(a_spec("web", constraints=["node.name == w2"], depends_on=[{"service": "db", "max_latency": "2ms"}]))
    cluster.settle()

    cluster.node_down("w1")
    cluster.settle()

    assert where(cluster, "db") == [None, "w1"]  # rather nowhere yet than too far: the one that is lost serves nobody
