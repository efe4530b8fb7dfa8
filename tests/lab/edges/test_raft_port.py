"""Strangers at the port where managers speak with each other: nothing runs, nothing stops, and the log stays short."""

import contextlib
import os
import pickle
import re
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from okube.raft.link import Greeting
from okube.security.ca import create_ca
from okube.security.identity import Identity
from okube.security.issue import issue
from tests.lab.cluster import Cluster
from tests.lab.edges.caller import Caller

_TIMES = 40
_WARNING = re.compile(r" (WARNING|ERROR|CRITICAL) ")


class Stranger:
    """Calls the Raft port of m1 with what it is told to send."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        (described,) = [m for m in cluster.described["managers"] if m["name"] == "m1"]
        self._address = ("127.0.0.1", described["raft_port"])
        self._cluster = cluster
        self._folder = folder

    @contextlib.contextmanager
    def plain(self) -> Iterator[socket.socket]:
        with socket.create_connection(self._address, timeout=10) as connection:
            yield connection

    @contextlib.contextmanager
    def tls(self, certificate: Path, key: Path) -> Iterator[ssl.SSLSocket]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.load_cert_chain(certificate, key)
        with self.plain() as plain, context.wrap_socket(plain) as connection:
            yield connection

    def of(self, process: str) -> "contextlib.AbstractContextManager[ssl.SSLSocket]":
        """With the stolen certificate of a process of this very cluster."""
        tls = self._cluster.data_dir / process / "tls"
        return self.tls(tls / "node.crt", tls / "node.key")

    def foreign(self) -> "contextlib.AbstractContextManager[ssl.SSLSocket]":
        """With the certificate of a manager of the same name, of another cluster."""
        now_ms = time.time_ns() // 1_000_000
        issued = issue(
            create_ca("lab", "other", now_ms=now_ms), Identity("other", "manager", "m2"), hosts=[], now_ms=now_ms
        )
        (self._folder / "crt").write_bytes(issued.certificate)
        (self._folder / "key").write_bytes(issued.key)
        return self.tls(self._folder / "crt", self._folder / "key")

    def greeting(self, name: str) -> bytes:
        """What that manager would say first."""
        who = msgspec.json.decode((self._cluster.data_dir / name / "identity.json").read_bytes())
        return _frame(msgspec.msgpack.encode(Greeting.of(who["cluster_id"], name, who["instance"])))


class _Bomb:
    """A pickle of it makes a file where it is loaded."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self._marker),)


def _frame(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _until_closed(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while connection.recv(65536):
            pass


@pytest.fixture
def stranger(cluster: Cluster, tmp_path: Path) -> Stranger:
    return Stranger(cluster, tmp_path)


def _random_bytes(stranger: Stranger, _: Path) -> None:
    with stranger.plain() as connection, contextlib.suppress(OSError):
        connection.sendall(os.urandom(5000))
        _until_closed(connection)


def _a_pickle(stranger: Stranger, marker: Path) -> None:
    with stranger.plain() as connection, contextlib.suppress(OSError):
        connection.sendall(_frame(pickle.dumps(_Bomb(marker))))
        _until_closed(connection)


def _a_pickle_with_a_stolen_certificate(stranger: Stranger, marker: Path) -> None:
    with stranger.of("m2") as connection, contextlib.suppress(OSError):
        connection.sendall(_frame(pickle.dumps(_Bomb(marker))))
        _until_closed(connection)


def _half_a_handshake(stranger: Stranger, _: Path) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="m1").do_handshake()
    hello = outgoing.read()
    with stranger.plain() as connection:
        connection.sendall(hello[: len(hello) // 2])


def _a_certificate_of_another_cluster(stranger: Stranger, _: Path) -> None:
    with contextlib.suppress(OSError), stranger.foreign() as connection:
        _until_closed(connection)


def _a_worker(stranger: Stranger, _: Path) -> None:
    with stranger.of("w1") as connection, contextlib.suppress(OSError):
        connection.sendall(stranger.greeting("m2"))
        _until_closed(connection)


def _a_frame_without_end(stranger: Stranger, _: Path) -> None:
    with stranger.of("m2") as connection, contextlib.suppress(OSError):
        connection.sendall(struct.pack(">I", 0xFFFFFFFF) + bytes(100_000))
        _until_closed(connection)


@pytest.mark.parametrize(
    "call",
    [
        _random_bytes,
        _a_pickle,
        _a_pickle_with_a_stolen_certificate,
        _half_a_handshake,
        _a_certificate_of_another_cluster,
        _a_worker,
        _a_frame_without_end,
    ],
)
def test_a_stranger_runs_nothing_stops_nothing_and_fills_no_log(
    cluster: Cluster, caller: Caller, stranger: Stranger, tmp_path: Path, call: Callable[[Stranger, Path], None]
) -> None:
    marker = tmp_path / "ran"
    log = cluster.data_dir / "m1" / "log"
    epoch, before = cluster.json("status")["epoch"], len(log.read_text())
    began = time.monotonic()
    for _ in range(_TIMES):
        call(stranger, marker)
    said = log.read_text()[before:]
    took_s = time.monotonic() - began
    assert not marker.exists()
    assert len(_WARNING.findall(said)) <= took_s + 1, said
    assert "Traceback" not in said
    assert caller("m1", "GET", "/readyz").status == 200
    assert cluster.json("status")["epoch"] == epoch


def test_a_member_gone_mad_costs_its_own_link_and_no_more(cluster: Cluster, caller: Caller, stranger: Stranger) -> None:
    """Whoever has stolen all that m2 has can say what m2 could, and no bytes beyond that do any harm."""
    log = cluster.data_dir / "m1" / "log"
    before, began = len(log.read_text()), time.monotonic()
    for data in (os.urandom(300), pickle.dumps({"type": "append_entries", "term": 10**9}), b"\x91" * 1000) * 5:
        with stranger.of("m2") as connection, contextlib.suppress(OSError):
            connection.sendall(stranger.greeting("m2") + _frame(data))
            connection.settimeout(0.3)
            _until_closed(connection)
    said, took_s = log.read_text()[before:], time.monotonic() - began
    assert said.count("dropped the link") <= took_s + 1, said
    cluster.wait(cluster.complete, "all are ready")
    for name in cluster.managers:
        assert caller(name, "GET", "/readyz").status == 200
