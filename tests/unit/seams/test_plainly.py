import asyncio
import ssl
import time
from pathlib import Path

import aiohttp
import pytest

from okube.seams.plainly import plainly, untimely
from okube.security import Identity
from okube.security.ca import create_ca
from okube.security.issue import issue
from tests.unit.worker.test_calls import closed_port

_DAY_MS = 86_400_000


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


@pytest.mark.parametrize(("shifted_days", "what"), [(-1000, "has expired"), (2, "is not yet valid")])
async def test_a_certificate_at_the_wrong_time_is_told_with_the_clock(
    tmp_path: Path, shifted_days: int, what: str
) -> None:
    now_ms = time.time_ns() // 1_000_000
    authority = create_ca("lab", "c1", now_ms=now_ms - 3000 * _DAY_MS)
    issued = issue(
        authority, Identity("c1", "manager", "m1"), hosts=["127.0.0.1"], now_ms=now_ms + shifted_days * _DAY_MS
    )
    for name, data in (("ca", authority.certificate_pem), ("crt", issued.certificate), ("key", issued.key)):
        (tmp_path / name).write_bytes(data)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0, ssl=serving)
    port = server.sockets[0].getsockname()[1]
    trusting = ssl.create_default_context(cafile=str(tmp_path / "ca"))
    async with server, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError) as told:
            await session.get(f"https://127.0.0.1:{port}/", ssl=trusting)
    assert plainly(told.value).startswith(f"its certificate {what}; is the clock of this machine right")
    assert untimely(told.value)
    assert not untimely(ConnectionResetError())
