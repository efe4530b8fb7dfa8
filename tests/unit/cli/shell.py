"""Plays the far end of ``okube exec``: a real command of this machine, with pipes or with a terminal of its own."""

import contextlib
import fcntl
import json
import os
import pty
import queue
import select
import ssl
import struct
import subprocess
import termios
import threading
from collections.abc import Iterator

from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping
from wsproto.utilities import generate_accept_token

from tests.unit.client.playing import Received, Reply

PROTOCOL = "okube.exec.v1"


def play_shell(received: Received) -> Reply:
    """What a manager answers to an upgrade; the command is run on this machine."""
    key = received.headers["sec-websocket-key"].encode()
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Accept": generate_accept_token(key).decode(),
        "Sec-WebSocket-Protocol": PROTOCOL,
    }
    return Reply(headers=headers, speak=lambda connection: _Shell(connection, received.query).run())


class _Shell:
    def __init__(self, connection: ssl.SSLSocket, query: dict[str, str]) -> None:
        self._connection = connection
        self._frames = Connection(ConnectionType.SERVER)
        self._message = b""
        self._input: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._tty = query.get("tty") == "true"
        command = query["cmd"].split(",")
        wants_stdin = query.get("stdin") == "true"
        if self._tty:
            outer, inner = pty.openpty()
            _resize(outer, int(query["cols"]), int(query["rows"]))
            self._process = subprocess.Popen(
                command, stdin=inner, stdout=inner, stderr=inner, start_new_session=True, preexec_fn=_own_terminal
            )
            os.close(inner)
            self._stdin: int | None = outer
            self._outputs = {outer: b"\1"}
        else:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if wants_stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            assert self._process.stdout is not None
            assert self._process.stderr is not None
            self._stdin = None if self._process.stdin is None else self._process.stdin.fileno()
            self._outputs = {self._process.stdout.fileno(): b"\1", self._process.stderr.fileno(): b"\2"}

    def _feed(self) -> None:
        """Writes what came for stdin; in a thread, since a command may not read."""
        while (data := self._input.get()) is not None and self._stdin is not None:
            with contextlib.suppress(OSError):
                _write_all(self._stdin, data)
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def run(self) -> None:
        feeder = threading.Thread(target=self._feed)
        feeder.start()
        try:
            while self._outputs:
                waiting: list[int | ssl.SSLSocket] = [*self._outputs, self._connection]
                ready = [self._connection] if self._connection.pending() else select.select(waiting, [], [], 30)[0]
                if not ready:
                    return
                for one in ready:
                    if isinstance(one, int):
                        self._pass_on(one)
                    elif not self._take():
                        return
            code = self._process.wait()
            self._send(b"\3", json.dumps({"exit": {"code": 128 - code if code < 0 else code}}).encode())
            self._connection.sendall(self._frames.send(CloseConnection(code=1000)))
        finally:
            self._process.kill()
            self._process.wait()
            self._input.put(None)
            feeder.join()
            for stream in (self._process.stdout, self._process.stderr):
                if stream is not None:
                    stream.close()
            if self._tty and self._stdin is not None:
                os.close(self._stdin)

    def _pass_on(self, descriptor: int) -> None:
        try:
            data = os.read(descriptor, 1 << 15)
        except OSError:
            data = b""
        if data:
            self._send(self._outputs[descriptor], data)
        else:
            del self._outputs[descriptor]

    def _take(self) -> bool:
        data = self._connection.recv(1 << 16)
        if not data:
            return False
        for message in self._messages(data):
            if message[:1] == b"\0":
                self._input.put(message[1:])
            elif message[:1] == b"\3":
                self._obey(json.loads(message[1:]))
        return True

    def _messages(self, data: bytes) -> Iterator[bytes]:
        self._frames.receive_data(data)
        for event in self._frames.events():
            if isinstance(event, BytesMessage):
                self._message += event.data
                if event.message_finished:
                    message, self._message = self._message, b""
                    yield message
            elif isinstance(event, Ping):
                self._connection.sendall(self._frames.send(event.response()))

    def _obey(self, said: dict[str, dict[str, int]]) -> None:
        if "resize" in said and self._stdin is not None:
            _resize(self._stdin, said["resize"]["cols"], said["resize"]["rows"])
        if "close_stdin" in said:
            self._input.put(None)

    def _send(self, channel: bytes, data: bytes) -> None:
        self._connection.sendall(self._frames.send(BytesMessage(data=channel + data)))


def _own_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _resize(descriptor: int, columns: int, rows: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
