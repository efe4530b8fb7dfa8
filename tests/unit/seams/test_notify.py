"""What a process tells the supervisor that started it."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from okube.seams.daemon import run_daemon
from okube.seams.notify import Supervisor


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[socket.socket]:
    """The supervisor's end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(10)
        yield listening


def _of(ear: socket.socket, **more: str) -> Supervisor:
    return Supervisor.of({"NOTIFY_SOCKET": ear.getsockname(), **more}, pid=os.getpid())


def test_a_process_that_nobody_watches_tells_nobody() -> None:
    supervisor = Supervisor.of({}, pid=1)
    supervisor.ready()
    supervisor.ending()
    assert not supervisor.is_there


def test_it_tells_that_it_serves_and_that_it_ends(ear: socket.socket) -> None:
    supervisor = _of(ear)
    supervisor.ready()
    supervisor.ending()
    assert [ear.recv(100), ear.recv(100)] == [b"READY=1", b"STOPPING=1"]


def test_an_abstract_socket_will_do() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(f"\0okube-test-{os.getpid()}")
        ear.settimeout(10)
        Supervisor(f"@okube-test-{os.getpid()}").ready()
        assert ear.recv(100) == b"READY=1"


def test_those_it_starts_do_not_speak_in_its_name(ear: socket.socket) -> None:
    environ = {"NOTIFY_SOCKET": ear.getsockname(), "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "PATH": "/bin"}
    Supervisor.of(environ, pid=2)
    assert environ == {"PATH": "/bin"}


async def test_signs_of_life_come_for_as_long_as_the_loop_turns(ear: socket.socket) -> None:
    async with _of(ear, WATCHDOG_USEC="30000").watched():
        heard = [await asyncio.to_thread(ear.recv, 100) for _ in range(3)]
    assert heard == [b"WATCHDOG=1"] * 3


async def test_a_watchdog_that_is_meant_for_another_process_gets_no_signs(ear: socket.socket) -> None:
    supervisor = _of(ear, WATCHDOG_USEC="1000", WATCHDOG_PID=str(os.getpid() + 1))
    async with supervisor.watched():
        supervisor.ready()
    assert ear.recv(100) == b"READY=1"


async def test_what_is_watched_ends_with_its_own_error(ear: socket.socket) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        async with _of(ear, WATCHDOG_USEC="30000000").watched():
            raise ValueError("the port is taken")
    assert caught.group_contains(ValueError, match="the port is taken")


def test_a_supervisor_that_is_gone_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        Supervisor(str(tmp_path / "gone")).ready()
    assert "did not hear READY=1" in caplog.text


def test_a_process_that_is_asked_to_end_says_so_first(ear: socket.socket) -> None:
    supervisor = _of(ear, WATCHDOG_USEC="30000000")

    async def serve(stop: asyncio.Event) -> None:
        supervisor.ready()
        os.kill(os.getpid(), signal.SIGTERM)
        await stop.wait()

    assert run_daemon("it", serve, expected=(ValueError,), supervisor=supervisor) == 0
    assert {ear.recv(100) for _ in range(3)} == {b"WATCHDOG=1", b"READY=1", b"STOPPING=1"}
