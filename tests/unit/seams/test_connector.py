import aiohttp
import pytest
from aiohttp import web

from okube.seams.connector import Connector


async def test_what_keeps_a_connection_from_being_made_is_an_error_of_aiohttp(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("File descriptor 9 is used by transport")

    monkeypatch.setattr("aiohappyeyeballs.start_connection", refuse)
    async with aiohttp.ClientSession(connector=Connector()) as session:
        with pytest.raises(aiohttp.ClientConnectionError, match="File descriptor 9"):
            await session.get("http://127.0.0.1:9/")


async def test_nothing_is_said_to_somebody_who_is_objected_to() -> None:
    said: list[str] = []

    async def hear(request: web.Request) -> web.Response:
        said.append(request.path)
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/{path}", hear)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    objections: list[str | None] = [None, None]
    try:
        async with aiohttp.ClientSession(connector=Connector(judge=lambda _: objections[-1])) as session:
            for path in ("first", "second"):
                async with session.get(f"{url}/{path}") as answer:
                    assert await answer.text() == "hello"
            objections.append("m2 was removed")
            with pytest.raises(aiohttp.ClientConnectionError, match="m2 was removed"):  # on the connection that stands
                await session.get(f"{url}/third")
    finally:
        await runner.cleanup()
    assert said == ["/first", "/second"]
