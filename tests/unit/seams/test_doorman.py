"""Who is let in, over real sockets; on the loop of asyncio and on uvloop."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
import uvloop

from okube.seams import doorman
from okube.seams.doorman import Doorman
from tests.unit.raft.tls import Certificates

HELLO = b"hello"


class Greeter(asyncio.Protocol):
    """Says hello to whoever comes in, and keeps the connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(HELLO)  # uvloop's is one in all but its class


class Porch:
    """A doorman with room for four handshakes, and ways to call it."""

    def __init__(self, certificates: Certificates, *, handshake_s: float = 30.0) -> None:
        server, self.client = certificates.contexts("m1")
        self.stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.stranger.check_hostname = False
        self.stranger.verify_mode = ssl.CERT_NONE
        self.doorman = Doorman(Greeter, context=server, handshake_s=handshake_s, handshakes=4)
        self._held: list[asyncio.StreamWriter] = []

    @property
    def port(self) -> int:
        return int(self.doorman.sockets[0].getsockname()[1])

    async def silent(self, address: str = "127.0.0.1") -> asyncio.StreamReader:
        """One that connects, and says nothing."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(address, 0))
        self._held.append(writer)
        return reader

    async def honest(self, context: ssl.SSLContext | None = None, address: str = "127.0.0.1") -> bytes:
        """What one hears that comes with a certificate; nothing if it is not let in."""
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=context or self.client, server_hostname="127.0.0.1", local_addr=(address, 0)
        )
        self._held.append(writer)
        try:
            return await reader.read(len(HELLO))
        except (ssl.SSLError, ConnectionError):
            return b""

    async def close(self) -> None:
        for writer in self._held:
            writer.transport.abort()
        self.doorman.close()
        await self.doorman.wait_closed()


Test = Callable[[Porch], Coroutine[Any, Any, None]]


def on_both_loops(test: Test, *, handshake_s: float = 30.0) -> Callable[..., None]:
    """The test on asyncio's own loop, and on uvloop, which managers and agents run on."""

    async def whole(folder: Path) -> None:
        porch = Porch(Certificates(folder), handshake_s=handshake_s)
        await porch.doorman.open("127.0.0.1", 0)
        try:
            await test(porch)
        finally:
            await porch.close()

    def run(tmp_path: Path, factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(whole(tmp_path))

    run.__name__ = test.__name__
    return pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop])(run)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while True:
            if condition():
                return
            await asyncio.sleep(0.01)


@on_both_loops
async def test_who_has_a_certificate_is_let_in(porch: Porch) -> None:
    assert await porch.honest() == HELLO
    assert porch.doorman.handshakes == 0


@on_both_loops
async def test_who_has_none_hears_nothing(porch: Porch) -> None:
    assert await porch.honest(porch.stranger) == b""
    await until(lambda: porch.doorman.turned["failed"] == 1)


@partial(on_both_loops, handshake_s=0.2)
async def test_who_says_nothing_is_let_go_when_time_is_over(porch: Porch) -> None:
    reader = await porch.silent()
    assert await reader.read() == b""
    await until(lambda: porch.doorman.turned["late"] == 1)


@on_both_loops
async def test_where_all_places_are_taken_the_oldest_goes_and_others_are_let_in(porch: Porch) -> None:
    readers = [await porch.silent() for _ in range(4)]
    await until(lambda: porch.doorman.handshakes == 4)
    assert await porch.honest() == HELLO
    assert await readers[0].read() == b""
    assert porch.doorman.turned == {"given-up": 1}
    assert porch.doorman.handshakes == 3


@on_both_loops
async def test_an_address_that_floods_takes_places_from_itself_alone(porch: Porch) -> None:
    alone = await porch.silent("127.0.0.2")
    await until(lambda: porch.doorman.handshakes == 1)
    flood = [await porch.silent("127.0.0.3") for _ in range(40)]
    await until(lambda: porch.doorman.turned["given-up"] == 37)
    assert porch.doorman.handshakes == 4
    assert await porch.honest(address="127.0.0.3") == HELLO
    assert await flood[0].read() == b""
    assert not alone.at_eof()


@on_both_loops
async def test_a_caller_that_leaves_in_the_middle_gives_its_place_back(porch: Porch) -> None:
    for _ in range(8):
        (await porch.silent()).feed_eof()
    for writer in porch._held:
        writer.transport.abort()
    await until(lambda: porch.doorman.handshakes == 0)
    assert await porch.honest() == HELLO


@on_both_loops
async def test_who_came_in_stays_when_it_closes_and_nobody_else_comes(porch: Porch) -> None:
    port = porch.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=porch.client, server_hostname="127.0.0.1")
    await porch.silent()
    assert await reader.readexactly(len(HELLO)) == HELLO
    porch.doorman.close()
    await porch.doorman.wait_closed()
    assert not porch.doorman.is_serving()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    assert not reader.at_eof()
    writer.transport.abort()


@on_both_loops
async def test_an_address_in_use_is_named(porch: Porch) -> None:
    other = Doorman(Greeter, context=None, handshake_s=1.0)
    with pytest.raises(OSError, match=rf"127\.0\.0\.1 port {porch.port}: Address already in use"):
        await other.open("127.0.0.1", porch.port)
    assert not other.is_serving()


@on_both_loops
async def test_it_moves_and_connections_that_stand_go_on(porch: Porch) -> None:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", porch.port, ssl=porch.client, server_hostname="127.0.0.1"
    )
    assert await reader.read(len(HELLO)) == HELLO
    before = porch.port
    with socket.create_server(("127.0.0.2", 0)) as free:
        port = free.getsockname()[1]
    await porch.doorman.move("127.0.0.2", port)
    assert [each.getsockname() for each in porch.doorman.sockets] == [("127.0.0.2", port)]
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", before)
    writer.write(b"still here")
    await writer.drain()
    assert not reader.at_eof()
    writer.transport.abort()


@on_both_loops
async def test_where_it_cannot_move_to_it_stays_where_it_is(porch: Porch) -> None:
    with socket.create_server(("127.0.0.2", 0)) as taken, pytest.raises(OSError, match="cannot listen"):
        await porch.doorman.move(*taken.getsockname())
    with pytest.raises(OSError, match="cannot listen"):
        await porch.doorman.move("192.0.2.1", 1)  # an address that no machine has
    assert await porch.honest() == HELLO


def test_an_address_that_the_machine_gets_later_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    there, listen = asyncio.Event(), doorman._listen

    def without_that_address(family: int, address: tuple[object, ...]) -> socket.socket:
        if address[0] == "127.0.0.3" and not there.is_set():
            raise OSError(errno.EADDRNOTAVAIL, "no such address")
        return listen(family, address)

    async def whole() -> None:
        porch = Porch(Certificates(tmp_path))
        await porch.doorman.open("127.0.0.3", 0)
        try:
            assert porch.doorman.sockets[0].getsockname()[0] == "127.0.0.1"
            there.set()
            await until(lambda: porch.doorman.sockets[0].getsockname()[0] == "127.0.0.3")
        finally:
            await porch.close()

    monkeypatch.setattr(doorman, "_listen", without_that_address)
    monkeypatch.setattr(doorman, "_COME_AGAIN_S", 0.01)
    asyncio.run(whole())
    assert "okube managers readdress" in caplog.text


class Noting(Doorman):
    """Notes whose turn it is, and lets nobody in."""

    def __init__(self, handshakes: int) -> None:
        super().__init__(Greeter, context=None, handshake_s=1.0, handshakes=handshakes)
        self.turns: list[str] = []

    def _begin(self, plain: socket.socket, address: str) -> None:
        self.turns.append(address)
        plain.close()

    def call(self, *addresses: str) -> None:
        for address in addresses:
            self._queue(socket.socket(), address)


async def test_one_begins_at_each_turn_of_the_loop_and_addresses_take_turns() -> None:
    doorman = Noting(handshakes=10)
    doorman.call("a", "a", "a", "b", "c", "b")
    for begun in range(6):
        assert len(doorman.turns) == begun
        await asyncio.sleep(0)
    assert doorman.turns == ["a", "b", "c", "a", "b", "a"]


async def test_where_too_many_wait_the_newest_goes_of_the_address_that_has_the_most() -> None:
    doorman = Noting(handshakes=3)
    doorman.call("a", "a", "a", "b", "a")
    await until(lambda: len(doorman.turns) == 3)
    assert doorman.turns == ["a", "b", "a"]
    assert doorman.turned == {"given-up": 2}
