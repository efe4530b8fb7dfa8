"""Calls of a cluster's API as strangers make them: over TLS, in bytes, with any certificate or none."""

import contextlib
import socket
import ssl
import struct
from collections.abc import Iterator
from typing import Any

import msgspec

from okube.security.files import TlsFiles
from okube.security.tokens import read_token
from tests.lab.cluster import Cluster

__all__ = ["Caller", "Reply", "answer", "vanish"]

_TIMEOUT_S = 30.0


class Reply:
    """An answer, read whole."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        """The body as plain data."""
        return msgspec.json.decode(self.body)

    @property
    def kind(self) -> str:
        """Of a problem: its kind."""
        assert self.headers["content-type"].startswith("application/problem+json"), self.body
        kind: str = self.json["type"].rpartition(":")[2]
        return kind


class Caller:
    """Knows where the managers are, and who may ask them."""

    def __init__(self, cluster: Cluster) -> None:
        self.ports = {m["name"]: m["port"] for m in cluster.described["managers"]}
        self.admin = cluster.data_dir / "admin"
        self.token = read_token(self.admin / "token")
        self._data_dir = cluster.data_dir

    def url(self, manager: str) -> str:
        """Where a manager is."""
        return f"https://127.0.0.1:{self.ports[manager]}"

    @contextlib.contextmanager
    def connected(
        self, manager: str, *, role: str | None = None, papers: ssl.SSLContext | None = None
    ) -> Iterator[ssl.SSLSocket]:
        """A connection: with the certificate of the process that ``role`` names, with ``papers``, or without any."""
        context = papers or ssl.create_default_context(cafile=str(self.admin / "ca.crt"))
        if role is not None:
            files = TlsFiles(self._data_dir / role / "tls", "node")
            context.load_cert_chain(files.certificate, files.key)
        with self.plain(manager) as plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
            yield connection

    def plain(self, manager: str) -> socket.socket:
        """A connection before any TLS."""
        return socket.create_connection(("127.0.0.1", self.ports[manager]), timeout=_TIMEOUT_S)

    def head(self, method: str, target: str, *lines: str, token: str | None = "") -> bytes:
        """The head of a request of the admin; without a token where ``token`` is None."""
        shown = [] if token is None else [f"Authorization: Bearer {token or self.token}"]
        given = [f"{method} {target} HTTP/1.1", "Host: okube", *shown, *lines]
        return "\r\n".join([*given, "", ""]).encode("latin-1")

    def __call__(
        self,
        manager: str,
        method: str,
        target: str,
        body: Any = None,
        *lines: str,
        role: str | None = None,
        media: str = "application/json",
        token: str | None = "",
        papers: ssl.SSLContext | None = None,
    ) -> Reply:
        """One request and its answer; a body that is no bytes is sent as JSON."""
        data = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
        sent = [*lines, f"Content-Length: {len(data)}", *([f"Content-Type: {media}"] if data else [])]
        with self.connected(manager, role=role, papers=papers) as connection:
            connection.sendall(self.head(method, target, *sent, token=token) + data)
            return answer(connection)

    def serves(self, manager: str) -> bool:
        """Whether a manager answers a read that a majority confirms."""
        return self(manager, "GET", "/readyz").status == 200


def answer(connection: ssl.SSLSocket) -> Reply:
    """Read one answer with a body of known length."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        assert part, f"the connection ended within the head of an answer: {data!r}"
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    while len(body) < int(headers.get("content-length", 0)):
        part = connection.recv(65536)
        assert part, "the connection ended within an answer"
        body += part
    return Reply(int(first.split(" ")[1]), headers, body)


def vanish(connection: ssl.SSLSocket) -> None:
    """Leave without a word: the other side gets a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
