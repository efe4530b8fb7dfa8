"""Named countable resources from the agent's word to the placed task, and back again."""

from okube.manager.calls import Calls
from okube.manager.companies import Companies
from okube.manager.explaining import view_of_placement
from okube.manager.nodetable import node_table
from okube.manager.placement import group_of
from okube.model import commands as c
from okube.scheduler import SPREAD
from okube.state.queries import view_of_node, view_of_task
from tests.builders import Cluster, a_spec


def a_cluster(*nodes: tuple[str, dict[str, int]]) -> Cluster:
    cluster = Cluster()
    cluster.apply(c.EnableVersion(6))
    for name, named in nodes:
        cluster.node(name, named=named)
    return cluster


def placed(cluster: Cluster) -> dict[str, str | None]:
    return {f"{t.service}.{t.slot}": t.node for t in cluster.tables.tasks.values() if t.holds_resources}


def test_tasks_take_what_nodes_offer_and_give_it_back() -> None:
    cluster = a_cluster(("w1", {"gpu": 2}), ("w2", {}))
    cluster.put(a_spec("train", replicas=3, resources={"gpu": 1}))
    cluster.settle()
    assert placed(cluster) == {"train.1": "w1", "train.2": "w1"}
    waits = next(task for task in cluster.tables.tasks.values() if task.state == "pending")
    assert "2 nodes: gpu 1 asked" in waits.message or "1 node: gpu 1 asked, none free" in waits.message
    view = view_of_node(cluster.tables, cluster.tables.nodes["w1"], None)
    assert (view.named, view.named_allocated) == ({"gpu": 2}, {"gpu": 2})
    cluster.scale("train", 1)
    cluster.settle()
    assert view_of_node(cluster.tables, cluster.tables.nodes["w1"], None).named_allocated == {"gpu": 1}
    cluster.apply(c.DeleteServices(("train",)))
    cluster.settle()
    assert view_of_node(cluster.tables, cluster.tables.nodes["w1"], None).named_allocated == {}


def test_what_people_say_of_a_node_counts_more_than_its_agents_word() -> None:
    cluster = a_cluster(("w1", {"gpu": 1}))
    cluster.node("w1", named={"gpu": 2})
    assert cluster.tables.nodes["w1"].named == {"gpu": 2}
    cluster.apply(c.UpdateNode("w1", named={"gpu": 4}))
    cluster.node("w1", named={"gpu": 2})
    assert cluster.tables.nodes["w1"].named == {"gpu": 4}


def test_a_node_that_offers_less_than_it_has_promised_keeps_its_tasks_and_gets_no_more() -> None:
    cluster = a_cluster(("w1", {"gpu": 2}))
    cluster.put(a_spec("train", replicas=2, resources={"gpu": 1}))
    cluster.settle()
    cluster.apply(c.UpdateNode("w1", named={}))
    cluster.scale("train", 3)
    cluster.settle()
    assert placed(cluster) == {"train.1": "w1", "train.2": "w1"}
    waits = next(task for task in cluster.tables.tasks.values() if task.state == "pending")
    assert waits.message == "no node fits: 1 node: gpu 1 asked, the node has none"
    total, free = node_table(cluster.tables).extra["gpu"]
    assert (total.tolist(), free.tolist()) == ([0], [-2])


def test_why_a_task_is_where_it_is_counts_what_it_holds_as_free() -> None:
    cluster = a_cluster(("w1", {"gpu": 1}), ("w2", {"gpu": 0}))
    cluster.put(a_spec("train", resources={"gpu": 1}))
    cluster.settle()
    (task,) = cluster.tables.tasks.values()
    view = view_of_placement(cluster.tables, task, SPREAD)
    assert view.fitting == 1
    assert [standing.node for standing in view.standings] == ["w1"]
    assert view_of_task(cluster.tables, task).named == {"gpu": 1}


def test_a_task_of_higher_priority_gets_the_gpu_of_one_below_it() -> None:
    cluster = a_cluster(("w1", {"gpu": 1}), ("w2", {}))
    cluster.put(a_spec("train", resources={"gpu": 1}))
    cluster.settle()
    cluster.put(a_spec("serve", resources={"gpu": 1}, priority=10))
    cluster.settle()
    assert placed(cluster) == {"serve.1": "w1"}


def test_who_asks_for_a_limit_gets_no_agent_that_keeps_none() -> None:
    cluster = Cluster()
    cluster.apply(c.EnableVersion(6))
    cluster.node("w1", knows=5)
    cluster.put(a_spec(resources={"memory": "1G", "limits": {"memory": "2G"}}))
    cluster.settle()
    (task,) = cluster.tables.tasks.values()
    assert task.message == (
        "no node fits: 1 node: its agent is of an older Okube, which keeps no limits above what is promised: upgrade it"
    )
    spec = cluster.tables.spec_of(task)
    group = group_of(cluster.tables, [task], spec, Companies(cluster.tables), Calls(cluster.tables))
    assert (group.memory, group.knows) == (1 << 30, 6)
