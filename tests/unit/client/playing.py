"""Real HTTPS servers in threads that play managers, well-behaved or not, with the certificates of a real CA."""

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from okube.client.address import Address
from okube.client.credentials import Credentials, find_credentials
from okube.client.memory import Memory
from okube.client.race import Pace
from okube.client.retry import Caller
from okube.security.ca import Authority, create_ca
from okube.security.contexts import server_context
from okube.security.files import TlsFiles
from okube.security.identity import Identity, Role
from okube.security.issue import install
from okube.security.tokens import write_token

TOKEN = "okube-a-token-for-tests"  # opens nothing


class Certificates:
    """One cluster's CA with a manager's and the admin's certificate."""

    def __init__(self, root: Path, cluster_id: str = "k3v9q7w2") -> None:
        self.root = root
        self.admin = root / "admin"
        self.node = root / "node"
        self._cluster_id = cluster_id
        self._now_ms = time.time_ns() // 1_000_000
        authority = create_ca("test", cluster_id, now_ms=self._now_ms)
        self._issue(authority, "admin", "admin", TlsFiles(self.admin, "admin"))
        self._issue(authority, "manager", "m1", TlsFiles(self.node))
        write_token(self.admin / "token", TOKEN)

    def _issue(self, authority: Authority, role: Role, name: str, files: TlsFiles) -> None:
        files.root.mkdir(parents=True)
        install(authority, Identity(self._cluster_id, role, name), files, hosts=["127.0.0.1"], now_ms=self._now_ms)

    def credentials(self, token: str | None = None) -> Credentials:
        return find_credentials(self.admin, token=token)


class Received(msgspec.Struct, frozen=True):
    """One request as a manager got it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str | None:
        return self.headers.get("idempotency-key")

    def json(self) -> Any:
        return json.loads(self.body)


class Reply(msgspec.Struct, frozen=True):
    """What a manager answers; ``raw`` goes out as it is, in place of all else, and then the connection ends."""

    status: int = 200
    data: Any = None
    headers: dict[str, str] = {}
    raw: bytes | None = None
    lines: Iterator[bytes] | None = None
    speak: Callable[[ssl.SSLSocket], None] | None = None  # after 101 another protocol is spoken


Behaviour = Callable[[Received], Reply]


def problem(status: int, kind: str, detail: str, errors: list[tuple[str, str]] | None = None, **headers: str) -> Reply:
    data = {
        "type": f"urn:okube:error:{kind}",
        "title": kind,
        "status": status,
        "detail": detail,
        "errors": [{"path": path, "message": message} for path, message in errors or []],
    }
    return Reply(status, data, {name.replace("_", "-"): value for name, value in headers.items()})


def no_leader(_: Received | None = None) -> Reply:
    return problem(503, "no-quorum", "there is no leader now", Retry_After="0")


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that break off are what the tests are about."""


class Manager:
    """A manager at a free port of this machine; ``behave`` may be changed while it runs."""

    def __init__(self, certificates: Certificates, behave: Behaviour) -> None:
        self.behave = behave
        self.received: list[Received] = []
        self.connections = 0
        self.streaming = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._context = server_context(certificates.node, client_certificate="optional")
        self._server = _QuietServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.block_on_close = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def address(self) -> Address:
        return Address("127.0.0.1", self._server.server_address[1])

    def start(self) -> "Manager":
        self._thread.start()
        return self

    def stop(self) -> None:
        """As SIGKILL would: no more connections, those that are open break off."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self.drop_connections()
        self._server.server_close()

    def drop_connections(self) -> None:
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def requests(self, method: str, path: str) -> list[Received]:
        return [r for r in self.received if (r.method, r.path) == (method, path)]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        manager = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                manager.connections += 1
                self.request = manager._secured(self.request)
                super().setup()

            def finish(self) -> None:
                with contextlib.suppress(OSError):
                    super().finish()
                manager._forget(self.request)

            def handle(self) -> None:
                with contextlib.suppress(OSError, ValueError):
                    super().handle()

            def answer(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                parts = urlsplit(self.path)
                received = Received(
                    self.command,
                    parts.path,
                    {k: ",".join(v) for k, v in parse_qs(parts.query).items()},
                    {k.lower(): v for k, v in self.headers.items()},
                    self.rfile.read(length),
                )
                manager.received.append(received)
                self.send(manager.behave(received))

            def send(self, reply: Reply) -> None:
                if reply.raw is not None:
                    self.wfile.write(reply.raw)
                    self.close_connection = True
                elif reply.lines is not None:
                    self.stream(reply)
                elif reply.speak is not None:
                    self.close_connection = True
                    self.send_response_only(101)
                    for name, value in reply.headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    reply.speak(self.request)
                else:
                    body = b"" if reply.data is None else json.dumps(reply.data).encode()
                    self.head(reply, ("Content-Length", str(len(body))))
                    self.wfile.write(body)

            def stream(self, reply: Reply) -> None:
                self.head(reply, ("Transfer-Encoding", "chunked"))
                assert reply.lines is not None
                for line in reply.lines:
                    self.wfile.write(f"{len(line) + 1:x}\r\n".encode() + line + b"\n\r\n")
                    manager.streaming.set()
                self.wfile.write(b"0\r\n\r\n")

            def head(self, reply: Reply, length: tuple[str, str]) -> None:
                self.send_response(reply.status)
                for name, value in (("Content-Type", "application/json"), length, *reply.headers.items()):
                    self.send_header(name, value)
                self.end_headers()

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815  # http.server's names

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler

    def _secured(self, connection: socket.socket) -> ssl.SSLSocket:
        with self._lock:
            self._open.add(connection)
        connection.settimeout(30)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            secure = self._context.wrap_socket(connection, server_side=True)
        except OSError:
            self._forget(connection)
            raise
        with self._lock:
            self._open.discard(connection)
            self._open.add(secure)
        return secure

    def _forget(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.discard(connection)
        connection.close()


class Hanging:
    """What a stopped process (SIGSTOP) looks like: the kernel takes connections, and nobody ever speaks."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)

    @property
    def address(self) -> Address:
        return Address("127.0.0.1", self._socket.getsockname()[1])

    def stop(self) -> None:
        self._socket.close()


def nobody() -> Address:
    """An address of this machine at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return Address("127.0.0.1", probe.getsockname()[1])


QUICK = Pace(hedge_s=0.03, patience_s=0.2, enter_s=1.0, answer_s=5.0)
"""A race whose hedges come soon, so that tests of them do."""


def new_caller(
    certificates: Certificates,
    *managers: Address,
    pace: Pace = QUICK,
    memory: Memory | None = None,
    token: str | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Caller:
    return Caller(
        managers,
        certificates.credentials(token),
        pace=pace,
        memory=memory,
        jitter=lambda: 0.75,
        monotonic=monotonic,
        sleep=sleep,
    )


def wait_for(condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Until the condition holds; fails after that many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.005)
