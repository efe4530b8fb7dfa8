"""One manager asked once, without blocking: resolve, connect, TLS, send, and the first bytes of the answer.

The race holds several of these at a time and advances whichever socket is ready; so a manager that hangs (stopped, cut
off, overloaded) never holds a call, and one that loses is dropped by closing its socket.
"""

import errno
import os
import selectors
import socket
import ssl
import threading
from collections.abc import Callable
from enum import IntEnum

import msgspec

from okube.client.address import Address

__all__ = ["Attempt", "AttemptFailed", "Request", "Stage", "resolve"]

SockAddr = tuple[int, tuple[object, ...]]  # family, and what connect() takes


class Request(msgspec.Struct, frozen=True):
    """What is sent: the target is path and query."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def encode(self, address: Address) -> bytes:
        """The bytes of HTTP/1.1 for one manager."""
        lines = [f"{self.method} {self.target} HTTP/1.1", f"Host: {address}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body or self.method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


class AttemptFailed(Exception):
    """This manager did not serve the request.

    ``refused`` where nothing that serves this cluster listens there, ``not_done`` where the request was surely not
    carried out.
    """

    def __init__(self, detail: str, *, refused: bool = False, not_done: bool = False) -> None:
        super().__init__(detail)
        self.refused = refused
        self.not_done = refused or not_done


class Stage(IntEnum):
    """How far an attempt is."""

    RESOLVING = 0
    CONNECTING = 1
    HANDSHAKE = 2
    SENDING = 3
    WAITING = 4
    ANSWERED = 5


Resolve = Callable[[Address], list[SockAddr]]


def resolve(address: Address) -> list[SockAddr]:
    """What the name leads to, best first; raises OSError."""
    host = address.host.encode() if address.host.isascii() else address.host  # as text, it takes the tables of IDNA
    found = socket.getaddrinfo(host, address.port, type=socket.SOCK_STREAM)
    return [(family, sockaddr) for family, _, _, _, sockaddr in found]


class Attempt:
    """One request to one manager.

    Args:
        address: whom to ask.
        request: what to send.
        context: TLS with the caller's credentials.
        server_name: the name that the manager's certificate must hold.
        kept: a connection of an earlier exchange that is still open, to start with sending.
        resolver: how names become addresses.
    """

    def __init__(
        self,
        address: Address,
        request: Request,
        context: ssl.SSLContext,
        server_name: str,
        *,
        kept: ssl.SSLSocket | None = None,
        resolver: Resolve = resolve,
    ) -> None:
        self.address = address
        self.first = b""
        self.stage = Stage.RESOLVING if kept is None else Stage.SENDING
        self.reused = kept is not None
        self.wants_write = True
        self._context = context
        self._server_name = server_name
        self._resolver = resolver
        self._targets: list[SockAddr] = []
        self._resolution: list[list[SockAddr] | OSError] = []
        self._socket: socket.socket | ssl.SSLSocket | None = kept
        self._unsent = memoryview(request.encode(address))
        if kept is not None:
            kept.setblocking(False)

    def start(self) -> None:
        """Set out; a name that is no IP address is looked up in a thread, since a lookup may hang for long.

        Raises:
            AttemptFailed: at once.
        """
        if self.reused:
            return
        if _is_literal(self.address.host):
            self._targets = self._resolver(self.address)
            self._connect_next(None)
            return
        threading.Thread(target=self._look_up, name=f"resolve {self.address.host}", daemon=True).start()

    def register(self, selector: selectors.BaseSelector) -> None:
        """Have the selector wait for what this attempt waits for."""
        if self._socket is not None:
            selector.register(self._socket, selectors.EVENT_WRITE if self.wants_write else selectors.EVENT_READ, self)

    def advance(self) -> None:
        """Go on as far as it goes without waiting.

        Raises:
            AttemptFailed: this manager gives no answer.
        """
        try:
            self._advance()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError) as pause:
            self.wants_write = isinstance(pause, ssl.SSLWantWriteError)
        except ssl.SSLCertVerificationError as error:
            raise AttemptFailed(_not_ours(error), refused=True) from error
        except ssl.SSLError as error:
            detail = _tls_failed(error)
            raise AttemptFailed(self._broken(detail), refused=self.stage is Stage.HANDSHAKE) from error
        except OSError as error:
            raise AttemptFailed(self._broken(describe(error)), refused=_nobody_there(error)) from error

    def take_socket(self) -> ssl.SSLSocket:
        """The connection, for whoever reads the rest; this attempt no longer closes it."""
        taken, self._socket = self._socket, None
        assert isinstance(taken, ssl.SSLSocket)
        return taken

    def close(self) -> None:
        """Drop the attempt."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _advance(self) -> None:
        if self.stage is Stage.RESOLVING:
            self._take_resolution()
        if self.stage is Stage.CONNECTING:
            self._finish_connect()
        if self.stage is Stage.HANDSHAKE:
            assert isinstance(self._socket, ssl.SSLSocket)
            self._socket.do_handshake()
            self.stage = Stage.SENDING
        if self.stage is Stage.SENDING:
            self._send()
        if self.stage is Stage.WAITING:
            self._receive_first()

    def _broken(self, what: str) -> str:
        """In TLS 1.3 a server turns a client's certificate away after it has let it in, often without a word."""
        turned_away = self.stage in (Stage.SENDING, Stage.WAITING) and not self.reused
        return f"{what}; does it believe the client certificate?" if turned_away else what

    def _look_up(self) -> None:
        try:
            self._resolution.append(self._resolver(self.address))
        except OSError as error:
            self._resolution.append(error)

    def _take_resolution(self) -> None:
        if not self._resolution:
            return
        found = self._resolution[0]
        if isinstance(found, OSError):
            raise AttemptFailed(f"the name {self.address.host} leads to no address ({describe(found)})", refused=True)
        self._targets = found
        self._connect_next(None)

    def _connect_next(self, last: OSError | None) -> None:
        while self._targets:
            family, target = self._targets.pop(0)
            self.close()
            try:
                self._socket = socket.socket(family, socket.SOCK_STREAM)
                self._socket.setblocking(False)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                code = self._socket.connect_ex(target)
            except OSError as error:
                last = error
                continue
            if code in (0, errno.EINPROGRESS):
                self.stage, self.wants_write = Stage.CONNECTING, True
                return
            last = OSError(code, os.strerror(code))
        detail = describe(last) if last else "the name leads to no address"
        raise AttemptFailed(detail, refused=last is None or _nobody_there(last))

    def _finish_connect(self) -> None:
        assert self._socket is not None
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._connect_next(OSError(code, os.strerror(code)))
            return
        self._socket = self._context.wrap_socket(
            self._socket, server_hostname=self._server_name.encode(), do_handshake_on_connect=False
        )
        self.stage = Stage.HANDSHAKE

    def _send(self) -> None:
        assert self._socket is not None
        while self._unsent:
            sent = self._socket.send(self._unsent)
            self._unsent = self._unsent[sent:]
        self.stage, self.wants_write = Stage.WAITING, False

    def _receive_first(self) -> None:
        assert self._socket is not None
        self.first = self._socket.recv(65536)
        if not self.first:
            raise AttemptFailed(self._broken("it closed the connection without an answer"))
        self.stage = Stage.ANSWERED


def _is_literal(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except (OSError, ValueError):
            continue
        return True
    return False


def _nobody_there(error: OSError) -> bool:
    return error.errno == errno.ECONNREFUSED


def describe(error: OSError) -> str:
    """The error as a person would say it."""
    said = {
        errno.ECONNREFUSED: "nothing listens there (connection refused)",
        errno.EHOSTUNREACH: "no way to that host",
        errno.ENETUNREACH: "no way to that network",
        errno.ETIMEDOUT: "no answer (connection timed out)",
        errno.ECONNRESET: "the connection broke off",
        errno.EPIPE: "the connection broke off",
    }
    return said.get(error.errno or 0) or (error.strerror or str(error) or type(error).__name__).lower()


def _not_ours(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code == 62:  # X509_V_ERR_HOSTNAME_MISMATCH
        return "its certificate is not one of a manager"
    if error.verify_code in (9, 10):  # not yet valid, expired
        return f"{error.verify_message}; is the clock of this machine right?"
    return f"its certificate is not of this cluster's CA ({error.verify_message}); is it another cluster?"


def _tls_failed(error: ssl.SSLError) -> str:
    reason = (error.reason or "").replace("_", " ").lower()
    if "alert" in reason and ("certificate" in reason or "unknown ca" in reason):
        return f"it does not believe the client certificate ({reason}); is it of this cluster?"
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return "the connection broke off"
    return f"it does not speak TLS 1.3 as a manager does ({reason or error})"
