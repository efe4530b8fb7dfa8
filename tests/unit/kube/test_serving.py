"""The whole of it over real sockets: a Kubernetes API on one side, kube-scheduler's requests on the other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
import pytest

from okube.kube.access import ApiAccess
from okube.kube.machines import Machines
from okube.kube.main import ExtenderSettings, serve
from okube.kube.protocol import Pod
from tests.unit.kube.builders import a_node, a_pod, captured
from tests.unit.kube.fake_api import FakeApi, a_fake_api

NEAR_DB = {"service": "db", "max_latency": "1ms"}
PATIENCE_S = 20


class Scheduler:
    """Asks as kube-scheduler does."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def post(self, verb: str, body: bytes) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json"}
        async with self.session.post(f"{self.url}/{verb}", data=body, headers=headers) as response:
            return response.status, await response.read()

    async def fits(self, pod: Pod, *names: str) -> list[str]:
        asked = {"Pod": pod, "Nodes": None, "NodeNames": list(names)}
        status, body = await self.post("filter", msgspec.json.encode(asked))
        assert status == 200, body
        answer: list[str] = msgspec.json.decode(body)["NodeNames"]
        return answer

    async def comes_to(self, expected: list[str], pod: Pod, *names: str) -> None:
        """Asked again and again, the answer becomes this one."""
        async with asyncio.timeout(PATIENCE_S):
            while await self.fits(pod, *names) != expected:  # noqa: ASYNC110  # nothing tells when the news is in
                await asyncio.sleep(0.01)


@asynccontextmanager
async def an_extender(access: ApiAccess) -> AsyncIterator[tuple[Scheduler, asyncio.Event]]:
    """It serves until the end of the block; the event is set when it knows pods and nodes."""
    stop, known = asyncio.Event(), asyncio.Event()
    address: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()

    def listening(host: str, port: int) -> None:
        address.set_result((host, port))

    settings = ExtenderSettings(host="127.0.0.1", port=0)
    async with asyncio.TaskGroup() as group, aiohttp.ClientSession() as session:
        group.create_task(serve(settings, Machines(), access, None, stop, ready=known.set, listening=listening))
        host, port = await address
        try:
            yield Scheduler(session, f"http://{host}:{port}/okube"), known
        finally:
            stop.set()


@asynccontextmanager
async def a_cluster(*pods: Pod, **nodes: str) -> AsyncIterator[tuple[FakeApi, Scheduler]]:
    """Nodes by name and zone, the pods, and an extender that knows them."""
    async with a_fake_api() as (api, access):
        for name, zone in nodes.items():
            await api.put(a_node(name, zone))
        for pod in pods:
            await api.put(pod)
        async with an_extender(access) as (scheduler, known):
            async with asyncio.timeout(PATIENCE_S):
                await known.wait()
            yield api, scheduler


async def test_a_pod_goes_where_its_dependency_is_and_follows_it() -> None:
    async with a_cluster(a_pod("db", node="a1"), a1="a", a2="a", b1="b") as (api, scheduler):
        web = a_pod("web", NEAR_DB)
        assert await scheduler.fits(web, "a1", "a2", "b1") == ["a1", "a2"]

        await api.delete("pods", "db-1")
        await api.put(a_pod("db", node="b1", name="db-2"))
        await scheduler.comes_to(["b1"], web, "a1", "a2", "b1")

        await api.put(a_node("a2", "b"))
        await scheduler.comes_to(["a2", "b1"], web, "a1", "a2", "b1")


async def test_a_watch_that_ends_goes_on_where_it_was() -> None:
    async with a_cluster(a1="a", b1="b") as (api, scheduler):
        await api.end_watches()
        await api.put(a_pod("db", node="b1"))

        await scheduler.comes_to(["b1"], a_pod("web", NEAR_DB), "a1", "b1")


async def test_what_was_missed_is_listed_anew() -> None:
    async with a_cluster(a_pod("db", node="a1"), a1="a", b1="b") as (api, scheduler):
        api.objects["pods"].clear()  # no watch tells that it went
        await api.put(a_pod("db", node="b1", name="db-2"))
        await api.forget()

        await scheduler.comes_to(["b1"], a_pod("web", NEAR_DB), "a1", "b1")


async def test_what_is_known_stays_while_the_api_fails() -> None:
    async with a_cluster(a_pod("db", node="a1"), a1="a", b1="b") as (api, scheduler):
        api.failing = 4
        await api.forget()

        assert await scheduler.fits(a_pod("web", NEAR_DB), "a1", "b1") == ["a1"]
        await api.put(a_pod("db", node="b1", name="db-2"))
        await scheduler.comes_to(["a1", "b1"], a_pod("web", NEAR_DB), "a1", "b1")


async def test_a_long_list_comes_in_pages_and_says_who_asks() -> None:
    async with a_fake_api() as (api, access):
        api.page = 2
        for number in range(5):
            await api.put(a_node(f"n{number}", "a" if number < 4 else "b"))
        await api.put(a_pod("db", node="n4"))
        async with an_extender(access) as (scheduler, known):
            async with asyncio.timeout(PATIENCE_S):
                await known.wait()
            assert await scheduler.fits(a_pod("web", NEAR_DB), "n0", "n3", "n4") == ["n4"]
        assert {request.headers["Authorization"] for request in api.asked} == {"Bearer a-token"}


async def test_an_extender_that_knows_nothing_yet_says_so_instead_of_guessing() -> None:
    async with a_fake_api() as (api, access):
        api.failing = 10**6
        async with an_extender(access) as (scheduler, _):
            status, body = await scheduler.post("filter", captured("filter", by_name=True))
            assert (status, b"not known yet" in body) == (503, True)
            async with scheduler.session.get(f"{scheduler.url.removesuffix('/okube')}/readyz") as response:
                assert response.status == 503
            async with scheduler.session.get(f"{scheduler.url.removesuffix('/okube')}/healthz") as response:
                assert response.status == 200


@pytest.mark.parametrize("by_name", [True, False])
async def test_captured_requests_are_answered_as_the_protocol_asks(by_name: bool) -> None:
    async with a_cluster() as (_, scheduler):
        status, body = await scheduler.post("filter", captured("filter", by_name=by_name))
        answer: dict[str, Any] = msgspec.json.decode(body)
        assert (status, answer["Error"], answer["FailedNodes"]) == (200, "", {})
        assert len(answer["NodeNames"] or answer["Nodes"]["items"]) == 4

        status, body = await scheduler.post("prioritize", captured("prioritize", by_name=by_name))
        assert status == 200
        assert [set(each) for each in msgspec.json.decode(body)] == [{"Host", "Score"}] * 3


@pytest.mark.parametrize("verb", ["bind", "preempt"])
async def test_verbs_that_are_not_served_are_named(verb: str) -> None:
    async with a_cluster() as (_, scheduler):
        status, body = await scheduler.post(verb, captured(verb, by_name=True))

        assert (status, f"{verb}Verb".encode() in body) == (404, True)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"Pod": 1}', b'{"NodeNames": ["n1"]}', b"\xff"])
async def test_a_body_that_is_none_is_refused(body: bytes) -> None:
    async with a_cluster() as (_, scheduler):
        assert (await scheduler.post("filter", body))[0] == 400
