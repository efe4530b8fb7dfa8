import asyncio
import socket
from collections.abc import Iterator

import pytest

from okube.model.errors import Unreachable
from okube.worker import roundtrip
from okube.worker.roundtrip import Handshake


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        made.listen()
        yield made


async def test_a_round_trip_is_measured_though_nobody_accepts(listener: socket.socket) -> None:
    host, port = listener.getsockname()
    assert 0 < await Handshake().measure(f"{host}:{port}") < 0.5


async def test_nothing_is_said_on_the_connection_and_it_does_not_linger(listener: socket.socket) -> None:
    host, port = listener.getsockname()
    await Handshake().measure(f"{host}:{port}")
    accepted, _ = listener.accept()
    with accepted, pytest.raises(ConnectionResetError):
        accepted.recv(1)


async def test_where_the_kernel_does_not_say_the_clock_does(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, port = listener.getsockname()
    monkeypatch.setattr(roundtrip, "_kernels_s", lambda connection: None)
    assert 0 < await Handshake().measure(f"{host}:{port}") < 5


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense", "192.0.2.1:", ":7201x"])
async def test_where_nobody_listens_nothing_is_measured(address: str) -> None:
    async with asyncio.timeout(10):
        with pytest.raises(Unreachable, match="no round trip to"):
            await Handshake().measure(address)
