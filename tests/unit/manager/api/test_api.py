"""What the HTTP API answers: to good requests, to bad ones, and to the same one twice."""

import asyncio
from typing import Any

import pytest

from okube.model import commands as c
from tests.unit.manager.conftest import Answer, Api

WEB: dict[str, Any] = {"name": "web", "image": "example/web:1", "replicas": 2}


def _problem(answer: Answer) -> tuple[int, str]:
    assert answer.headers["Content-Type"].startswith("application/problem+json"), answer.body
    assert set(answer.body) >= {"type", "title", "status", "detail", "errors"}
    assert answer.body["status"] == answer.status
    return answer.status, answer.body["type"].rpartition(":")[2]


async def test_a_service_is_made_read_changed_and_removed(api: Api) -> None:
    made = await api("POST", "/v1/services", WEB)
    assert made.status == 201
    read = await api("GET", "/v1/services/web")
    assert (read.body["name"], read.body["replicas"], read.body["version"]) == ("web", 2, 1)
    changed = await api("PUT", "/v1/services/web", {**read.body, "image": "example/web:2"})
    assert (changed.status, changed.body["version"]) == (200, 2)
    assert (await api("DELETE", "/v1/services/web")).status == 200
    assert _problem(await api("GET", "/v1/services/web")) == (404, "not-found")


async def test_what_get_gives_put_takes_and_changes_nothing(api: Api) -> None:
    spec = {
        **WEB,
        "ports": ["8080:80"],
        "volumes": ["data:/var/lib/data:ro"],
        "env": {"A": "1"},
        "restart": "on-failure:3",
    }
    await api("POST", "/v1/services", spec)
    read = await api("GET", "/v1/services/web")
    again = await api("PUT", "/v1/services/web", read.body)
    assert again.status == 200, again.body
    assert again.body["revision"] == read.body["revision"]


async def test_without_credentials_only_healthz_answers(api: Api) -> None:
    assert (await api("GET", "/healthz", token=None)).status == 200
    for method, path in (
        ("GET", "/v1/status"),
        ("GET", "/readyz"),
        ("POST", "/v1/services"),
        ("GET", "/v1/managers/self"),
        ("POST", "/v1/agents/w1/heartbeat"),
        ("GET", "/no/such/path"),
    ):
        assert _problem(await api(method, path, WEB if method == "POST" else None, token=None)) == (401, "unauthorized")
        assert _problem(await api(method, path, WEB if method == "POST" else None, token="wrong"))[0] == 401


async def test_an_admin_may_not_speak_for_an_agent_nor_pretend_to_be_forwarded(api: Api) -> None:
    assert _problem(await api("POST", "/v1/agents/w1/heartbeat", raw=b"x")) == (403, "forbidden")
    pretended = await api("POST", "/v1/agents/w1/heartbeat", raw=b"x", Okube_Forwarded_For="worker/w1")
    assert _problem(pretended) == (403, "forbidden")


async def test_the_same_key_gives_the_first_result_and_another_body_422(api: Api) -> None:
    first = await api("POST", "/v1/services", WEB, Idempotency_Key="k")
    again = await api("POST", "/v1/services", WEB, Idempotency_Key="k")
    assert (again.status, again.body) == (201, first.body)
    other = await api("POST", "/v1/services", {**WEB, "name": "api"}, Idempotency_Key="k")
    assert _problem(other) == (422, "key-reused")
    assert [s["name"] for s in (await api("GET", "/v1/services")).body] == ["web"]


async def test_a_taken_name_is_a_conflict(api: Api) -> None:
    await api("POST", "/v1/services", WEB)
    assert _problem(await api("POST", "/v1/services", WEB)) == (409, "conflict")


async def test_every_wrong_field_is_named_at_once(api: Api) -> None:
    bad = {
        "name": "We b",
        "imag": "x",
        "replicas": -3,
        "resources": {"memory": "lots", "cpus": -1},
        "ports": ["99999:1"],
    }
    answer = await api("POST", "/v1/services", bad)
    assert _problem(answer) == (422, "invalid")
    paths = {error["path"] for error in answer.body["errors"]}
    assert paths == {"name", "imag", "image", "replicas", "resources.memory", "resources.cpus", "ports[0]"}


@pytest.mark.parametrize("raw", [b"", b"{", b"[1]", b'"text"', b"\xff\xfe", b"[" * 100_000])
async def test_a_body_that_is_no_json_object_is_malformed(api: Api, raw: bytes) -> None:
    answer = await api("POST", "/v1/services", raw=raw, Content_Type="application/json")
    assert _problem(answer) == (400, "malformed")


async def test_a_body_that_says_it_is_compressed_and_is_not_is_malformed(api: Api) -> None:
    answer = await api("POST", "/v1/services", raw=b"no gzip", Content_Type="application/json", Content_Encoding="gzip")
    assert _problem(answer)[0] == 400


@pytest.mark.parametrize("digits", ["9" * 20, "9" * 5000])
async def test_numbers_that_nobody_can_hold_are_refused(api: Api, digits: str) -> None:
    await api("POST", "/v1/services", WEB)
    assert _problem(await api("PUT", "/v1/services/web", WEB, If_Match=digits))[0] == 422
    assert _problem(await api("GET", f"/v1/tasks?limit={digits}"))[0] == 422


@pytest.mark.parametrize(
    ("tag", "says"),
    [('W/"1"', 'a weak tag, and those are never compared; write the revision: "1"'), ('"1", "2"', "several revisions")],
)
async def test_a_tag_that_is_no_single_revision_is_refused_with_what_to_write(api: Api, tag: str, says: str) -> None:
    await api("POST", "/v1/services", WEB)
    answer = await api("PUT", "/v1/services/web", WEB, If_Match=tag)
    assert _problem(answer) == (422, "invalid")
    assert says in answer.body["errors"][0]["message"]


@pytest.mark.parametrize("tag", ['"', '""', "x", "-1", '"1', "1.0", "٣"])
async def test_what_is_no_revision_is_refused(api: Api, tag: str) -> None:
    answer = await api("PUT", "/v1/services/web", WEB, If_Match=tag)
    assert _problem(answer)[0] in (400, 422)


async def test_a_star_matches_whatever_is_there_and_nothing_that_is_not(api: Api) -> None:
    assert _problem(await api("PUT", "/v1/services/web", WEB, If_Match="*")) == (404, "not-found")
    await api("POST", "/v1/services", WEB)
    assert (await api("PUT", "/v1/services/web", {**WEB, "replicas": 3}, If_Match="*")).body["replicas"] == 3
    assert (await api("DELETE", "/v1/services/web", If_Match="*")).status == 200


async def test_a_task_is_ended_once_and_the_repeat_gets_the_same_answer(api: Api) -> None:
    await api("POST", "/v1/services", {**WEB, "replicas": 1})
    await _tasks(api, 1)
    ended = await api("DELETE", "/v1/tasks/web.1", Idempotency_Key="k")
    again = await api("DELETE", "/v1/tasks/web.1", Idempotency_Key="k")
    assert (ended.status, again.status) == (200, 200)
    assert again.body == ended.body


async def test_a_header_that_only_managers_may_send_changes_nothing_for_others(api: Api) -> None:
    made = await api("POST", "/v1/services", WEB, Okube_Forwarded_For="worker/w1")
    assert made.status == 201
    assert made.body["created_by"] == "admin"


async def test_a_body_that_is_too_large_is_refused(api: Api) -> None:
    answer = await api("POST", "/v1/services", raw=b" " * (3 << 20), Content_Type="application/json")
    assert _problem(answer)[0] == 413


async def test_a_service_larger_than_one_change_may_be_is_refused(api: Api) -> None:
    answer = await api("POST", "/v1/services", {**WEB, "env": {"A": "x" * (1 << 20)}})
    assert _problem(answer) == (413, "too-large")


async def test_a_wrong_method_and_an_unknown_path_are_problems_too(api: Api) -> None:
    assert _problem(await api("PATCH", "/v1/services"))[0] == 405
    assert _problem(await api("GET", "/v1/nope"))[0] == 404


async def test_if_match_lets_one_writer_win(api: Api) -> None:
    made = await api("POST", "/v1/services", WEB)
    revision = str(made.body["revision"])
    won = await api("PUT", "/v1/services/web", {**WEB, "image": "example/web:2"}, If_Match=revision)
    lost = await api("PUT", "/v1/services/web", {**WEB, "image": "example/web:3"}, If_Match=revision)
    assert won.status == 200
    assert _problem(lost) == (409, "conflict")


async def test_apply_is_all_or_none_and_a_dry_run_changes_nothing(api: Api) -> None:
    two = [WEB, {"name": "api", "image": "example/api:1"}]
    dry = await api("POST", "/v1/apply?dry_run=true", {"services": two})
    assert [s["action"] for s in dry.body["services"]] == ["created", "created"]
    assert (await api("GET", "/v1/services")).body == []
    bad = await api("POST", "/v1/apply", {"services": [WEB, {"name": "api"}]})
    assert _problem(bad)[0] == 422
    assert bad.body["errors"][0]["path"] == "services[1].image"
    assert (await api("GET", "/v1/services")).body == []
    unread = await api("POST", "/v1/apply?dry_run=true", {"services": two}, If_Match="Tr")
    assert _problem(unread)[0] == 422
    applied = await api("POST", "/v1/apply", {"services": two})
    assert [s["action"] for s in applied.body["services"]] == ["created", "created"]
    again = await api("POST", "/v1/apply", {"services": two})
    assert [s["action"] for s in again.body["services"]] == ["unchanged", "unchanged"]


async def test_scale_is_all_or_none(api: Api) -> None:
    await api("POST", "/v1/services", WEB)
    assert _problem(await api("POST", "/v1/scale", {"services": {"web": 5, "nope": 1}}))[0] == 404
    assert _problem(await api("POST", "/v1/scale", {"services": {"web": "five"}}))[0] == 422
    assert _problem(await api("POST", "/v1/scale", {"services": {"web": -1}}))[0] == 422
    assert (await api("GET", "/v1/services/web")).body["replicas"] == 2
    assert (await api("POST", "/v1/scale", {"services": {"web": 5}})).body[0]["replicas"] == 5


@pytest.mark.parametrize(("path", "services"), [("/v1/apply", [WEB]), ("/v1/scale", {"web": 5})])
async def test_an_unknown_key_beside_the_services_is_refused(api: Api, path: str, services: object) -> None:
    await api("POST", "/v1/services", WEB)
    refused = await api("POST", path, {"services": services, "replica": None})
    assert _problem(refused)[0] == 422
    assert refused.body["errors"] == [{"path": "replica", "message": "unknown key; allowed is services"}]


async def test_a_task_is_found_by_id_prefix_and_slot_and_an_ambiguous_prefix_says_so(api: Api) -> None:
    await api.node("w1")
    await api("POST", "/v1/services", {**WEB, "replicas": 60})
    tasks = await _tasks(api, 60)
    assert (await api("GET", f"/v1/tasks/{tasks[0]['id']}")).body["name"] == "web.1"
    assert (await api("GET", f"/v1/tasks/{tasks[0]['id'][:11]}")).body["name"] == "web.1"
    assert (await api("GET", "/v1/tasks/web.7")).body["slot"] == 7
    assert _problem(await api("GET", "/v1/tasks/zzzzzz")) == (404, "not-found")
    shared = next(p for p in "23456789bcdfghjkmnpqrstvwxz" if sum(t["id"].startswith(p) for t in tasks) > 1)
    ambiguous = await api("GET", f"/v1/tasks/{shared}")
    assert _problem(ambiguous) == (409, "conflict")
    assert "give more of the id" in ambiguous.body["detail"]


async def test_lists_come_in_pages_that_join_to_the_whole(api: Api) -> None:
    await api.node("w1")
    await api("POST", "/v1/services", {**WEB, "replicas": 7})
    whole = await _tasks(api, 7)
    pages: list[Any] = []
    after = ""
    while True:
        page = await api("GET", f"/v1/tasks?limit=3&continue={after.replace(' ', '%20')}")
        pages += page.body
        if "Okube-Continue" not in page.headers:
            break
        after = page.headers["Okube-Continue"]
    assert [t["id"] for t in pages] == [t["id"] for t in whole]
    assert _problem(await api("GET", "/v1/tasks?limit=0"))[0] == 422
    assert _problem(await api("GET", "/v1/tasks?state=flying"))[0] == 422


async def test_a_task_that_fits_nowhere_explains_itself(api: Api) -> None:
    await api.node("w1", memory=1 << 30)
    await api("POST", "/v1/services", {**WEB, "replicas": 1, "resources": {"memory": "64G"}})
    (task,) = await _tasks(api, 1, reason="no-fit")
    assert task["state"] == "pending"
    assert "memory 64.0 GiB asked" in task["message"]


async def test_a_stale_read_says_its_revision_and_age(api: Api) -> None:
    await api("POST", "/v1/services", WEB)
    answer = await api("GET", "/v1/services?stale=true")
    assert int(answer.headers["Okube-Revision"]) > 0
    assert float(answer.headers["Okube-Age"]) >= 0
    assert "Okube-Age" not in (await api("GET", "/v1/services")).headers


async def test_a_node_is_cordoned_drained_and_forgotten_only_when_it_is_down(api: Api) -> None:
    await api.node("w1")
    assert (await api("PATCH", "/v1/nodes/w1", {"availability": "cordoned"})).body["availability"] == "cordoned"
    assert _problem(await api("PATCH", "/v1/nodes/w1", {"availability": "asleep"}))[0] == 422
    assert _problem(await api("PATCH", "/v1/nodes/w1", {"state": "down"}))[0] == 422
    assert _problem(await api("DELETE", "/v1/nodes/w1")) == (409, "conflict")
    assert _problem(await api("DELETE", "/v1/nodes/w9")) == (404, "not-found")
    assert (await api("PATCH", "/v1/nodes/w1", {"labels": {"disk": "ssd"}})).body["labels"] == {"disk": "ssd"}


async def test_a_node_that_is_down_holds_up_nobody(api: Api) -> None:
    await api.node("w1")
    await api("POST", "/v1/services", WEB)
    await _tasks(api, 2, state="scheduled")
    await api.core.submit(c.SetNodeState(("w1",), ("i-w1",), "down"))
    async with asyncio.timeout(5):
        assert (await api("GET", "/v1/nodes/w1")).body["state"] == "down"
    before = len(api.agents.assigned)
    await api.node("w1")
    while len(api.agents.assigned) == before:
        assert (await api("GET", "/v1/nodes/w1")).body["state"] == "ready"
    assert api.agents.assigned[-1].base is None
    assert len(api.agents.assigned[-1].tasks) == 2


async def test_logs_come_from_the_task_s_agent_or_say_why_there_are_none(api: Api) -> None:
    await api("POST", "/v1/services", {**WEB, "replicas": 1})
    pending = await _tasks(api, 1)
    assert _problem(await api("GET", f"/v1/tasks/{pending[0]['id']}/logs"))[0] == 409
    await api.node("w1")
    (placed,) = await _tasks(api, 1, state="scheduled")
    logs = await api("GET", f"/v1/tasks/{placed['id']}/logs?tail=5")
    assert (logs.status, placed["id"].encode() in logs.body) == (200, True)
    assert _problem(await api("GET", f"/v1/tasks/{placed['id']}/logs?tail=-1"))[0] == 422
    api.agents.dead.add("w1")
    assert _problem(await api("GET", f"/v1/tasks/{placed['id']}/logs"))[0] == 502


async def test_status_names_the_managers_the_nodes_and_the_tasks(api: Api) -> None:
    await api.node("w1")
    body = (await api("GET", "/v1/status")).body
    assert (body["cluster"], body["leader"], body["quorum"]) == ("lab", "m1", True)
    assert body["nodes"] == {"ready": 1, "down": 0}
    assert body["managers"][0] | {"role": "leader", "state": "ready", "lag": 0} == body["managers"][0]
    assert len(body["managers"][0]["digest"]) == 64


async def _tasks(api: Api, count: int, **fields: Any) -> list[dict[str, Any]]:
    """The tasks, once there are ``count`` of them that have ``fields``."""
    async with asyncio.timeout(10):
        while True:
            tasks = (await api("GET", "/v1/tasks")).body
            matching = [t for t in tasks if all(t[key] == value for key, value in fields.items())]
            if len(matching) == count:
                return matching
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("path", ["/v1/peers/reach", "/v1/peers/relay"])
async def test_what_managers_ask_of_each_other_is_for_managers_only(api: Api, path: str) -> None:
    assert _problem(await api("POST", path, raw=b"")) == (403, "forbidden")
