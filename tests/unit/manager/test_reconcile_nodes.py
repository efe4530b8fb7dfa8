"""Nodes that are lost, come back, drain, or come and go: what becomes of their tasks."""

from okube.manager.placement import next_start_ms, plan_placement
from okube.manager.reconcile import next_release_ms, plan_nodes, plan_service
from okube.model import commands as c
from okube.model.names import new_id
from okube.state.queries import view_of_node
from tests.builders import Cluster, a_spec


def test_tasks_of_a_lost_node_are_given_up_when_their_successors_are_placed(cluster: Cluster) -> None:
    cluster.put(a_spec(replicas=3))
    cluster.settle()
    lost = next(t for t in cluster.active("web") if t.node == "w1")
    cluster.node_down("w1")
    assert cluster.tables.tasks[lost.id].state == "running"
    assert not cluster.tables.tasks[lost.id].ready
    cluster.settle()
    assert (cluster.tables.tasks[lost.id].state, cluster.tables.tasks[lost.id].reason) == ("failed", "node-lost")
    assert sorted(t.node or "" for t in cluster.ready("web")) in (["w2", "w2", "w3"], ["w2", "w3", "w3"])


def test_when_nothing_can_take_their_place_nothing_is_given_up() -> None:
    cluster = Cluster()
    cluster.node("w1")
    cluster.put(a_spec(replicas=2))
    cluster.settle()
    held = {t.id for t in cluster.active("web")}
    cluster.node_down("w1")
    cluster.settle()
    assert {t.id for t in cluster.tables.tasks.values() if t.state == "running"} == held
    cluster.node_back("w1")
    cluster.settle()
    assert {t.id for t in cluster.ready("web")} == held
    assert {t.id for t in cluster.tables.tasks.values()} == held


def test_a_node_that_comes_back_keeps_what_was_not_replaced() -> None:
    cluster = Cluster()
    cluster.node("w1", cores=2)
    cluster.node("w2", cores=3)
    cluster.put(a_spec(replicas=4, resources={"cpus": 1}))
    cluster.settle()
    on_w1 = {t.id for t in cluster.active("web") if t.node == "w1"}
    assert len(on_w1) == 2
    cluster.node_down("w1")
    cluster.settle()
    replaced = {t for t in on_w1 if cluster.tables.tasks[t].ended}
    assert len(replaced) == 1
    cluster.node_back("w1")
    cluster.settle()
    assert {t.id for t in cluster.ready("web") if t.node == "w1"} == on_w1 - replaced
    assert [t.slot for t in cluster.ready("web")] == [1, 2, 3, 4]


def test_a_task_that_should_stop_on_a_lost_node_is_not_waited_for(cluster: Cluster) -> None:
    cluster.put(a_spec(replicas=3))
    cluster.settle()
    cluster.node_down("w1")
    cluster.apply(c.DeleteServices(("web",)))
    cluster.settle()
    assert not cluster.tables.tasks


def test_a_global_task_of_a_lost_node_waits_for_its_node() -> None:
    cluster = Cluster()
    cluster.node("w1")
    cluster.node("w2")
    cluster.put(a_spec("agent", mode="global"))
    cluster.settle()
    held = {t.id for t in cluster.active("agent")}
    cluster.node_down("w1")
    cluster.settle()
    cluster.node_back("w1")
    cluster.settle()
    assert {t.id for t in cluster.ready("agent")} == held


def test_a_forgotten_node_has_its_tasks_replaced(cluster: Cluster) -> None:
    cluster.put(a_spec(replicas=3))
    cluster.settle()
    cluster.node_down("w1")
    cluster.apply(c.RemoveNode("w1"))
    cluster.settle()
    assert "w1" not in cluster.tables.nodes
    assert len(cluster.ready("web")) == 3


def test_a_cordoned_node_keeps_its_global_task_and_gets_no_new_one() -> None:
    cluster = Cluster()
    cluster.node("w1")
    cluster.node("w2")
    cluster.put(a_spec("agent", mode="global"))
    cluster.settle()
    held = {t.id for t in cluster.ready("agent")}
    cluster.apply(c.UpdateNode("w1", "cordoned"))
    cluster.settle()
    assert {t.id for t in cluster.ready("agent")} == held
    cluster.put(a_spec("late", mode="global"))
    cluster.settle()
    assert [t.node for t in cluster.ready("late")] == ["w2"]


def test_a_global_task_leaves_a_draining_node_as_drained() -> None:
    cluster = Cluster()
    cluster.node("w1")
    cluster.node("w2")
    cluster.put(a_spec("agent", mode="global"))
    cluster.settle()
    cluster.apply(c.UpdateNode("w1", "draining"))
    cluster.settle()
    assert [t.reason for t in cluster.tables.tasks.values() if t.ended] == ["drained"]


def test_what_people_decided_about_a_node_is_not_overwritten_by_an_older_plan(cluster: Cluster) -> None:
    cluster.apply(c.UpdateNode("w1", "draining"))
    (planned,) = plan_nodes(cluster.tables, cluster.now_ms)
    cluster.apply(c.UpdateNode("w1", "active"))
    cluster.apply(planned)
    assert cluster.tables.nodes["w1"].availability == "active"


def test_a_slot_is_not_filled_when_the_node_on_which_its_task_stops_came_back_after_planning(cluster: Cluster) -> None:
    cluster.put(a_spec(replicas=1))
    cluster.settle()
    (old,) = cluster.ready("web")
    cluster.put(a_spec(replicas=1, env={"N": "1"}))
    cluster.plan()
    assert cluster.tables.tasks[old.id].desired == "stop"
    cluster.node_down(old.node or "")
    service = cluster.tables.services[old.service_id]
    planned = plan_service(cluster.tables, service, cluster.now_ms, lambda: new_id(cluster.rng))
    cluster.node_back(old.node or "")
    cluster.apply(*planned)
    assert cluster.active("web") == []
    cluster.settle()
    assert [task.version for task in cluster.ready("web")] == [2]


def _flap(cluster: Cluster, name: str, times: int = 3) -> None:
    for _ in range(times):
        cluster.node_down(name)
        cluster.now_ms += 1000
        cluster.node_back(name)
        cluster.now_ms += 10_000


def test_a_node_that_comes_and_goes_keeps_its_tasks_and_gets_no_new_ones(cluster: Cluster) -> None:
    cluster.put(a_spec("old", mode="global"))
    cluster.settle()
    before = {task.id for task in cluster.active("old")}
    _flap(cluster, "w2")
    cluster.put(a_spec("new", replicas=6))
    cluster.put(a_spec("everywhere", mode="global"))
    cluster.settle()
    assert {task.id for task in cluster.ready("old")} == before
    assert {task.node for task in cluster.ready("new")} == {"w1", "w3"}
    assert {task.node for task in cluster.ready("everywhere")} == {"w1", "w3"}


def test_a_task_that_would_fit_on_a_held_node_only_says_so_and_goes_there_when_the_hold_is_over() -> None:
    cluster = Cluster()
    cluster.node("w1", cores=1)
    cluster.node("w2")
    _flap(cluster, "w2")
    cluster.put(a_spec(resources={"cpus": 2}))
    cluster.settle()
    (task,) = cluster.active("web")
    until = view_of_node(cluster.tables, cluster.tables.nodes["w2"], None)
    assert until.held_until == "2027-01-15T08:02:23.000Z"
    assert "1 node: w2 came and went 3 times in 10 min, no new tasks until 08:02:23 UTC" in task.message
    assert until.message == "came and went 3 times in 10 min, no new tasks until 08:02:23 UTC"
    cluster.now_ms = next_release_ms(cluster.tables) or 0
    cluster.settle()
    assert [task.node for task in cluster.ready("web")] == ["w2"]


def test_uncordon_lifts_a_hold_at_once(cluster: Cluster) -> None:
    _flap(cluster, "w2")
    cluster.apply(c.UpdateNode("w2", "active"))
    cluster.put(a_spec(replicas=3))
    cluster.settle()
    assert {task.node for task in cluster.ready("web")} == {"w1", "w2", "w3"}


def test_a_hold_is_not_ended_before_its_time_by_a_leader_that_has_not_seen_it_prolonged(cluster: Cluster) -> None:
    _flap(cluster, "w2")
    held_until_ms = cluster.tables.nodes["w2"].held_until_ms
    _flap(cluster, "w2", times=1)
    cluster.now_ms = held_until_ms
    cluster.apply(c.ReleaseNodes(("w2",)))
    assert cluster.tables.nodes["w2"].held_until_ms > held_until_ms


def test_many_held_nodes_are_not_named_one_by_one() -> None:
    cluster = Cluster()
    names = [f"w{number}" for number in range(9)]
    for name in names:
        cluster.node(name)
    for _ in range(3):
        for name in names:
            cluster.node_down(name)
            cluster.now_ms += 4000
            cluster.node_back(name)
    cluster.put(a_spec())
    cluster.settle()
    (task,) = cluster.active("web")
    assert task.message == "no node fits: 9 nodes: came and went too often lately"


def _all_lost_and_one_back(cluster: Cluster) -> None:
    for name in ("w1", "w2", "w3"):
        cluster.node_down(name)
        cluster.now_ms += 500
    cluster.settle()
    cluster.now_ms += 60_000
    cluster.node_back("w1")
    cluster.settle()


def test_when_all_nodes_were_cut_off_and_come_back_nothing_is_replaced(cluster: Cluster) -> None:
    cluster.put(a_spec(replicas=6))
    cluster.settle()
    before = {task.id for task in cluster.ready("web")}
    _all_lost_and_one_back(cluster)
    cluster.now_ms += 3000
    cluster.node_back("w2")
    cluster.settle()
    cluster.now_ms += 2000
    cluster.node_back("w3")
    cluster.settle()
    assert {task.id for task in cluster.ready("web")} == before
    assert len(cluster.tables.tasks) == len(before)


def test_what_was_lost_with_a_node_that_is_back_is_replaced_when_its_own_node_does_not_follow(cluster: Cluster) -> None:
    cluster.put(a_spec(replicas=3))
    cluster.settle()
    _all_lost_and_one_back(cluster)
    assert [task.node for task in cluster.ready("web")] == ["w1"]
    wake_ms = next_start_ms(cluster.tables, cluster.now_ms)
    assert wake_ms is not None
    assert wake_ms - cluster.now_ms == 6000
    cluster.now_ms = wake_ms
    cluster.settle()
    assert [task.node for task in cluster.ready("web")] == ["w1", "w1", "w1"]


def test_where_another_node_lives_nobody_waits_for_the_lost_ones(cluster: Cluster) -> None:
    cluster.put(a_spec(replicas=3))
    cluster.settle()
    cluster.node_down("w2")
    cluster.node_down("w3")
    cluster.settle()
    assert [task.node for task in cluster.ready("web")] == ["w1", "w1", "w1"]


def test_the_tasks_of_the_first_node_that_goes_down_do_not_go_to_one_that_is_silent_too(cluster: Cluster) -> None:
    cluster.put(a_spec(replicas=3))
    cluster.settle()
    cluster.node_down("w1")
    service = next(iter(cluster.tables.services.values()))
    cluster.apply(*plan_service(cluster.tables, service, cluster.now_ms, lambda: new_id(cluster.rng)))
    (planned,) = plan_placement(
        cluster.tables, cluster.now_ms, dict.fromkeys(("w2", "w3"), "not heard of for a moment")
    )
    assert isinstance(planned, c.WithdrawTasks)
    assert planned.messages == ("no node fits: 2 nodes: not heard of for a moment; 1 node: down",)
