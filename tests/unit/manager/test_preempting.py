from okube.manager.preempting import plan_preemption_in_slices
from okube.manager.slices import at_once
from okube.model.commands import PreemptTasks
from okube.model.spec import ServiceSpec
from okube.model.task import Task
from tests.builders import Cluster, a_spec


def a_service(name: str, cpus: float, priority: int | None = None, **fields: object) -> ServiceSpec:
    level = {} if priority is None else {"priority": priority}
    return a_spec(name, resources={"cpus": cpus}, **level, **fields)


def a_cluster(*specs: ServiceSpec, nodes: int = 1) -> Cluster:
    cluster = Cluster()
    for number in range(nodes):
        cluster.node(f"w{number + 1}", cores=4)
    for spec in specs:
        cluster.put(spec)
        cluster.settle()
    return cluster


def ended(cluster: Cluster, service: str) -> list[Task]:
    return [task for task in cluster.tables.tasks_of(cluster.tables.service_ids[service]) if task.ended]


def test_a_task_that_matters_more_takes_the_place_of_one_that_does_less_and_both_say_so() -> None:
    cluster = a_cluster(a_service("batch", 3), a_service("api", 2, 100))
    (api,) = cluster.ready("api")
    assert api.node == "w1"
    assert api.placement.endswith("; batch.1 of lower priority gave way")
    (batch,) = ended(cluster, "batch")
    assert (batch.state, batch.reason) == ("failed", "preempted")
    assert batch.message == "gave its place on w1 to api.1, whose priority is 100; its own is 0"
    (waiting,) = cluster.active("batch")
    assert (waiting.state, waiting.reason) == ("pending", "no-fit")
    told = {event.kind: event.message for event in cluster.tables.events.rows()}
    assert told["task-preempted"] == batch.message
    assert told["task-preempts"] == "waits for room on w1: batch.1 of lower priority stop for it"


def test_equal_priorities_never_give_way_to_each_other() -> None:
    cluster = a_cluster(a_service("first", 3, 5), a_service("second", 3, 5))
    assert [task.state for task in cluster.active("second")] == ["pending"]
    assert ended(cluster, "first") == []


def test_the_fewest_and_least_important_that_will_do_give_way() -> None:
    cluster = a_cluster(
        a_service("big", 4, 3, constraints=["node.name == w1"]),
        a_service("mid", 2, 1, constraints=["node.name == w2"]),
        a_service("low", 1, 0, replicas=2, constraints=["node.name == w2"]),
        a_service("api", 2, 9),
        nodes=2,
    )
    assert [len(ended(cluster, name)) for name in ("big", "mid", "low")] == [0, 0, 2]
    assert [task.node for task in cluster.ready("api")] == ["w2"]


def test_nothing_gives_way_in_vain() -> None:
    cluster = a_cluster(a_service("batch", 1, replicas=3), a_service("huge", 5, 100))
    assert ended(cluster, "batch") == []
    assert [task.message for task in cluster.active("huge")] == [
        "no node fits: 1 node: cpu 5 cores asked, the node has 4 cores"
    ]


def test_room_that_is_being_made_is_kept_and_made_once() -> None:
    cluster = a_cluster(a_service("batch", 4))
    cluster.put(a_service("api", 2, 100))
    for _ in range(3):
        cluster.plan()  # the agents have not obeyed yet
    (api,) = cluster.active("api")
    assert api.message == "waits for room on w1: batch.1 of lower priority stop for it"
    cluster.put(a_service("greedy", 1))
    cluster.settle()
    assert [task.node for task in cluster.ready("api")] == ["w1"]
    assert [task.node for task in cluster.ready("greedy")] == ["w1"]
    assert len(ended(cluster, "batch")) == 1


def test_a_chain_of_priorities_comes_to_its_end() -> None:
    cluster = a_cluster(a_service("c", 4, 1), a_service("d", 4, 0), a_service("b", 4, 2), a_service("a", 4, 3), nodes=2)
    placed = {name: [task.node for task in cluster.active(name)] for name in "abcd"}
    assert None not in placed["a"] + placed["b"]
    assert placed["c"] == placed["d"] == [None]


def test_a_host_port_is_given_up_too() -> None:
    cluster = a_cluster(a_service("old", 0.5, ports=["80:80"]), a_service("new", 0.5, 10, ports=["80:80"]))
    assert [task.node for task in cluster.ready("new")] == ["w1"]
    assert [task.reason for task in ended(cluster, "old")] == ["preempted"]


def test_a_global_service_makes_room_on_each_of_its_nodes() -> None:
    cluster = a_cluster(a_service("batch", 3, replicas=2), a_service("agent", 2, 5, mode="global"), nodes=2)
    assert sorted(str(task.node) for task in cluster.ready("agent")) == ["w1", "w2"]
    assert len(ended(cluster, "batch")) == 2


def test_a_new_version_does_not_push_the_old_one_of_its_own_service_out() -> None:
    cluster = a_cluster(a_service("web", 3, update={"order": "start-first"}))
    cluster.put(a_service("web", 3, 50, update={"order": "start-first"}))
    cluster.settle()
    assert not any(event.kind == "task-preempted" for event in cluster.tables.events.rows())


def test_a_thousand_that_fit_nowhere_and_matter_to_nobody_are_not_looked_at() -> None:
    cluster = a_cluster(a_service("web", 4), a_service("more", 4, replicas=50))
    assert at_once(plan_preemption_in_slices(cluster.tables, cluster.now_ms)) == []


def test_what_has_changed_since_it_was_planned_stays() -> None:
    cluster = a_cluster(a_service("batch", 3), a_service("api", 1))
    (batch,), (api,) = cluster.active("batch"), cluster.active("api")
    cluster.apply(PreemptTasks((batch.id, "gone"), (api.id, api.id)))
    assert cluster.active("batch")[0].desired == "run"


def test_the_port_of_one_that_gave_way_is_kept_while_another_still_stops() -> None:
    cluster = a_cluster(a_service("old", 1, ports=["80:80"]), a_service("slow", 3))
    cluster.put(a_service("new", 4, 10, ports=["80:80"]))
    for _ in range(3):
        cluster.plan()
    (old,) = [task for task in cluster.tables.tasks_of(cluster.tables.service_ids["old"]) if task.desired == "stop"]
    cluster.report(old, state="completed", reason=old.stop_reason, ended_ms=cluster.now_ms)
    cluster.put(a_service("greedy", 0, 5, ports=["80:80"]))
    cluster.plan()
    assert [task.node for task in cluster.active("greedy")] == [None]
    cluster.settle()
    assert [task.node for task in cluster.ready("new")] == ["w1"]


def test_two_who_want_one_port_make_room_on_two_nodes() -> None:
    old = a_service("old", 1, replicas=2, ports=["80:80"], max_per_node=1)
    cluster = Cluster()
    for number in (1, 2):
        cluster.node(f"w{number}", address=f"192.0.2.{number}:7201")
    cluster.put(old)
    cluster.settle()
    cluster.put(a_service("first", 1, 10, ports=["80:80"]), a_service("second", 1, 10, ports=["80:80"]))
    cluster.plan()
    assert {task.nominated for name in ("first", "second") for task in cluster.active(name)} == {"w1", "w2"}
    assert [task.desired for task in cluster.tables.tasks_of(cluster.tables.service_ids["old"])] == ["stop", "stop"]


def test_nothing_gives_way_for_a_port_that_a_node_of_the_same_host_keeps() -> None:
    cluster = Cluster()
    for name in ("w1", "w2"):
        cluster.node(name)  # both at one address
    for spec in (
        a_service("kept", 1, 50, ports=["80:80"], constraints=["node.name == w1"]),
        a_service("batch", 4, constraints=["node.name == w2"]),
        a_service("api", 2, 10, ports=["80:80"]),
    ):
        cluster.put(spec)
        cluster.settle()
    assert ended(cluster, "batch") == []
    assert [task.state for task in cluster.active("api")] == ["pending"]
