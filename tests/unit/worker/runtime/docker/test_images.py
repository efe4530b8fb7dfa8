import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from okube.seams.clock import SystemClock
from okube.worker.runtime.base import RuntimeFailure, RuntimeUnavailable
from okube.worker.runtime.docker.client import EngineClient
from okube.worker.runtime.docker.images import Images
from okube.worker.runtime.docker.runtime import DockerRuntime
from tests.unit.worker.runtime.builders import a_task


class FakeEngine:
    """The part of an engine's API that images need; no registry can be had where these tests run."""

    def __init__(self) -> None:
        self.images: set[str] = set()
        self.pulls: list[tuple[str, str]] = []
        self.questions: list[str] = []
        self.progress: list[dict[str, str]] = [{"status": "Pulling"}, {"status": "Done"}]
        self.hangs = asyncio.Event()
        self.hangs.set()
        self.begun = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if path == "/version":
            return web.json_response({"ApiVersion": "1.41"})
        if path == "/v1.41/images/create":
            return await self._pull(request)
        if path == "/v1.41/containers/create":
            return self._create(await request.json())
        name = path.removeprefix("/v1.41/images/").removesuffix("/json")
        self.questions.append(name)
        if name == "BAD":
            return web.json_response({"message": "invalid reference format"}, status=400)
        if name == "trouble":
            return web.json_response({"message": "no space left on device"}, status=500)
        if name not in self.images:
            return web.json_response({"message": f"No such image: {name}"}, status=404)
        return web.json_response({"Id": name})

    def _create(self, body: dict[str, str]) -> web.Response:
        if body["Image"] not in self.images:
            return web.json_response({"message": f"No such image: {body['Image']}"}, status=404)
        return web.json_response({"Id": "c1", "Warnings": []}, status=201)

    async def _pull(self, request: web.Request) -> web.StreamResponse:
        name, tag = request.query["fromImage"], request.query["tag"]
        self.pulls.append((name, tag))
        if name == "BAD":
            return web.json_response({"message": "invalid reference format: must be lowercase"}, status=400)
        response = web.StreamResponse()
        await response.prepare(request)
        for step in self.progress:
            await response.write(json.dumps(step).encode() + b"\r\n")
        self.begun.set()
        await self.hangs.wait()
        self.images.add(f"{name}:{tag}")
        return response


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[FakeEngine]:
    fake = FakeEngine()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", fake.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "docker.sock")).start()
    yield fake
    fake.hangs.set()
    await runner.cleanup()


@pytest.fixture
async def client(engine: FakeEngine, tmp_path: Path) -> AsyncIterator[EngineClient]:
    made = EngineClient(f"unix://{tmp_path}/docker.sock", threads=4, timeout_s=30)
    yield made
    await made.close()


async def test_an_image_that_is_there_is_not_asked_for(engine: FakeEngine, client: EngineClient) -> None:
    engine.images.add("nginx:1.27")
    await Images(client, "w1").ensure("nginx:1.27")
    assert engine.pulls == []


async def test_an_image_that_was_there_once_is_not_asked_about_again(engine: FakeEngine, client: EngineClient) -> None:
    engine.images.add("nginx:1.27")
    images = Images(client, "w1")
    await images.ensure("nginx:1.27")
    await images.ensure("nginx:1.27")
    assert engine.questions == ["nginx:1.27"]


async def test_an_image_that_was_removed_since_it_was_seen_is_brought_when_a_container_is_made_of_it(
    engine: FakeEngine, client: EngineClient, tmp_path: Path
) -> None:
    runtime = DockerRuntime("c1", "w1", f"unix://{tmp_path}/docker.sock", SystemClock())
    task = a_task(image="nginx:1.27")
    try:
        engine.images.add("nginx:1.27")
        await runtime.prepare(task)
        engine.images.clear()
        container = await runtime.create(task)
    finally:
        await runtime.close()
    assert container.id == "c1"
    assert engine.pulls == [("nginx", "1.27")]


async def test_an_image_that_many_tasks_wait_for_is_pulled_once(engine: FakeEngine, client: EngineClient) -> None:
    images = Images(client, "w1")
    await asyncio.gather(*(images.ensure("example.com:5000/shop/web:2") for _ in range(10)))
    assert engine.pulls == [("example.com:5000/shop/web", "2")]


async def test_an_image_without_a_tag_is_the_latest_and_not_all_of_them(
    engine: FakeEngine, client: EngineClient
) -> None:
    await Images(client, "w1").ensure("nginx")
    assert engine.pulls == [("nginx", "latest")]


async def test_an_error_in_the_middle_of_a_pull_is_told(engine: FakeEngine, client: EngineClient) -> None:
    engine.progress = [{"status": "Pulling"}, {"error": "manifest unknown"}]
    with pytest.raises(RuntimeFailure, match="image web:9 cannot be pulled on node w1: manifest unknown; ") as failure:
        await Images(client, "w1").ensure("web:9")
    assert failure.value.reason == "image-pull"


async def test_what_is_no_name_is_told(engine: FakeEngine, client: EngineClient) -> None:
    with pytest.raises(RuntimeFailure, match="must be lowercase") as failure:
        await Images(client, "w1").ensure("BAD")
    assert failure.value.reason == "image-pull"


async def test_a_registry_that_hangs_fails_the_pull(engine: FakeEngine, client: EngineClient) -> None:
    engine.hangs.clear()
    with pytest.raises(RuntimeFailure, match="nothing came for 0 s") as failure:
        await Images(client, "w1", quiet_s=0.1).ensure("web:1")
    assert failure.value.reason == "image-pull"


async def test_a_pull_that_is_given_up_lets_the_next_one_try(engine: FakeEngine, client: EngineClient) -> None:
    engine.hangs.clear()
    images = Images(client, "w1")
    given_up = asyncio.create_task(images.ensure("web:1"))
    async with asyncio.timeout(30):
        await engine.begun.wait()
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    engine.hangs.set()
    await images.ensure("web:1")
    assert "web:1" in engine.images


async def test_an_engine_in_trouble_is_no_fault_of_the_image(engine: FakeEngine, client: EngineClient) -> None:
    with pytest.raises(RuntimeUnavailable, match="no space left on device"):
        await Images(client, "w1").ensure("trouble")


@pytest.mark.filterwarnings("ignore:docker-credential-no-such-helper")
async def test_credentials_that_cannot_be_read_fail_the_pull(
    engine: FakeEngine, client: EngineClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"credsStore": "no-such-helper"}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with pytest.raises(RuntimeFailure, match="image web:1 cannot be pulled") as failure:
        await Images(client, "w1").ensure("web:1")
    assert failure.value.reason == "image-pull"
