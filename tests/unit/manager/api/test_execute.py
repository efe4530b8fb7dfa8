"""A manager between a client and a command: what it does while both are silent."""

import asyncio
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from okube.manager.api import execute


class StuckAgent:
    """A command that neither reads nor writes."""

    async def send_bytes(self, data: bytes) -> None:
        await asyncio.Event().wait()

    def __aiter__(self) -> "StuckAgent":
        return self

    async def __anext__(self) -> Any:
        await asyncio.Event().wait()


async def test_a_client_whose_command_takes_no_input_hears_that_the_manager_lives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(execute, "_PING_S", 0.05)
    left = asyncio.Event()

    async def handle(request: web.Request) -> web.WebSocketResponse:
        front = web.WebSocketResponse()
        await front.prepare(request)
        try:
            await execute._carry(front, StuckAgent(), "w1")  # type: ignore[arg-type]  # as far as it is used
        finally:
            left.set()
        return front

    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        patience = aiohttp.ClientWSTimeout(ws_close=0.2)
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(url, autoping=False, timeout=patience) as socket,
        ):
            await socket.send_bytes(b"\x00input")  # which nobody takes, so nothing more is read here
            for _ in range(3):
                async with asyncio.timeout(10):
                    assert (await socket.receive()).type is aiohttp.WSMsgType.PING
            monkeypatch.setattr(execute, "_PING_S", 60.0)
    finally:
        await runner.cleanup()
    assert left.is_set()
