"""Who has some apps alone sees and changes these, and nothing else: not by name, not by list, not by watching."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from okube.model import commands as c
from okube.model.sealed import Sealed
from okube.model.secret import Secret, SecretVersion
from okube.model.versions import COMMAND_VERSION
from tests.unit.manager.conftest import Answer, Api
from tests.unit.manager.people import a_user, token_of, until

OLGA = token_of("olga")


def a_service(name: str, app: str | None) -> dict[str, Any]:
    return {"name": name, "image": "example/web:1", "replicas": 1, **({"app": app} if app else {})}


@pytest.fixture
async def two_apps(api: Api) -> Api:
    """Apps shop and bank, a service of none, and an operator of shop."""
    await a_user(api, "olga", "operator", "shop")
    for name, app in (("web", "shop"), ("ledger", "bank"), ("lone", None)):
        assert (await api("POST", "/v1/services", a_service(name, app))).status == 201
    await until(lambda: len(api.core.tables.tasks) >= 3)
    return api


def _names(answer: Answer) -> set[str]:
    assert answer.status == 200, answer.body
    return {row["name"] for row in answer.body}


async def test_lists_hold_what_is_of_the_apps(two_apps: Api) -> None:
    assert _names(await two_apps("GET", "/v1/services", token=OLGA)) == {"web"}
    assert _names(await two_apps("GET", "/v1/tasks", token=OLGA)) == {"web.1"}
    assert _names(await two_apps("GET", "/v1/apps", token=OLGA)) == {"shop"}
    told = (await two_apps("GET", "/v1/events", token=OLGA)).body
    assert {event["service"] for event in told} == {"web"}
    assert _names(await two_apps("GET", "/v1/services?app=bank", token=OLGA)) == set()


async def test_pages_hold_what_is_of_the_apps(two_apps: Api) -> None:
    page = await two_apps("GET", "/v1/services?limit=1", token=OLGA)
    assert _names(page) == {"web"}
    assert "Okube-Continue" not in page.headers


@pytest.mark.parametrize("name", ["ledger", "lone"])
async def test_what_is_of_another_app_is_neither_shown_nor_changed(two_apps: Api, name: str) -> None:
    tables = two_apps.core.tables
    service = tables.service_named(name)
    assert service is not None
    task = next(task.id for task in tables.tasks.values() if task.service == name)
    moved = a_service(name, "shop")
    calls: list[tuple[str, str, Any]] = [
        ("GET", f"/v1/services/{name}", None),
        ("GET", f"/v1/services/{name}/versions", None),
        ("GET", f"/v1/tasks/{task}", None),
        ("GET", f"/v1/tasks/{name}.1/logs", None),
        ("DELETE", f"/v1/tasks/{task}", None),
        ("PUT", f"/v1/services/{name}", moved),
        ("PUT", f"/v1/services/{name}", a_service(name, "bank")),
        ("DELETE", f"/v1/services/{name}", None),
        ("POST", f"/v1/services/{name}/stop", None),
        ("POST", f"/v1/services/{name}/restart", None),
        ("POST", f"/v1/services/{name}/rollback", None),
        ("POST", "/v1/scale", {"services": {"web": 2, name: 2}}),
        ("POST", "/v1/apply", {"services": [a_service("web", "shop"), moved]}),
        ("POST", "/v1/apply?dry_run=true", {"services": [moved]}),
    ]
    before = tables.digest.hex()
    for method, path, body in calls:
        answer = await two_apps(method, path, body, token=OLGA)
        assert answer.status == 403, (method, path, answer.body)
        assert "shop alone" in answer.body["detail"]
    after = tables.service_named(name)
    assert after == service
    assert before
    assert (await two_apps("GET", "/v1/services/web")).body["replicas"] == 1


async def test_an_app_that_is_another_s_is_neither_shown_nor_changed(two_apps: Api) -> None:
    for method, path in (("GET", "/v1/apps/bank"), ("DELETE", "/v1/apps/bank"), ("POST", "/v1/apps/bank/stop")):
        assert (await two_apps(method, path, token=OLGA)).status == 403
    assert two_apps.core.tables.service_named("ledger") is not None
    assert (await two_apps("POST", "/v1/apps/shop/stop", token=OLGA)).status == 200


async def test_nothing_is_made_outside_of_the_apps(two_apps: Api) -> None:
    for app in ("bank", None):
        assert (await two_apps("POST", "/v1/services", a_service("new", app), token=OLGA)).status == 403
    assert (await two_apps("POST", "/v1/services", a_service("new", "shop"), token=OLGA)).status == 201
    assert (await two_apps("PUT", "/v1/services/new", a_service("new", "bank"), token=OLGA)).status == 403


async def test_pruning_removes_what_is_of_the_apps_alone(two_apps: Api) -> None:
    body = {"services": [a_service("new", "shop")]}
    assert (await two_apps("POST", "/v1/apply?prune=true", body, token=OLGA)).status == 200
    assert _names(await two_apps("GET", "/v1/services")) == {"new", "ledger", "lone"}


async def test_what_its_own_app_has_is_seen_to(two_apps: Api) -> None:
    assert (await two_apps("POST", "/v1/scale", {"services": {"web": 2}}, token=OLGA)).status == 200
    assert (await two_apps("DELETE", "/v1/tasks/web.1", token=OLGA)).status == 200
    assert (await two_apps("DELETE", "/v1/services/web", token=OLGA)).status == 200


async def test_usage_tells_of_no_nodes_and_no_tasks_of_others(two_apps: Api) -> None:
    usage = await two_apps("GET", "/v1/usage", token=OLGA)
    assert usage.body == {"nodes": [], "tasks": [], "silent": []}


@pytest.mark.parametrize("kind", ["services", "tasks", "apps", "events"])
async def test_a_watch_shows_what_is_of_the_apps_and_what_leaves_them_as_it_was(two_apps: Api, kind: str) -> None:
    since = two_apps.core.tables.revision
    await two_apps("PUT", "/v1/services/ledger", {**a_service("ledger", "bank"), "replicas": 2})
    await two_apps("PUT", "/v1/services/web", {**a_service("web", "bank"), "env": {"HIDDEN": "from-shop"}})
    await two_apps("POST", "/v1/services", a_service("last", "shop"))
    await until(lambda: any(task.service == "last" for task in two_apps.core.tables.tasks.values()))
    lines = await _watched(two_apps, f"/v1/{kind}?watch=true&since={since}", "last" if kind != "apps" else "shop")
    shown = json.dumps(lines)
    assert "ledger" not in shown
    assert "HIDDEN" not in shown
    assert "bank" not in shown
    if kind == "services":
        assert ("delete", "web") in [(line["type"], line["object"]["name"]) for line in lines]


async def _watched(api: Api, path: str, last: str) -> list[dict[str, Any]]:
    """The lines of a watch, without marks, up to the first that speaks of ``last``."""
    lines = []
    headers = {"Authorization": f"Bearer {OLGA}"}
    async with aiohttp.ClientSession() as session, session.get(api.url + path, headers=headers) as response:
        assert response.status == 200
        async with asyncio.timeout(10):
            async for raw in response.content:
                line = json.loads(raw)
                if line["type"] != "mark":
                    lines.append(line)
                    if last in raw.decode():
                        break
    return lines


async def test_a_service_goes_back_to_no_version_of_another_app_and_shows_none(two_apps: Api) -> None:
    moved = {**a_service("ledger", "shop"), "image": "example/web:2"}
    assert (await two_apps("PUT", "/v1/services/ledger", moved)).status == 200
    assert len((await two_apps("GET", "/v1/services/ledger/versions")).body) == 2
    shown = (await two_apps("GET", "/v1/services/ledger/versions", token=OLGA)).body
    assert [version["spec"]["app"] for version in shown] == ["shop"]
    assert (await two_apps("POST", "/v1/services/ledger/rollback", token=OLGA)).status == 403
    assert (await two_apps("GET", "/v1/services/ledger")).body["app"] == "shop"


async def test_no_path_of_a_node_and_no_volume_of_another_app_is_taken(two_apps: Api) -> None:
    ledger = {**a_service("ledger", "bank"), "volumes": ["books:/books"]}
    assert (await two_apps("PUT", "/v1/services/ledger", ledger)).status == 200
    for volume, status in (("/etc:/host", 403), ("books:/books", 403), ("own:/data", 200)):
        body = {**a_service("web", "shop"), "volumes": [volume]}
        assert (await two_apps("PUT", "/v1/services/web", body, token=OLGA)).status == status, volume


async def test_nobody_with_some_apps_takes_places_of_others_by_priority(two_apps: Api) -> None:
    while two_apps.core.tables.settings.command_version < COMMAND_VERSION:
        await two_apps.core.raft.wait_applied(two_apps.core.raft.applied_index + 1)
    for priority, status in ((5, 403), (-5, 200), (0, 200)):
        body = {**a_service("web", "shop"), "priority": priority}
        assert (await two_apps("PUT", "/v1/services/web", body, token=OLGA)).status == status, priority
    given = {**a_service("web", "shop"), "priority": 7}
    assert (await two_apps("PUT", "/v1/services/web", given)).status == 200
    assert (await two_apps("PUT", "/v1/services/web", {**given, "replicas": 2}, token=OLGA)).status == 200


async def test_what_an_operator_of_the_cluster_gave_a_service_stays(two_apps: Api) -> None:
    given = {**a_service("web", "shop"), "volumes": ["/srv/www:/www"]}
    assert (await two_apps("PUT", "/v1/services/web", given)).status == 200
    assert (await two_apps("PUT", "/v1/services/web", {**given, "replicas": 2}, token=OLGA)).status == 200


async def test_a_service_is_given_secrets_of_its_own_apps_alone(two_apps: Api) -> None:
    for name, app in (("till", "shop"), ("vault", "bank"), ("spare", "")):
        row = Secret(kind="secret", name=name, app=app, versions=(SecretVersion(1, "v", Sealed("k", b"n", b"c"), 1),))
        two_apps.core.tables.put_secret(row)
    for name, status in (("vault", 403), ("spare", 403), ("not-there", 403), ("till", 200)):
        body = {**a_service("web", "shop"), "secrets": [name]}
        assert (await two_apps("PUT", "/v1/services/web", body, token=OLGA)).status == status, name


async def test_the_bound_is_checked_where_nothing_comes_between(two_apps: Api) -> None:
    """A service that leaves the app after its caller was let in, and before the write is applied, is not changed."""
    core = two_apps.core
    await two_apps("PUT", "/v1/services/web", a_service("web", "bank"))
    scale = core.submit(c.ScaleServices(("web",), (9,), within=("shop",)))
    with pytest.raises(Exception, match="web is of app bank, and you have shop alone"):
        await scale
