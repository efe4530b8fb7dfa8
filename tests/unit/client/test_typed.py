"""The typed client: structs back, errors that say what to do, and imports that cost nothing before they are used."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

import okube.client
from okube.client import Client, InvalidInput, Put, ServiceView, Snapshot, connect
from okube.client.api import OkubeClient
from okube.client.errors import GarbledAnswer
from okube.client.retry import Caller
from okube.model.errors import BadFile
from okube.model.foresight_views import BalanceView
from okube.model.quota import Quota, quota_view
from okube.model.service import Service
from okube.model.shown import service_view
from okube.model.spec import decode_spec
from tests.unit.client.playing import Manager, Received, Reply

Play = Callable[..., Manager]
Make = Callable[..., Caller]
SPEC = decode_spec({"name": "web", "image": "example/web:1"})


def _service(done: int = 1) -> dict[str, Any]:
    view = service_view(Service(id="s1", spec=SPEC, revision=7), running=done, done=done, total=1)
    shown: dict[str, Any] = msgspec.to_builtins(view)
    return shown


def _client(caller: Make, manager: Manager) -> Client:
    return Client(OkubeClient(caller(manager.address), sleep=lambda _: None), sleep=lambda _: None)


def test_what_the_cluster_shows_comes_as_structs(play: Play, caller: Make) -> None:
    services = _client(caller, play(lambda _: Reply(200, [_service()]))).services()
    assert [(s.name, s.replicas, s.update.state) for s in services] == [("web", 1, "done")]
    assert isinstance(services[0], ServiceView)


def test_fields_that_a_newer_cluster_adds_are_passed_over(play: Play, caller: Make) -> None:
    newer = {**_service(), "mood": "good"}
    assert _client(caller, play(lambda _: Reply(200, newer))).service("web").name == "web"


def test_an_answer_of_another_shape_says_which_client_to_use(play: Play, caller: Make) -> None:
    client = _client(caller, play(lambda _: Reply(200, {"name": "web"})))
    with pytest.raises(GarbledAnswer, match="version"):
        client.service("web")


def test_a_spec_may_be_a_struct_a_mapping_or_what_was_shown(play: Play, caller: Make) -> None:
    manager = play(lambda _: Reply(200, {**_service(), "action": "unchanged"}))
    client = _client(caller, manager)
    shown = msgspec.convert(_service(), ServiceView)
    for spec in (SPEC, {"name": "web", "image": "example/web:1"}, shown):
        assert client.put(spec, if_match=7).action == "unchanged"
    assert {request.path for request in manager.received} == {"/v1/services/web"}
    sent = [decode_spec(msgspec.json.decode(request.body)) for request in manager.received]
    assert sent == [SPEC] * 3


def test_what_would_happen_comes_as_structs(play: Play, caller: Make) -> None:
    balance = dict.fromkeys(BalanceView.__struct_fields__, 1)
    answers: dict[str, dict[str, object]] = {
        "/v1/plan": {"fits": True, "settled": True, "services": [], "tasks": [], "others": []},
        "/v1/whatif": {
            **{"fits": True, "settled": True, "services": [], "tasks": [], "lost": ["w1"], "added": [], "moved": 2},
            **{"unplaced": 0, "suffering": [], "limits": []},
            "quorum": {"kept": True, "voters": 3, "left": 2, "needed": 2, "lost": ["m1"]},
        },
        "/v1/rebalance": {
            **{"policy": "spread", "done": False, "moves": [], "more": False, "before": balance, "after": balance},
        },
        "/v1/apps/shop/cost": {
            **{"app": "shop", "cost": 2.5, "unmet": 0, "best_cost": 1.0, "best_unmet": 0},
            **{"edges": [], "moves": [], "staying": ["shop-all"]},
        },
    }
    manager = play(lambda received: Reply(200, {"revision": 7, **answers[received.path]}))
    client = _client(caller, manager)
    assert client.plan([SPEC]).fits
    assert client.whatif(lose=["w1", "m1"]).quorum.lost == ["m1"]
    assert not client.rebalance(dry_run=True, max_moves=3).moves
    assert client.net_cost("shop").staying == ["shop-all"]
    plan, whatif, rebalance, cost = manager.received
    assert [spec["name"] for spec in msgspec.json.decode(plan.body)["services"]] == [SPEC.name]
    assert msgspec.json.decode(whatif.body)["lose"] == ["w1", "m1"]
    assert (rebalance.method, rebalance.query) == ("POST", {"dry_run": "true", "max_moves": "3"})
    assert (cost.method, cost.path) == ("GET", "/v1/apps/shop/cost")


def test_quotas_are_structs_that_are_set_whole(play: Play, caller: Make) -> None:
    view = msgspec.to_builtins(quota_view(Quota(kind="app", name="shop", limits={"tasks": 2, "gpu": 1}), {"tasks": 3}))
    asked: list[tuple[str, str, bytes]] = []

    def answer(received: Received) -> Reply:
        asked.append((received.method, received.path, received.body))
        return Reply(200, [view] if received.path == "/v1/quotas" else view)

    client = _client(caller, play(answer))
    assert client.set_quota("app", "shop", {"tasks": 2, "gpu": 1}).limits.named == {"gpu": 1}
    (quota,) = client.quotas()
    assert (quota.used.tasks, quota.over) == (3, ("tasks: 3 of 2",))
    assert client.remove_quota("app", "shop").name == "shop"
    assert [(method, path) for method, path, _ in asked] == [
        ("PUT", "/v1/quotas/app/shop"),
        ("GET", "/v1/quotas"),
        ("DELETE", "/v1/quotas/app/shop"),
    ]
    assert msgspec.json.decode(asked[0][2]) == {"tasks": 2, "gpu": 1}


def test_values_go_in_as_bytes_and_those_of_configs_come_back(play: Play, caller: Make) -> None:
    shown = {"name": "a", "version": 2, "versions": [], "created_at": None, "updated_at": None, "revision": 7}
    raw = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 3\r\n\r\n\x00a\xff"
    manager = play(lambda asked: Reply(raw=raw) if asked.path.endswith("/value") else Reply(200, shown))
    client = _client(caller, manager)
    assert client.create_secret("a", b"\x00a\xff", app="shop").version == 2
    assert msgspec.json.decode(manager.received[-1].body)["value"] == "AGH/"
    assert client.rotate_secret("a", b"b", kind="config").name == "a"
    assert client.config_value("a") == b"\x00a\xff"
    client.delete_secret("a")
    places = [(asked.method, asked.path) for asked in manager.received]
    assert places[0] == ("POST", "/v1/secrets")
    assert places[1] == ("POST", "/v1/configs/a/rotate")
    assert places[-1] == ("DELETE", "/v1/secrets/a")


def test_wait_returns_once_all_tasks_serve(play: Play, caller: Make) -> None:
    shown = iter([_service(0), _service(0), _service(1)])
    assert _client(caller, play(lambda _: Reply(200, next(shown)))).wait("web").update.state == "done"


def test_wait_ends_where_nothing_comes_of_it(play: Play, caller: Make) -> None:
    client = _client(caller, play(lambda _: Reply(200, _service(0))))
    with pytest.raises(TimeoutError, match="0 of 1 tasks are ready"):
        client.wait("web", timeout_s=0)


def test_following_gives_all_and_then_each_change(play: Play, caller: Make) -> None:
    line = {"type": "put", "revision": 9, "object": _service(0)}

    def answer(received: Received) -> Reply:
        if "watch" in received.query:
            return Reply(200, line, {"Content-Type": "application/x-ndjson"})
        return Reply(200, [_service()], {"Okube-Revision": "8"})

    following = _client(caller, play(answer)).follow_services()
    first, second = next(following), next(following)
    assert isinstance(first, Snapshot) and isinstance(second, Put)
    assert (first.revision, first.objects[0].name) == (8, "web")
    assert (second.revision, second.object.update.state) == (9, "rolling")


def test_connect_says_what_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("OKUBE_MANAGERS", "OKUBE_CONFIG", "OKUBE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InvalidInput, match="where they are"):
        connect()
    with pytest.raises(InvalidInput, match="https"):
        connect("http://192.0.2.1:7101")
    with pytest.raises(BadFile, match="no credentials"):
        connect("https://192.0.2.1:7101")
    with pytest.raises(BadFile, match="no file"):
        connect(cluster="nowhere.yaml")
    (tmp_path / "cluster.yaml").write_text("managers: [{name: m1}]\n")
    with pytest.raises(BadFile, match="host and port"):
        connect()


def test_every_name_that_is_exported_is_there() -> None:
    for name in okube.client.__all__:
        assert getattr(okube.client, name).__name__ == name
    with pytest.raises(AttributeError):
        okube.client.no_such_name  # noqa: B018  the access is the test


def test_the_package_by_itself_imports_nothing() -> None:
    script = (
        "import sys, okube.client\nprint(*sorted(m for m in sys.modules if m.startswith(('okube', 'msgspec', 'ssl'))))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["okube", "okube.client"]
