import asyncio
import ssl

import aiohttp
import pytest

from okube.seams.plainly import plainly
from tests.unit.worker.test_calls import closed_port


@pytest.mark.parametrize("context", [ssl.create_default_context(), True])
async def test_a_port_where_nobody_listens_refuses_in_two_words(context: ssl.SSLContext | bool) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorError) as told:
            await session.get(f"https://127.0.0.1:{closed_port()}/", ssl=context)
    assert plainly(told.value) == "connection refused"


async def test_a_server_that_speaks_no_tls_is_told_without_objects() -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello, this is no TLS\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError) as told:
            await session.get(f"https://127.0.0.1:{port}/", ssl=ssl.create_default_context())
    assert "object at" not in plainly(told.value)
    assert "ssl:" not in plainly(told.value)


@pytest.mark.parametrize(
    ("error", "said"),
    [(TimeoutError(), "no answer in time"), (ConnectionResetError(), "ConnectionResetError"), (OSError("x"), "x")],
)
def test_others_say_what_they_say_or_their_name(error: Exception, said: str) -> None:
    assert plainly(error) == said
