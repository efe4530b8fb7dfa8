"""Apps: what the API says of them and does to them."""

import asyncio
from typing import Any

from okube.model import commands as c
from okube.model.task import TaskState
from tests.unit.manager.conftest import Api

SERVICE: dict[str, Any] = {"image": "example/web:1", "app": "shop"}


async def _shop(api: Api, **fields: Any) -> None:
    services = [{**SERVICE, "name": "shop-web", "replicas": 2, **fields}, {**SERVICE, "name": "shop-db", **fields}]
    assert (await api("POST", "/v1/apply", {"services": services})).status == 200
    await api("POST", "/v1/services", {"name": "lone", "image": "example/web:1"})


async def _state(api: Api) -> str:
    return str((await api("GET", "/v1/apps/shop")).body["state"])


async def _until(api: Api, state: str) -> dict[str, Any]:
    """Play the agents until the app is in a state."""
    async with asyncio.timeout(10):
        while True:
            app: dict[str, Any] = (await api("GET", "/v1/apps/shop")).body
            if app["state"] == state:
                return app
            for task in [t for t in api.core.tables.tasks.values() if not t.ended and t.node]:
                stop = task.desired == "stop"
                now: TaskState = "completed" if stop else "running"
                report = c.TaskReport(task.id, now, ready=not stop, reason=task.stop_reason)
                await api.core.submit(c.ReportTasks(task.node or "", task.node_id or "", (report,)))


async def test_an_app_is_the_sum_of_its_services(api: Api) -> None:
    await api.node("w1")
    await _shop(api)
    assert await _until(api, "running") == {
        "name": "shop",
        "services": ["shop-db", "shop-web"],
        "tasks": 3,
        "ready": 3,
        "wanted": 3,
        "state": "running",
    }
    assert [app["name"] for app in (await api("GET", "/v1/apps")).body] == ["shop"]


async def test_an_app_that_fits_nowhere_is_partial_and_one_on_its_way_is_deploying(api: Api) -> None:
    await _shop(api)
    async with asyncio.timeout(10):
        while await _state(api) != "partial":  # no node is there
            pass
    await api.node("w1")
    async with asyncio.timeout(10):
        while await _state(api) != "deploying":  # placed, and its agent has not said anything
            pass


async def test_an_app_is_stopped_and_started_as_one(api: Api) -> None:
    await api.node("w1")
    await _shop(api)
    await _until(api, "running")
    stopped = await api("POST", "/v1/apps/shop/stop")
    assert [(s["name"], s["stopped"]) for s in stopped.body] == [("shop-db", True), ("shop-web", True)]
    assert await _state(api) == "stopping"
    await _until(api, "stopped")
    await api("POST", "/v1/services/shop-db/start")
    await _until(api, "partial")
    assert (await api("POST", "/v1/apps/shop/start")).status == 200
    await _until(api, "running")
    assert not (await api("GET", "/v1/services/lone")).body["stopped"]


async def test_apply_with_prune_removes_what_its_apps_have_besides_in_one_step(api: Api) -> None:
    await _shop(api)
    body = {"services": [{**SERVICE, "name": "shop-web", "replicas": 2}, {**SERVICE, "name": "shop-new"}]}
    expected = [("shop-web", "unchanged"), ("shop-new", "created"), ("shop-db", "removed")]
    for query in ("prune=true&dry_run=true", "prune=true"):
        answer = await api("POST", f"/v1/apply?{query}", body)
        assert answer.status == 200
        assert [(s["name"], s["action"]) for s in answer.body["services"]] == expected
    assert [s["name"] for s in (await api("GET", "/v1/services")).body] == ["lone", "shop-new", "shop-web"]
    (event,) = (await api("GET", "/v1/events?kind=service-removed")).body
    assert event["subject"] == "shop-db"
    assert event["by"]


async def test_what_an_app_cannot_do_is_refused_and_what_a_part_of_it_can_is_done(api: Api) -> None:
    await _shop(api)
    assert (await api("POST", "/v1/apps/shop/rollback")).status == 409
    await api("PUT", "/v1/services/shop-web", {**SERVICE, "name": "shop-web", "image": "example/web:2"})
    rolled = await api("POST", "/v1/apps/shop/rollback")
    assert [(s["name"], s["image"], s["version"]) for s in rolled.body] == [
        ("shop-db", "example/web:1", 1),
        ("shop-web", "example/web:1", 3),
    ]
    await api("POST", "/v1/apps/shop/stop")
    assert (await api("POST", "/v1/apps/shop/restart")).status == 409


async def test_an_app_is_removed_with_all_of_its_services_and_a_repeat_gets_the_same_answer(api: Api) -> None:
    await _shop(api)
    removed = await api("DELETE", "/v1/apps/shop", Idempotency_Key="k")
    assert [s["name"] for s in removed.body] == ["shop-db", "shop-web"]
    assert (await api("DELETE", "/v1/apps/shop", Idempotency_Key="k")).body == removed.body
    assert [s["name"] for s in (await api("GET", "/v1/services")).body] == ["lone"]
    for method, path in (("GET", "/v1/apps/shop"), ("DELETE", "/v1/apps/shop"), ("POST", "/v1/apps/shop/stop")):
        assert (await api(method, path)).status == 404
    assert (await api("GET", "/v1/apps")).body == []


async def test_an_app_has_no_revision_to_compare(api: Api) -> None:
    await _shop(api)
    assert (await api("DELETE", "/v1/apps/shop", If_Match='"3"')).status == 422


async def test_apps_come_in_pages(api: Api) -> None:
    for app in "abc":
        await api("POST", "/v1/services", {**SERVICE, "name": f"{app}-web", "app": app})
    first = await api("GET", "/v1/apps?limit=2")
    rest = await api("GET", f"/v1/apps?limit=2&continue={first.headers['Okube-Continue']}")
    assert [app["name"] for app in (*first.body, *rest.body)] == ["a", "b", "c"]
