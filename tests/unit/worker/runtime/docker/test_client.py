from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web

from okube.worker.runtime.base import RuntimeUnavailable
from okube.worker.runtime.docker.client import EngineClient


class FakeEngine:
    """Tells its API version and refuses older calls, as an engine that is exchanged under a running agent does."""

    def __init__(self) -> None:
        self.newest, self.oldest = "1.41", "1.24"

    async def answer(self, request: web.Request) -> web.Response:
        if request.path == "/version":
            return web.json_response({"ApiVersion": self.newest})
        asked = request.path.split("/")[1].removeprefix("v")
        if _order(asked) < _order(self.oldest):
            message = f"client version {asked} is too old. Minimum supported API version is {self.oldest}"
            return web.json_response({"message": message}, status=400)
        return web.json_response({"ServerVersion": asked})


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[FakeEngine]:
    fake = FakeEngine()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", fake.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "docker.sock")).start()
    yield fake
    await runner.cleanup()


@pytest.fixture
async def client(engine: FakeEngine, tmp_path: Path) -> AsyncIterator[EngineClient]:
    made = EngineClient(f"unix://{tmp_path}/docker.sock", threads=4, timeout_s=30)
    yield made
    await made.close()


async def test_an_engine_that_is_too_old_is_told(engine: FakeEngine, client: EngineClient) -> None:
    engine.newest = "1.39"
    with pytest.raises(
        RuntimeUnavailable, match=r"speaks API 1.39, which is too old; Okube needs Docker 20.10 or later"
    ):
        await client.call(lambda sdk: sdk.ping())


async def test_an_engine_that_is_exchanged_for_a_newer_one_is_spoken_to_anew(
    engine: FakeEngine, client: EngineClient
) -> None:
    assert await client.ask(_version) == "1.41"
    engine.newest, engine.oldest = "1.44", "1.44"
    with pytest.raises(RuntimeUnavailable):
        await client.ask(_version)
    assert await client.ask(_version) == "1.44"


async def test_connections_are_reused(engine: FakeEngine, client: EngineClient) -> None:
    for _ in range(5):
        await client.ask(_version)
    assert await client.ask(_pools) == 1


def _version(sdk: object) -> str:
    info: Callable[[], dict[str, str]] = sdk.info  # type: ignore[attr-defined]  # an APIClient
    return info()["ServerVersion"]


def _pools(sdk: object) -> int:
    pools = sdk.get_adapter("http+docker://").pools  # type: ignore[attr-defined]  # an APIClient
    return len(pools.keys())


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
