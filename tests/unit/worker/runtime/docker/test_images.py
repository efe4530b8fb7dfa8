import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from okube.worker.runtime.base import RuntimeFailure, RuntimeUnavailable
from okube.worker.runtime.docker.client import EngineClient
from okube.worker.runtime.docker.images import Images


class FakeEngine:
    """The part of an engine's API that images need; no registry can be had where these tests run."""

    def __init__(self) -> None:
        self.images: set[str] = set()
        self.pulls: list[tuple[str, str]] = []
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
        name = path.removeprefix("/v1.41/images/").removesuffix("/json")
        if name == "BAD":
            return web.json_response({"message": "invalid reference format"}, status=400)
        if name == "trouble":
            return web.json_response({"message": "no space left on device"}, status=500)
        if name not in self.images:
            return web.json_response({"message": f"No such image: {name}"}, status=404)
        return web.json_response({"Id": name})

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
