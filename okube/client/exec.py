"""A command in a task: one WebSocket whose frames carry its streams, read and written without waiting.

The frames are those of ``okube.exec.v1``: binary, the first byte names the channel (0 stdin, 1 stdout, 2 stderr,
3 control, which is JSON). Only ``exec`` imports this module, because a short command should not pay for it.
"""

import base64
import os
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping
from wsproto.utilities import LocalProtocolError, RemoteProtocolError, generate_accept_token

from okube.client.answer import OpenAnswer
from okube.client.attempt import Request
from okube.client.errors import GarbledAnswer, error_of
from okube.client.retry import Caller, Patience

__all__ = ["Broken", "Command", "Exited", "Output", "Refused", "Running", "open_exec"]

PROTOCOL = "okube.exec.v1"
_STDIN, _STDOUT, _STDERR, _CONTROL = range(4)
_PATIENCE = Patience(deadline_s=15.0, refused_s=3.0)
_READ = 1 << 16
_LARGEST_MESSAGE = 1 << 24


class Broken(Exception):
    """The connection ended before the command did."""


class Command(msgspec.Struct, frozen=True):
    """What to run: its words, and what of the caller's terminal goes with it."""

    words: tuple[str, ...]
    tty: bool = False
    stdin: bool = False
    columns: int = 80
    rows: int = 24

    def target(self, task_id: str) -> str:
        """Path and query of the request."""
        query: list[tuple[str, str]] = [("cmd", word) for word in self.words]
        query += [("tty", str(self.tty).lower()), ("stdin", str(self.stdin).lower())]
        query += [("cols", str(self.columns)), ("rows", str(self.rows))]
        return f"/v1/tasks/{quote(task_id, safe='')}/exec?{urlencode(query)}"


class Output(msgspec.Struct, frozen=True):
    """What the command wrote."""

    data: bytes
    is_stderr: bool


class Exited(msgspec.Struct, frozen=True):
    """The command has ended, with this status."""

    code: int


class Refused(msgspec.Struct, frozen=True):
    """The command could not be run, or went with its task: a sentence."""

    sentence: str


Event = Output | Exited | Refused


class _Control(msgspec.Struct):
    exit: dict[str, Any] | None = None
    error: str | None = None


class Running:
    """A command that runs. The socket does not block: ``receive`` and ``flush`` go as far as they can.

    Args:
        connection: TLS, after the answer 101.
        first: what was already read of the frames.
    """

    def __init__(self, connection: ssl.SSLSocket, first: bytes) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._frames = Connection(ConnectionType.CLIENT)
        self._unsent = bytearray()
        self._message = bytearray()
        self._first = first

    def fileno(self) -> int:
        """For a selector."""
        return self._connection.fileno()

    @property
    def unsent(self) -> int:
        """Bytes that wait for the socket; whoever reads stdin stops while these are many."""
        return len(self._unsent)

    def write(self, data: bytes) -> None:
        """Queue bytes for the command's stdin."""
        self._queue(BytesMessage(data=bytes([_STDIN]) + data))

    def close_stdin(self) -> None:
        """There is no more input."""
        self._control({"close_stdin": True})

    def resize(self, columns: int, rows: int) -> None:
        """The terminal has this size now."""
        self._control({"resize": {"cols": columns, "rows": rows}})

    def ping(self) -> None:
        """Have the other side say that it lives."""
        self._queue(Ping())

    def flush(self) -> None:
        """Send what the socket takes.

        Raises:
            Broken: the connection ended.
        """
        try:
            while self._unsent:
                sent = self._connection.send(self._unsent[:_READ])
                del self._unsent[:sent]
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return
        except OSError as error:
            raise Broken from error

    def receive(self) -> Iterator[Event]:
        """All that has come; call it whenever the socket is readable.

        Raises:
            Broken: the connection ended.
        """
        data, self._first = self._first, b""
        while True:
            if data:
                yield from self._events(data)
            try:
                data = self._connection.recv(_READ)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError as error:
                raise Broken from error
            if not data:
                raise Broken

    def close(self) -> None:
        """Drop the connection; a command that still runs is ended by its node."""
        self._connection.close()

    def _events(self, data: bytes) -> Iterator[Event]:
        try:
            self._frames.receive_data(data)
            for event in self._frames.events():
                if isinstance(event, BytesMessage):
                    self._message += event.data
                    if len(self._message) > _LARGEST_MESSAGE:
                        raise Broken
                    if event.message_finished:
                        message, self._message = bytes(self._message), bytearray()
                        yield from _decoded(message)
                elif isinstance(event, Ping):
                    self._unsent += self._frames.send(event.response())
                elif isinstance(event, CloseConnection):
                    raise Broken
        except RemoteProtocolError as error:
            raise Broken from error

    def _control(self, said: dict[str, Any]) -> None:
        self._queue(BytesMessage(data=bytes([_CONTROL]) + msgspec.json.encode(said)))

    def _queue(self, event: BytesMessage | Ping) -> None:
        if self._frames.state is not ConnectionState.OPEN:
            raise Broken
        try:
            self._unsent += self._frames.send(event)
        except LocalProtocolError as error:
            raise Broken from error


def open_exec(caller: Caller, task_id: str, command: Command) -> Running:
    """Start a command in a task.

    Raises:
        NotFound: there is no such task.
        Conflict: it does not run now.
        OkubeError: no manager can pass it on, or its node does not answer.
    """
    key = base64.b64encode(os.urandom(16))
    headers = (
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", key.decode()),
        ("Sec-WebSocket-Protocol", PROTOCOL),
    )
    answer = caller.open_once(Request("GET", command.target(task_id), headers), _PATIENCE)
    if answer.status >= 400:
        try:
            raise error_of(answer.status, answer.read(lambda: _PATIENCE.deadline_s).body)
        finally:
            answer.close()
    return _switched(answer, key)


def _switched(answer: OpenAnswer, key: bytes) -> Running:
    accepted = answer.headers.get("sec-websocket-accept", "").encode() == generate_accept_token(key)
    if answer.status != 101 or not accepted or answer.headers.get("sec-websocket-protocol") != PROTOCOL:
        answer.close()
        raise GarbledAnswer(
            f"{answer.manager} does not know how to run a command in a task; is it a manager of the same version?"
        )
    return Running(*answer.switch())


def _decoded(message: bytes) -> Iterator[Event]:
    channel, data = message[:1], message[1:]
    if channel in (b"\1", b"\2"):
        if data:
            yield Output(data, channel == b"\2")
    elif channel == b"\3":
        try:
            said = msgspec.json.decode(data, type=_Control)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return  # a control message of a later version
        if said.error is not None:
            yield Refused(said.error)
        elif said.exit is not None:
            code = said.exit.get("code")
            yield Exited(code if isinstance(code, int) else 0)
