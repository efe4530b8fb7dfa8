from typing import Any

from vagrant import seen


def a_status(**others: Any) -> dict[str, Any]:
    managers = [{"name": name, "state": "ready"} for name in ("m1", "m2", "m3")]
    return {"quorum": True, "leader": "m1", "managers": managers, "nodes": {"ready": 2}, **others}


def a_task(name: str, node: str, **others: Any) -> dict[str, Any]:
    service = name.partition(".")[0]
    return {"name": name, "service": service, "node": node, "state": "running", "ready": True, **others}


def test_nobody_leads_without_quorum_or_without_an_answer() -> None:
    assert seen.leader(a_status()) == "m1"
    assert seen.leader(a_status(quorum=False)) is None
    assert seen.leader({}) is None


def test_a_cluster_is_whole_with_a_leader_all_managers_and_all_nodes() -> None:
    assert seen.whole(a_status(), ["m1", "m2", "m3"], 2)
    assert not seen.whole(a_status(nodes={"ready": 1, "down": 1}), ["m1", "m2", "m3"], 2)
    assert not seen.whole(a_status(managers=[{"name": "m1", "state": "ready"}]), ["m1", "m2"], 2)
    assert not seen.whole({}, ["m1"], 2)


def test_a_lost_nodes_tasks_are_replaced_when_as_many_run_elsewhere() -> None:
    before = [a_task("web.1", "w1"), a_task("web.2", "w2"), a_task("db.1", "w2")]
    lost = [a_task("web.1", "w1"), a_task("web.2", "w2", ready=False), a_task("db.1", "w1")]
    assert not seen.replaced(before, before, ["w2"])
    assert not seen.replaced(before, lost, ["w2"])
    assert not seen.replaced(before, [a_task("web.1", "w1"), a_task("web.2", "w1")], ["w2"])
    assert seen.replaced(before, [a_task("web.1", "w1"), a_task("web.2", "w1"), a_task("db.1", "w1")], ["w2"])


def test_containers_are_told_of_tasks_that_run() -> None:
    tasks = [a_task("web.1", "w1", container_id="c1"), a_task("web.2", "w1", state="failed", container_id="c2")]
    assert seen.containers(tasks) == {"web.1": "c1"}
