"""Commands that only look: status, inspect, services, managers."""

import json
from collections.abc import Callable
from typing import Any

from click.testing import Result

from okube.model.shown import spec_view
from okube.model.spec import decode_spec
from tests.unit.cli.cluster import STATUS, Cluster, a_node, a_service, a_task, an_app, an_event
from tests.unit.client.playing import Manager, Reply

Okube = Callable[..., Result]


def test_the_status_at_a_glance(okube: Okube) -> None:
    assert okube("status").stdout.splitlines() == [
        "cluster   lab",
        "quorum    yes",
        "leader    m1",
        "epoch     1.3",
        "revision  120",
        "nodes     3 ready",
        "tasks     5 running, 1 pending",
        "",
        "MANAGER  ADDRESS          ROLE      STATE  REVISION  LAG",
        "m1       192.0.2.11:7101  leader    ready       120    0",
        "m2       192.0.2.12:7101  follower  ready       118    2",
        "m3       192.0.2.13:7101  unknown   down",
    ]


def test_without_quorum_the_status_is_no_error_and_says_how_old_it_is(okube: Okube, cluster: Cluster) -> None:
    alone = [{**m, "state": "ready" if m["name"] == "m1" else "down"} for m in STATUS["managers"]]
    cluster.status = {**STATUS, "quorum": False, "leader": None, "age_s": 12.34, "managers": alone}
    result = okube("status")
    assert result.exit_code == 0
    assert "quorum    no: nothing can be changed until a majority of the managers is back" in result.stdout
    assert "12.3 s old" in result.stdout
    assert "leader    none" in result.stdout
    assert json.loads(okube("status", "-o", "json").stdout)["quorum"] is False


def test_without_quorum_for_lack_of_room_the_status_says_so(okube: Okube, cluster: Cluster) -> None:
    full = [{**m, "state": "ready" if m["name"] == "m1" else "disk-full"} for m in STATUS["managers"]]
    cluster.status = {**STATUS, "quorum": False, "leader": None, "age_s": 12.34, "managers": full}
    assert "until a majority of the managers runs and has room on its disk; what follows" in okube("status").stdout


def test_an_election_is_not_taken_for_the_loss_of_the_majority(okube: Okube, cluster: Cluster) -> None:
    cluster.status = {**STATUS, "quorum": False, "leader": None, "age_s": 0.3}
    assert "quorum    not now: the managers elect a leader, look again in a second" in okube("status").stdout
    cluster.status = {**STATUS, "quorum": False, "leader": None, "age_s": 30.0}
    assert "quorum    no: most managers answer, and none of them leads; their logs say why" in okube("status").stdout


def test_a_manager_that_joins_does_not_count_for_the_majority(okube: Okube, cluster: Cluster) -> None:
    joining = {"name": "m4", "role": "unknown", "state": "down", "voter": False}
    managers = [*STATUS["managers"], joining]
    cluster.status = {**STATUS, "quorum": False, "leader": None, "age_s": 0.3, "managers": managers}
    assert "quorum    not now: the managers elect a leader" in okube("status").stdout


def test_a_stale_list_says_on_stderr_whose_view_it_is(okube: Okube, manager: Manager) -> None:
    manager.behave = lambda _: Reply(200, [a_task("web.1")], {"Okube-Age": "4.2"})
    result = okube("ps", "--stale", "-o", "json")
    assert json.loads(result.stdout)[0]["name"] == "web.1"
    assert "4.2 s old" in result.stderr
    assert manager.received[-1].query["stale"] == "true"


def test_inspect_shows_a_service_with_its_tasks(okube: Okube, cluster: Cluster) -> None:
    cluster.add(a_service("web", 2), a_task("web.1"), a_task("web.2", "failed", reason="image-pull"))
    found = json.loads(okube("inspect", "service", "web", "-o", "json").stdout)
    assert [t["name"] for t in found["tasks"]] == ["web.1", "web.2"]
    shown = okube("inspect", "services", "web").stdout
    assert shown.startswith("service web: 0 of 2 ready\n")
    assert "ended lately:\n" in shown
    assert "image-pull" in shown


def test_inspect_shows_a_task_with_those_before_it_in_its_slot(okube: Okube, cluster: Cluster) -> None:
    before = a_task("web.1", "failed", id="before", reason="out-of-memory")
    cluster.add(a_service("web", 2), a_task("web.1", id="now"), before, a_task("web.2"))
    found = json.loads(okube("inspect", "task", "now", "-o", "json").stdout)
    assert (found["id"], [t["id"] for t in found["history"]]) == ("now", ["before"])


def test_inspect_shows_a_node_with_its_tasks_and_a_manager(okube: Okube, cluster: Cluster) -> None:
    cluster.nodes = {"w1": a_node("w1")}
    cluster.tasks = [a_task("web.1")]
    shown = okube("inspect", "node", "w1").stdout
    assert "memory   7.8 GiB free of 8.0 GiB; 256.0 MiB promised" in shown
    assert "what it holds:\n  TASK   STATE" in shown
    assert json.loads(okube("inspect", "manager", "m2", "-o", "json").stdout)["role"] == "follower"
    assert "did you mean m3?" in okube("inspect", "manager", "m33").stderr


def test_inspect_without_a_kind_shows_what_is_found_first(okube: Okube, cluster: Cluster) -> None:
    cluster.add(a_service("web"), a_task("web.1"))
    cluster.nodes = {"w1": a_node("w1")}
    cluster.apps = [an_app("shop", "web")]
    titles = [okube("inspect", name).stdout.split(":")[0] for name in ("web.1", "web", "w1", "m1", "shop")]
    assert titles == ["task web.1", "service web", "node w1", "manager m1", "app shop"]
    assert "there is nothing named w11; did you mean w1?" in okube("inspect", "w11").stderr
    assert "which task?" in okube("inspect", "task").stderr


def _spec(image: str, replicas: int) -> dict[str, Any]:
    return spec_view(decode_spec({"name": "web", "image": image, "replicas": replicas}))


def test_inspect_tells_what_each_version_of_a_service_changed(okube: Okube, cluster: Cluster) -> None:
    cluster.add(a_service("web", 2, version=2))
    cluster.versions["web"] = [
        {"version": 1, "current": False, "spec": _spec("nginx:1.26", 1)},
        {"version": 2, "current": True, "spec": _spec("nginx:1.27", 2)},
    ]
    shown = okube("inspect", "service", "web").stdout
    assert "versions:\n  VERSION  IMAGE       CHANGED\n  1        nginx:1.26\n" in shown
    assert "  2 now    nginx:1.27  image, replicas\n" in shown


def test_inspect_tells_the_last_events(okube: Okube, cluster: Cluster) -> None:
    cluster.add(a_service("web"), a_task("web.1", id="t1"))
    cluster.events = [
        an_event("task-failed", "web.1", service="web", level="error", message="exit code 3"),
        an_event("task-failed", "db.1", service="db"),
    ]
    assert [e["subject"] for e in json.loads(okube("inspect", "web.1", "-o", "json").stdout)["events"]] == ["web.1"]
    assert "error  task-failed  web.1" in okube("inspect", "service", "web").stdout


def test_events_are_a_list_with_filters(okube: Okube, cluster: Cluster) -> None:
    cluster.add(a_service("web", app="shop"))
    cluster.events = [
        an_event("task-running", "web.1", service="web", node="w1", message="runs on w1", count=3),
        an_event("node-down", "w2", node="w2", level="warning", time="2026-01-31T12:00:00.000Z"),
    ]

    def subjects(*flags: str) -> list[str]:
        return [e["subject"] for e in json.loads(okube("events", *flags, "-o", "json").stdout)]

    assert subjects() == ["web.1", "w2"]
    assert subjects("web") == ["web.1"]
    assert subjects("--app", "shop") == ["web.1"]
    assert subjects("--level", "warning", "--level", "error") == ["w2"]
    assert subjects("--node", "w1", "--kind", "task-running") == ["web.1"]
    assert subjects("--since", "2027-01-01") == []
    assert subjects("--tail", "1") == ["w2"]
    assert "runs on w1 (3 times)" in okube("events").stdout


def test_apps_are_a_list(okube: Okube, cluster: Cluster) -> None:
    cluster.apps = [an_app("shop", "shop-web", "shop-db", ready=3, wanted=4, state="deploying")]
    assert okube("apps").stdout.splitlines() == [
        "APP   STATE      READY  SERVICES",
        "shop  deploying    3/4  shop-web,shop-db",
    ]


def test_services_and_managers_are_lists(okube: Okube, cluster: Cluster) -> None:
    cluster.add(a_service("web"))
    assert [s["name"] for s in json.loads(okube("services", "-o", "json").stdout)] == ["web"]
    assert len(json.loads(okube("managers", "-o", "json").stdout)) == 3
    assert okube("services", "-o", "wide").stdout.splitlines()[0].startswith("SERVICE  MODE")


def test_filters_of_ps_reach_the_cluster(okube: Okube, manager: Manager) -> None:
    okube("ps", "web", "--node", "w1", "--state", "failed", "--app", "shop", "-a")
    query = manager.requests("GET", "/v1/tasks")[-1].query
    assert {k: v for k, v in query.items() if k != "limit"} == {
        "service": "web",
        "node": "w1",
        "state": "failed",
        "app": "shop",
        "all": "true",
    }
