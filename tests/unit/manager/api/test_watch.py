"""`?watch=true`: streams of changes at one manager."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
import pytest

from okube.manager import watch
from okube.model import commands as c
from okube.state import feed
from tests.unit.manager.conftest import TOKEN, Api

WEB: dict[str, Any] = {"name": "web", "image": "example/web:1", "replicas": 2, "app": "shop"}


class Stream:
    """An open watch; its head is a mark."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def line(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            data = await self.response.content.readline()
        assert data.endswith(b"\n"), "the stream ended"
        line: dict[str, Any] = msgspec.json.decode(data)
        return line

    async def lines(self, count: int) -> list[dict[str, Any]]:
        return [await self.line() for _ in range(count)]

    async def until(self, kind: str, name: str) -> dict[str, Any]:
        while True:
            line = await self.line()
            if line["type"] == kind and line["object"]["name"] == name:
                return line

    async def rest(self) -> bytes:
        async with asyncio.timeout(10):
            return await self.response.content.read()


@contextlib.asynccontextmanager
async def _watch(api: Api, path: str) -> AsyncIterator[Stream]:
    joint = "&" if "?" in path else "?"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with api._session.get(f"{api.url}{path}{joint}watch=true", headers=headers) as response:
        assert response.status == 200, await response.read()
        assert response.content_type == "application/x-ndjson"
        yield Stream(response)


async def test_a_watch_begins_with_a_mark_and_shows_what_changes_from_then_on(api: Api) -> None:
    await api("POST", "/v1/services", {**WEB, "name": "before"})
    async with _watch(api, "/v1/services") as stream:
        head = await stream.line()
        assert head == {"type": "mark", "revision": head["revision"]}
        made = await api("POST", "/v1/services", WEB)
        line = await stream.until("put", "web")
        assert line["revision"] == line["object"]["revision"] == made.body["revision"] > head["revision"]
        assert (line["object"]["image"], line["object"]["running"]) == ("example/web:1", 0)


async def test_a_watch_since_the_revision_of_a_list_goes_on_where_the_list_ended(api: Api) -> None:
    await api("POST", "/v1/services", WEB)
    listed = await api("GET", "/v1/services")
    await api("POST", "/v1/scale", {"services": {"web": 5}})
    await api("DELETE", "/v1/services/web")
    async with _watch(api, f"/v1/services?since={listed.headers['Okube-Revision']}") as stream:
        assert (await stream.line())["type"] == "mark"
        scaled = await stream.until("put", "web")
        assert scaled["object"]["replicas"] == 5
        gone = await stream.until("delete", "web")
        assert gone["object"]["replicas"] == 5


@pytest.mark.parametrize("path", ["/v1/tasks?all=true", "/v1/services", "/v1/nodes", "/v1/apps", "/v1/events"])
async def test_a_stream_that_is_cut_after_every_line_is_the_uncut_one(api: Api, path: str) -> None:
    await _a_busy_day(api)
    async with _watch(api, f"{path}{'&' if '?' in path else '?'}since=0") as stream:
        await stream.line()
        uncut = await stream.lines(await _count(api, path))
    assert len(uncut) > 3
    since, read = 0, []
    for _ in uncut:
        async with _watch(api, f"{path}{'&' if '?' in path else '?'}since={since}") as stream:
            assert await stream.line() == {"type": "mark", "revision": since}
            read.append(await stream.line())
            since = read[-1]["revision"]
    assert read == uncut


async def test_a_service_s_line_comes_also_when_its_tasks_change_its_sums(api: Api) -> None:
    await api.node("w1")
    async with _watch(api, "/v1/services") as stream:
        await api("POST", "/v1/services", WEB)
        await _agents_obey(api, 2)
        while (line := await stream.line())["type"] != "put" or line["object"]["running"] < 2:
            pass
        assert line["object"]["update"] == {"order": "stop-first", "state": "done", "done": 2, "total": 2, "failed": 0}
        assert line["revision"] > line["object"]["revision"]


async def test_a_node_s_line_comes_also_when_its_tasks_take_of_it_and_never_says_when_it_was_seen(api: Api) -> None:
    await api.node("w1")
    async with _watch(api, "/v1/nodes") as stream:
        await api("POST", "/v1/services", {**WEB, "resources": {"cpus": 0.5, "memory": "64M"}})
        while (line := await stream.line())["type"] != "put" or line["object"]["task_count"] < 2:
            pass
        assert (line["object"]["cores_allocated"], line["object"]["memory_allocated"]) == (1.0, 128 << 20)
        assert line["object"]["last_seen"] is None


async def test_what_leaves_the_filter_is_deleted_for_the_reader(api: Api) -> None:
    async with _watch(api, "/v1/services?label=team=a") as stream:
        await stream.line()
        await api("POST", "/v1/services", {**WEB, "labels": {"team": "b"}})
        await api("POST", "/v1/services", {**WEB, "name": "ours", "labels": {"team": "a"}})
        await api("PUT", "/v1/services/ours", {**WEB, "name": "ours", "labels": {"team": "b"}})
        put, delete = await stream.lines(2)
    assert (put["type"], put["object"]["labels"]) == ("put", {"team": "a"})
    assert (delete["type"], delete["object"]["labels"]) == ("delete", {"team": "b"})


async def test_tasks_that_end_leave_a_watch_that_does_not_ask_for_all(api: Api) -> None:
    await api.node("w1")
    await api("POST", "/v1/services", {**WEB, "replicas": 1, "restart": "never"})
    await _agents_obey(api, 1)
    async with _watch(api, "/v1/tasks?service=web") as stream:
        await stream.line()
        await _report(api, state="failed", reason="exit-code")
        line = await stream.until("delete", "web.1")
    assert (line["object"]["state"], line["object"]["reason"]) == ("failed", "exit-code")


async def test_a_revision_that_nobody_knows_is_gone(api: Api) -> None:
    answer = await api("GET", f"/v1/tasks?watch=true&since={api.core.tables.revision + 1000}")
    assert (answer.status, answer.body["type"]) == (410, "urn:okube:error:gone")


async def test_a_revision_that_is_too_old_is_gone(api: Api) -> None:
    revision = api.core.tables.revision
    await api("POST", "/v1/services", WEB)
    api.core.machine.restore(b"".join(api.core.machine.snapshot()))
    answer = await api("GET", f"/v1/services?watch=true&since={revision}")
    assert (answer.status, answer.body["type"]) == (410, "urn:okube:error:gone")


@pytest.mark.parametrize("query", ["since=-1", "since=x", "since=" + "9" * 30, "stale=true", "watch=maybe"])
async def test_a_watch_that_makes_no_sense_is_refused(api: Api, query: str) -> None:
    joined = query if query.startswith("watch") else f"watch=true&{query}"
    assert (await api("GET", f"/v1/services?{joined}")).status == 422


async def test_a_stream_ends_when_a_snapshot_replaces_the_tables(api: Api) -> None:
    async with _watch(api, "/v1/services") as stream:
        await stream.line()
        api.core.machine.restore(b"".join(api.core.machine.snapshot()))
        await api("POST", "/v1/services", WEB)
        assert await stream.rest() == b""


async def test_streams_end_when_the_manager_stops(api: Api) -> None:
    async with _watch(api, "/v1/services") as stream:
        await stream.line()
        api.watches.close()
        assert await stream.rest() == b""


async def test_a_quiet_stream_is_marked_with_what_has_been_told(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "MARK_S", 0.05)
    async with _watch(api, "/v1/nodes") as stream:
        first = await stream.line()
        await api("POST", "/v1/services", WEB)  # nothing that this stream shows
        while (line := await stream.line())["revision"] <= first["revision"]:
            assert line["type"] == "mark"
        assert line["type"] == "mark"


async def test_a_manager_that_hears_no_leader_ends_its_streams(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "MARK_S", 0.05)
    async with _watch(api, "/v1/nodes") as stream:
        await stream.line()
        monkeypatch.setattr(type(api.core), "age_s", 60.0)
        await stream.rest()


async def test_there_is_a_bound_to_how_many_watch(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.watches, "_most", 1)
    async with _watch(api, "/v1/nodes") as stream:
        await stream.line()
        answer = await api("GET", "/v1/nodes?watch=true")
        assert (answer.status, answer.body["type"]) == (429, "urn:okube:error:slow-down")
    async with asyncio.timeout(10):
        while api.watches.streams:
            await api("GET", "/healthz")  # until it has noticed that its reader is gone
    async with _watch(api, "/v1/nodes") as stream:
        assert (await stream.line())["type"] == "mark"


async def test_a_reader_that_falls_behind_is_ended_and_holds_nothing_back(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(feed._BOUNDS, "services", (5, 1 << 20))
    api.watches.feed.restart()
    stream = api.watches.stream("services", None, lambda _: True)
    async with contextlib.aclosing(stream):
        assert b'"mark"' in await anext(stream)
        for number in range(10):
            put = await api("PUT", "/v1/services/web", {**WEB, "replicas": 0, "labels": {"n": str(number)}})
            assert put.status == 200
        assert len(api.watches.feed.ring("services")) == 5
        assert [chunk async for chunk in stream] == []


async def _a_busy_day(api: Api) -> None:
    await api.node("w1")
    await api("POST", "/v1/services", WEB)
    await _agents_obey(api, 2)
    await _report(api, state="running", restarts=1)
    await api("POST", "/v1/services", {**WEB, "name": "gone"})
    await api("DELETE", "/v1/services/gone")
    await api("PATCH", "/v1/nodes/w1", {"availability": "cordoned"})


async def _count(api: Api, path: str) -> int:
    """How many changes are kept of a kind."""
    kind = path.removeprefix("/v1/").partition("?")[0]
    return len(api.watches.feed.ring(kind))  # type: ignore[arg-type]  # one of the kinds


async def _agents_obey(api: Api, count: int) -> None:
    """Play the agents until so many tasks are ready."""
    async with asyncio.timeout(10):
        while True:
            tasks = [t for t in api.core.tables.tasks.values() if not t.ended and t.node]
            if sum(t.ready for t in tasks) >= count:
                return
            for task in tasks:
                if not task.ready:
                    report = c.TaskReport(task.id, "running", ready=True, container_id=f"c-{task.id}")
                    await api.core.submit(c.ReportTasks(task.node or "", task.node_id or "", (report,)))
            await asyncio.sleep(0.01)


async def _report(api: Api, **fields: Any) -> None:
    task = next(t for t in api.core.tables.tasks.values() if t.node and not t.ended)
    await api.core.submit(c.ReportTasks(task.node or "", task.node_id or "", (c.TaskReport(task.id, **fields),)))
