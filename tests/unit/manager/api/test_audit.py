"""What stands in the audit log after requests, and what does not."""

from typing import Any

from tests.unit.manager.conftest import Api
from tests.unit.manager.people import a_user, token_of

WEB: dict[str, Any] = {"name": "web", "image": "example/web:1", "replicas": 1, "env": {"PASSWORD": "hush"}}


async def _records(api: Api, query: str = "") -> list[dict[str, Any]]:
    answer = await api("GET", f"/v1/audit{query}")
    assert answer.status == 200, answer.body
    assert answer.body.get("silent", []) == []
    found: list[dict[str, Any]] = answer.body["records"]
    return found


async def test_every_write_is_noted_with_who_what_where_and_what_came_of_it(api: Api) -> None:
    await a_user(api, "otto", "operator")
    made = await api("POST", "/v1/services", WEB, token=token_of("otto"))
    await api("POST", "/v1/scale", {"services": {"web": 2}}, token=token_of("otto"))
    await api("POST", "/v1/services", WEB, token=token_of("otto"))
    create, scale, again = await _records(api, "?user=otto")
    assert create["time"].endswith("Z")
    assert (create["who"], create["role"], create["address"]) == ("otto", "operator", "127.0.0.1")
    assert (create["action"], create["subject"], create["result"]) == ("create_service", "web", "done")
    assert create["revision"] == int(made.headers["Okube-Revision"])
    assert (scale["action"], scale["subject"]) == ("scale_services", "web=2")
    assert (again["result"], again["status"]) == ("failed", 409)
    assert "there is a service web already" in again["detail"]


async def test_what_is_refused_is_noted_reads_too_and_who_is_not_known(api: Api) -> None:
    await a_user(api, "vera", "viewer")
    await api("POST", "/v1/services", WEB, token=token_of("vera"))
    await api("GET", "/v1/users", token=token_of("vera"))
    await api("GET", "/v1/services", token="okube-a-guess")
    await api("GET", "/no/such/path", token=None)
    told = {(r["who"], r["method"], r["path"], r["status"]) for r in await _records(api, "?result=refused")}
    assert told == {
        ("vera", "POST", "/v1/services", 403),
        ("vera", "GET", "/v1/users", 403),
        ("", "GET", "/v1/services", 401),
        ("", "GET", "/no/such/path", 401),
    }


async def test_reads_and_what_changes_nothing_are_not_noted(api: Api) -> None:
    await api("GET", "/v1/services")
    await api("GET", "/v1/status")
    await api("POST", "/v1/apply?dry_run=true", {"services": [WEB]})
    assert await _records(api) == []


async def test_what_is_open_to_anyone_is_noted_where_it_changes_something(api: Api) -> None:
    assert (await api("GET", "/healthz", token=None)).status == 200
    tried = await api("POST", "/v1/join", {}, token=None)
    assert [(r["action"], r["status"], r["who"]) for r in await _records(api)] == [("join", tried.status, "")]


async def test_a_saved_snapshot_is_noted(api: Api) -> None:
    await api("GET", "/v1/snapshot")
    assert [record["action"] for record in await _records(api)] == ["save_snapshot"]


async def test_nothing_that_a_body_a_query_or_a_header_holds_is_noted(api: Api) -> None:
    await a_user(api, "otto", "operator")
    await api("POST", "/v1/services?hidden=hush", WEB, token=token_of("otto"))
    await api("POST", "/v1/services", WEB, token=token_of("otto"))
    await api("GET", "/v1/services", token="okube-hush")
    shown = str(await _records(api))
    assert "hush" not in shown
    assert token_of("otto") not in shown


async def test_the_newest_are_shown_where_there_are_more(api: Api) -> None:
    for name in ("a", "b", "c"):
        await api("POST", "/v1/services", {**WEB, "name": name})
    assert [record["subject"] for record in await _records(api, "?limit=2")] == ["b", "c"]
