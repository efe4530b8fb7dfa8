"""Every port, with every certificate one could come with: nothing answers that should not."""

import contextlib
import os
import re
import socket
import ssl
import struct
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import psutil
import pytest

from okube.raft.link import Greeting
from tests.lab.cluster import Cluster
from tests.lab.edges.caller import Caller
from tests.lab.edges.papers import Papers, Port, Ports, ports_of

_IDLE = int(os.environ.get("OKUBE_IDLE_CONNECTIONS", "1000"))
_MOST_HANDSHAKES = 256  # under way at a time; as many more wait for their turn
_STATUS = re.compile(rb"HTTP/1\.1 (\d+) ")
_NOTHING = "nothing"
_GREETS = "a greeting"
_LISTENS = "0A"  # of /proc/net/tcp: TCP_LISTEN

_ANSWERS: dict[str, dict[str, str]] = {
    # who comes: what the API of a manager, its port for managers, and an agent answer
    "nobody": {"api": "401", "raft": _NOTHING, "agent": _NOTHING},
    "of another CA": {"api": _NOTHING, "raft": _NOTHING, "agent": _NOTHING},
    "expired": {"api": _NOTHING, "raft": _NOTHING, "agent": _NOTHING},
    "not yet valid": {"api": _NOTHING, "raft": _NOTHING, "agent": _NOTHING},
    "signed by a worker": {"api": _NOTHING, "raft": _NOTHING, "agent": _NOTHING},
    "a manager": {"api": "200", "raft": _GREETS, "agent": "200"},
    "a manager nobody knows": {"api": "401", "raft": _GREETS, "agent": "200"},
    "a worker": {"api": "403", "raft": _NOTHING, "agent": "403"},
    "a user nobody knows": {"api": "401", "raft": _NOTHING, "agent": "403"},
    "the admin": {"api": "200", "raft": _NOTHING, "agent": "403"},
}


@pytest.fixture
def papers(cluster: Cluster, tmp_path: Path) -> Papers:
    return Papers(cluster, tmp_path)


@pytest.fixture
def ports(cluster: Cluster) -> Ports:
    return ports_of(cluster)


def _context(papers: Papers, who: str) -> ssl.SSLContext:
    made: dict[str, Callable[[], ssl.SSLContext]] = {
        "nobody": papers.none,
        "of another CA": papers.foreign,
        "expired": papers.expired,
        "not yet valid": papers.not_yet_valid,
        "signed by a worker": papers.signed_by_a_worker,
        "a manager": lambda: papers.of("manager", "m2"),
        "a manager nobody knows": lambda: papers.of("manager", "m9"),
        "a worker": lambda: papers.of("worker", "w2"),
        "a user nobody knows": lambda: papers.of("user", "nobody", "credentials-of-nobody"),
        "the admin": lambda: papers.of("admin", "admin"),
    }
    return made[who]()


def _asked(port: Port, context: ssl.SSLContext, cluster_id: str) -> str:
    """What comes back to who asks as is usual there: a status, a greeting or nothing."""
    heard = b""
    with contextlib.suppress(OSError), port.tls(context) as connection:
        if port.kind == "raft":
            greeting = msgspec.msgpack.encode(Greeting.of(cluster_id, "m2", "made-up"))
            connection.sendall(struct.pack(">I", len(greeting)) + greeting)
        else:
            target = "/v1/status" if port.kind == "api" else "/v1/usage"
            connection.sendall(f"GET {target} HTTP/1.1\r\nHost: okube\r\nConnection: close\r\n\r\n".encode())
        while part := connection.recv(65536):
            heard += part
    status = _STATUS.match(heard)
    return status[1].decode() if status else _GREETS if b"okube-raft" in heard else repr(heard) if heard else _NOTHING


@pytest.mark.parametrize("who", _ANSWERS)
def test_each_port_answers_those_it_is_for(caller: Caller, papers: Papers, ports: Ports, who: str) -> None:
    context = _context(papers, who)
    assert {port.kind: _asked(port, context, papers.cluster_id) for port in ports.all} == _ANSWERS[who]


def test_no_process_listens_anywhere_else(cluster: Cluster) -> None:
    described = {m[key] for m in cluster.described["managers"] for key in ("port", "raft_port")}
    described |= {w["port"] for w in cluster.described["workers"]}
    listening: set[int] = set()
    for name in (*cluster.managers, *cluster.workers):
        pid = cluster.pid(name)
        assert pid is not None
        listening |= _listens_at(pid)
    assert listening == described


def _listens_at(pid: int) -> set[int]:
    """The ports of a process, as the kernel says."""
    inodes = set()
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            inodes.add(os.readlink(each))
    ports = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTENS and f"socket:[{fields[9]}]" in inodes:
                ports.add(int(fields[1].rpartition(":")[2], 16))
    return ports


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1", "TLSv1_2"])
def test_older_versions_of_tls_are_refused_with_the_best_of_certificates(
    caller: Caller, papers: Papers, ports: Ports, version: str
) -> None:
    for port in ports.all:
        context = papers.of("manager", "m2")
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
        assert _hello(context)  # so it is not this side that refuses
        with pytest.raises(ssl.SSLError) as refused, port.tls(context):
            pass
        assert refused.value.reason in ("TLSV1_ALERT_PROTOCOL_VERSION", "UNEXPECTED_EOF_WHILE_READING"), port


def _hello(context: ssl.SSLContext | None = None) -> bytes:
    """The first words of TLS."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = context or ssl.create_default_context()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="whoever").do_handshake()
    return outgoing.read()


_GARBAGE = {
    "nothing at all": b"",
    "random bytes": os.urandom(5000),
    "half a handshake": _hello()[:100],
    "a handshake and then garbage": _hello() + os.urandom(500),
    "plain HTTP": b"GET / HTTP/1.1\r\nHost: okube\r\n\r\n",
    "a record of TLS that announces more than there may be": b"\x16\x03\x01\xff\xff" + bytes(70_000),
}


def test_garbage_is_let_go_everywhere_and_told_nothing(caller: Caller, ports: Ports) -> None:
    """Of what comes back, nothing says more than that TLS is spoken here; all at once, as each port takes its time."""

    def heard(port: Port, garbage: bytes) -> bytes:
        data = b""
        with port.plain() as connection, contextlib.suppress(ConnectionError):
            connection.sendall(garbage)
            while part := connection.recv(65536):
                data += part
        return data

    asked = [(port, what) for port in ports.all for what in _GARBAGE]
    with ThreadPoolExecutor(len(asked)) as pool:
        answers = pool.map(lambda pair: heard(pair[0], _GARBAGE[pair[1]]), asked)
        for (port, what), answer in zip(asked, answers, strict=True):
            assert not answer or answer[0] in (0x15, 0x16), (port, what, answer)  # an alert, or TLS goes on


@pytest.mark.parametrize("kind", ["api", "raft", "agent"])
def test_idle_connections_by_the_thousand_keep_nobody_out(
    cluster: Cluster, caller: Caller, ports: Ports, kind: str
) -> None:
    port: Port = getattr(ports, kind)
    epoch, usual = cluster.json("status")["epoch"], _descriptors(cluster, port)
    downs = cluster.logs().count("is down")
    with contextlib.ExitStack() as stack:
        for number in range(_IDLE):
            idle = stack.enter_context(socket.socket())
            idle.settimeout(20)
            idle.bind((f"127.0.{1 + number % 199}.{1 + number % 7}", 0))  # whoever shares an address shares its turns
            idle.connect(("127.0.0.1", port.number))
        assert _descriptors(cluster, port) <= usual + 2 * _MOST_HANDSHAKES + 100
        for manager in cluster.managers:
            assert caller(manager, "GET", "/readyz").status == 200
        status = cluster.json("status")
        assert status["epoch"] == epoch
        assert status["nodes"] == {**status["nodes"], "ready": len(cluster.workers)}
    assert cluster.logs().count("is down") == downs


def _descriptors(cluster: Cluster, port: Port) -> int:
    pid = cluster.pid(port.process)
    assert pid is not None
    return psutil.Process(pid).num_fds()
