"""Real processes under a supervisor that listens: they tell that they serve, that they live, and that they end."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.cluster import Cluster

_WATCHDOG_MICROS = "300000"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path, runtime="process", managers=1, workers=1)
    try:
        made.ok("cluster", "init")
        yield made
    finally:
        made.destroy()


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(30)
        yield listening


@pytest.mark.parametrize(("role", "name"), [("manager", "m1"), ("worker", "w1")])
def test_it_serves_lives_and_ends_and_its_supervisor_hears_of_it(
    cluster: Cluster, ear: socket.socket, role: str, name: str
) -> None:
    heard_by = {"NOTIFY_SOCKET": ear.getsockname(), "WATCHDOG_USEC": _WATCHDOG_MICROS}
    process = subprocess.Popen(
        cluster.command(role, "--name", name),
        env={**cluster.env(), **heard_by},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _hear(ear, "READY=1")
        _hear(ear, "WATCHDOG=1")
        _hear(ear, "WATCHDOG=1")
        process.send_signal(signal.SIGTERM)
        _hear(ear, "STOPPING=1")
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()


def test_one_that_hangs_is_silent_and_leaves_a_trace_of_where_it_hung(cluster: Cluster, ear: socket.socket) -> None:
    with (cluster.folder / "out").open("wb") as out:
        process = subprocess.Popen(
            cluster.command("manager", "--name", "m1"),
            env={**cluster.env(), "NOTIFY_SOCKET": ear.getsockname(), "WATCHDOG_USEC": _WATCHDOG_MICROS},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
        try:
            _hear(ear, "READY=1")
            process.send_signal(signal.SIGABRT)  # as systemd ends one whose watchdog runs out
            assert process.wait(timeout=30) == -signal.SIGABRT
        finally:
            process.kill()
            process.wait()
    assert "Current thread" in (cluster.folder / "out").read_text()
    assert not list(Path(os.getcwd()).glob("core*"))


def _hear(ear: socket.socket, what: str) -> None:
    """Wait for one word among others."""
    while ear.recv(100).decode() != what:
        pass
