"""What the state machine promises to Raft and to clients."""

import msgspec

from okube.model import commands as c
from okube.model.epoch import Epoch
from okube.model.names import new_id
from okube.state import BATCH_VERSION, StateMachine
from okube.state.requests import KEPT_BYTES, KEPT_MS
from tests.builders import Cluster, a_spec


def _refusal(result: c.Result) -> str:
    assert isinstance(result, c.Refused), result
    return result.kind


def test_an_entry_that_is_no_batch_changes_nothing_and_raises_nothing() -> None:
    machine = StateMachine()
    assert machine.apply(1, 1, b"\x00garbage") == []
    assert machine.tables.revision == 0


def test_a_command_that_cannot_be_read_is_refused_and_the_rest_of_its_batch_is_applied() -> None:
    cluster = Cluster()
    items = (c.Item(msgspec.msgpack.encode(["scale-services/1", 1])), c.Item(c.encode_command(_put("web"))))
    unreadable, known = cluster.apply_batch(c.Batch(BATCH_VERSION, cluster.epoch, 1, items))
    assert _refusal(unreadable) == "unknown-command"
    assert isinstance(known, c.Applied)


def test_a_defect_in_a_handler_is_a_refusal_and_is_counted() -> None:
    cluster = Cluster()
    broken = c.CreateTasks("x", 1, ("a", "b"), (1,), (0,), (0,), (None,), (None,))
    cluster.put(a_spec())
    service_id = cluster.tables.service_ids["web"]
    broken = msgspec.structs.replace(broken, service_id=service_id)
    assert _refusal(cluster.apply(broken)[0]) == "defect"
    assert cluster.machine.defects == 1


def test_a_batch_of_a_deposed_leader_is_refused_whole() -> None:
    cluster = Cluster()
    cluster.epoch = Epoch(1, 7)
    cluster.put(a_spec("first"))
    cluster.epoch = Epoch(1, 6)
    assert _refusal(cluster.put(a_spec("late"))) == "stale-epoch"
    assert "late" not in cluster.tables.service_ids


def test_the_incarnation_counts_before_the_term() -> None:
    cluster = Cluster()
    cluster.epoch = Epoch(2, 1)
    cluster.put(a_spec("first"))
    cluster.epoch = Epoch(1, 99)
    assert _refusal(cluster.put(a_spec("late"))) == "stale-epoch"


def test_a_repeated_request_gets_the_first_result_and_does_nothing_again() -> None:
    cluster = Cluster()
    first = cluster.apply(_put("web", "id1"), request_id="r1", fingerprint=b"f")
    revision = cluster.tables.revision
    again = cluster.apply(_put("web", "id2"), request_id="r1", fingerprint=b"f")
    assert again == first
    assert cluster.tables.revision == revision
    assert list(cluster.tables.services) == ["id1"]


def test_a_refusal_is_remembered_too() -> None:
    cluster = Cluster()
    cluster.put(a_spec("web"))
    refused = cluster.apply(_put("web"), request_id="r1", fingerprint=b"f")
    cluster.apply(c.DeleteServices(("web",)))
    assert cluster.apply(_put("web"), request_id="r1", fingerprint=b"f") == refused


def test_a_key_used_for_another_request_is_refused() -> None:
    cluster = Cluster()
    cluster.apply(_put("web"), request_id="r1", fingerprint=b"f")
    assert _refusal(cluster.apply(_put("api"), request_id="r1", fingerprint=b"g")[0]) == "key-reused"


def test_requests_are_forgotten_by_age_as_the_proposers_stamped_it() -> None:
    cluster = Cluster()
    cluster.apply(_put("web"), request_id="old", fingerprint=b"f")
    cluster.now_ms += KEPT_MS + 1
    cluster.apply(_put("api"), request_id="new", fingerprint=b"f")
    assert cluster.tables.requests.get("old") is None
    assert cluster.tables.requests.get("new") is not None


def test_requests_are_forgotten_by_the_size_of_their_results_but_never_the_newest() -> None:
    cluster = Cluster()
    large = {"A": "x" * 700_000}
    for number in range(30):
        spec = a_spec("web", env=large, labels={"n": str(number)})
        cluster.apply(c.PutServices((spec,), ("s",), "upsert"), request_id=f"r{number}", fingerprint=b"f")
    kept = cluster.tables.requests.rows()
    assert sum(len(row.result.body) for row in kept if isinstance(row.result, c.Applied)) <= KEPT_BYTES
    assert kept[-1].request_id == "r29"
    assert len(kept) > 10


def test_time_does_not_go_back_with_a_leader_whose_clock_is_behind() -> None:
    cluster = Cluster()
    cluster.put(a_spec("web"))
    before = cluster.tables.time_ms
    cluster.now_ms -= 60_000
    cluster.put(a_spec("api"))
    assert cluster.tables.time_ms == before


def test_each_changed_row_takes_one_revision() -> None:
    cluster = Cluster()
    cluster.put(a_spec("one"), a_spec("two"))
    revisions = [service.revision for service in cluster.tables.services.values()]
    revisions += [event.revision for event in cluster.tables.events.rows()]
    assert revisions == [1, 2, 3, 4]
    assert cluster.tables.revision == 4


def test_several_services_are_put_all_or_none() -> None:
    cluster = Cluster()
    cluster.put(a_spec("two"))
    assert _refusal(cluster.put(a_spec("one"), a_spec("two"), how="create")) == "conflict"
    assert list(cluster.tables.service_ids) == ["two"]


def test_if_match_lets_one_of_two_writers_win() -> None:
    cluster = Cluster()
    cluster.put(a_spec("web"))
    revision = next(iter(cluster.tables.services.values())).revision
    winner = c.PutServices((a_spec("web", image="example/web:2"),), ("x",), "upsert", "", revision)
    loser = c.PutServices((a_spec("web", image="example/web:3"),), ("y",), "upsert", "", revision)
    first, second = cluster.apply(winner, loser)
    assert isinstance(first, c.Applied)
    assert _refusal(second) == "conflict"
    assert next(iter(cluster.tables.services.values())).spec.image == "example/web:2"


def test_a_wiped_node_is_not_let_in_under_its_old_name() -> None:
    cluster = Cluster()
    cluster.node("w1")
    other = c.RegisterNode("w1", "another", "192.0.2.1:7201", {}, "", 4.0, 1 << 33, 1 << 33, "docker", "1")
    (refused,) = cluster.apply(other)
    assert _refusal(refused) == "conflict"
    assert isinstance(refused, c.Refused)
    assert "okube nodes rm w1" in refused.detail
    cluster.node_down("w1")
    cluster.apply(c.RemoveNode("w1"))
    assert isinstance(cluster.apply(other)[0], c.Applied)


def test_a_ready_node_is_not_forgotten() -> None:
    cluster = Cluster()
    cluster.node("w1")
    assert _refusal(cluster.apply(c.RemoveNode("w1"))[0]) == "conflict"


def test_a_node_that_is_barred_goes_though_it_is_ready_and_its_instance_never_comes_back() -> None:
    cluster = Cluster()
    cluster.node("w1")
    instance = cluster.tables.nodes["w1"].id
    assert isinstance(cluster.apply(c.RemoveNode("w1", bar=True))[0], c.Applied)
    assert "w1" not in cluster.tables.nodes
    for name in ("w1", "w2"):
        again = c.RegisterNode(name, instance, "192.0.2.1:7201", {}, "", 4.0, 1 << 33, 1 << 33, "docker", "1")
        assert _refusal(cluster.apply(again)[0]) == "conflict"
    anew = c.RegisterNode("w1", "another", "192.0.2.1:7201", {}, "", 4.0, 1 << 33, 1 << 33, "docker", "1")
    assert isinstance(cluster.apply(anew)[0], c.Applied)


def test_reports_go_forwards_only_and_from_the_task_s_own_node_only() -> None:
    cluster = Cluster()
    cluster.node("w1")
    cluster.node("w2")
    cluster.put(a_spec())
    cluster.settle()
    (task,) = cluster.ready("web")
    other = "w2" if task.node == "w1" else "w1"
    cluster.apply(c.ReportTasks(other, f"i-{other}", (c.TaskReport(task.id, "failed"),)))
    cluster.apply(c.ReportTasks(task.node or "", "another-instance", (c.TaskReport(task.id, "failed"),)))
    assert cluster.tables.tasks[task.id].state == "running"
    cluster.report(task, state="completed", reason="exited", exit_code=0)
    cluster.report(task, state="running", ready=True)
    assert cluster.tables.tasks[task.id].state == "completed"


def test_placing_skips_a_node_that_takes_no_tasks_any_more_and_a_port_that_was_taken() -> None:
    cluster = Cluster()
    cluster.node("w1")
    cluster.put(a_spec("one", ports=["8080:80"]), a_spec("two", ports=["8080:80"]))
    cluster.plan()
    one, two = cluster.active("one")[0], cluster.active("two")[0]
    assert one.node == "w1"
    cluster.apply(c.PlaceTasks((two.id,), ("w1",), ((8080,),)))
    assert cluster.tables.tasks[two.id].state == "pending"
    cluster.apply(c.UpdateNode("w1", "cordoned"))
    cluster.apply(c.PlaceTasks((two.id,), ("w1",), ((8081,),)))
    assert cluster.tables.tasks[two.id].state == "pending"


def test_a_slot_takes_no_second_task_however_often_it_is_created() -> None:
    cluster = Cluster()
    cluster.put(a_spec())
    service_id = cluster.tables.service_ids["web"]
    for _ in range(3):
        cluster.apply(c.CreateTasks(service_id, 1, (new_id(cluster.rng),), (1,), (0,), (0,), (None,), (None,)))
    assert len(cluster.tables.tasks) == 1


def test_roll_back_goes_to_the_version_before_and_again_goes_forth() -> None:
    cluster = Cluster()
    cluster.put(a_spec(image="example/web:1"))
    cluster.put(a_spec(image="example/web:2"))
    cluster.apply(c.RefreshServices(("web",), "rollback"))
    service = next(iter(cluster.tables.services.values()))
    assert (service.spec.image, service.version) == ("example/web:1", 3)


def test_five_versions_and_five_ended_tasks_a_slot_are_kept() -> None:
    cluster = Cluster()
    cluster.node("w1")
    for number in range(12):
        cluster.put(a_spec(image=f"example/web:{number}"))
        cluster.settle()
    service = next(iter(cluster.tables.services.values()))
    assert len(service.versions) == 5
    ended = [task for task in cluster.tables.tasks.values() if task.ended]
    assert len(ended) == 5
    kept = {service.version, *(v.version for v in service.versions), *(t.version for t in ended)}
    assert {version for _, version in cluster.tables.specs} == kept


def test_a_restored_manager_gives_the_same_revisions_as_one_that_lived_through_it() -> None:
    lived = Cluster()
    lived.node("w1")
    lived.put(a_spec(replicas=3))
    lived.plan()
    lived.plan()
    for task in reversed(lived.active("web")):
        lived.report(task, ready=True)
    restored = StateMachine()
    restored.restore(b"".join(lived.machine.snapshot()))
    for command in (c.SetNodeState(("w1",), ("i-w1",), "down"), c.RemoveNode("w1")):
        lived.apply(command)
        restored.apply(lived.index, 1, lived.log[-1])
        assert restored.tables.digest.hex() == lived.tables.digest.hex()


def test_a_task_whose_node_came_back_is_not_ended_for_it() -> None:
    cluster = Cluster()
    cluster.node("w1")
    cluster.put(a_spec())
    cluster.settle()
    (task,) = cluster.ready("web")
    cluster.apply(c.EndTasks((task.id,), "failed", "node-lost"))
    assert cluster.tables.tasks[task.id].state == "running"


def test_an_agent_s_wrong_clock_counts_only_within_what_the_cluster_knows() -> None:
    cluster = Cluster()
    cluster.node("w1")
    cluster.put(a_spec(restart="never"), a_spec("early", restart="never"))
    cluster.settle()
    day = 86_400_000
    (late,) = cluster.ready("web")
    (early,) = cluster.ready("early")
    cluster.report(late, state="failed", reason="exit-code", ended_ms=cluster.now_ms + day)
    cluster.report(early, state="failed", reason="exit-code", ended_ms=cluster.now_ms - day)
    assert cluster.tables.tasks[late.id].ended_ms == cluster.now_ms
    assert cluster.tables.tasks[early.id].ended_ms == early.scheduled_ms


def test_ending_a_task_by_name_gives_the_first_answer_when_it_is_repeated() -> None:
    cluster = Cluster()
    cluster.put(a_spec())
    cluster.plan()
    first = cluster.apply(c.StopTask("web.1"), request_id="r", fingerprint=b"f")
    assert isinstance(first[0], c.Applied)
    assert not cluster.tables.tasks
    assert cluster.apply(c.StopTask("web.1"), request_id="r", fingerprint=b"f") == first
    assert _refusal(cluster.apply(c.StopTask("web.1"))[0]) == "not-found"


def test_a_stopped_service_that_is_put_again_stays_stopped() -> None:
    cluster = Cluster()
    cluster.put(a_spec())
    cluster.apply(c.RefreshServices(("web",), "stop"))
    cluster.put(a_spec())
    cluster.put(a_spec(image="example/web:2"))
    assert next(iter(cluster.tables.services.values())).stopped
    cluster.scale("web", 2)
    assert not next(iter(cluster.tables.services.values())).stopped


def _put(name: str, service_id: str = "s1") -> c.PutServices:
    return c.PutServices((a_spec(name),), (service_id,), "create")


def test_a_task_does_not_take_over_from_one_whose_node_came_back_before_it_was_placed() -> None:
    cluster = Cluster()
    cluster.node("w1")
    cluster.put(a_spec(replicas=1))
    cluster.settle()
    (task,) = cluster.active("web")
    cluster.node_down("w1")
    cluster.node("w2")
    service_id = task.service_id
    cluster.apply(c.CreateTasks(service_id, 1, ("t2",), (1,), (0,), (0,), (task.id,), (None,)))
    cluster.node_back("w1")
    cluster.apply(c.PlaceTasks(("t2",), ("w2",), ((),)))  # planned while the node was down
    assert cluster.tables.tasks["t2"].state == "pending"
    assert not cluster.tables.tasks[task.id].ended
    cluster.settle()
    assert [t.id for t in cluster.ready("web")] == [task.id]


def test_a_report_that_crosses_the_loss_of_its_node_makes_nothing_ready() -> None:
    cluster = Cluster()
    cluster.node("w1")
    cluster.put(a_spec(replicas=1))
    cluster.settle()
    (task,) = cluster.active("web")
    cluster.node_down("w1")
    cluster.report(task, ready=True)
    assert not cluster.tables.tasks[task.id].ready


def test_a_put_that_prunes_forgets_the_rest_of_its_apps_and_nothing_else() -> None:
    cluster = Cluster()
    cluster.node("w1")
    cluster.put(a_spec("a", app="shop"), a_spec("b", app="shop"), a_spec("other", app="other"), a_spec("lone"))
    cluster.settle()
    spec = a_spec("a", app="shop")
    result = cluster.apply(c.PutServices((spec,), ("x",), "upsert", "ada", prune=True))[0]
    assert isinstance(result, c.Applied)
    assert result.revision == cluster.tables.revision
    assert [(s["name"], s["action"]) for s in msgspec.json.decode(result.body)] == [
        ("a", "unchanged"),
        ("b", "removed"),
    ]
    assert sorted(cluster.tables.service_ids) == ["a", "lone", "other"]
    assert [task.name for task in cluster.tables.tasks.values() if task.desired == "stop"] == ["b.1"]
    assert [(e.subject, e.by) for e in cluster.tables.events.rows() if e.kind == "service-removed"] == [("b", "ada")]


def test_a_put_that_is_refused_prunes_nothing() -> None:
    cluster = Cluster()
    cluster.put(a_spec("a", app="shop"), a_spec("b", app="shop"))
    spec = a_spec("a", app="shop", mode="global")
    result = cluster.apply(c.PutServices((spec,), ("x",), "upsert", prune=True))[0]
    assert isinstance(result, c.Refused)
    assert sorted(cluster.tables.service_ids) == ["a", "b"]
