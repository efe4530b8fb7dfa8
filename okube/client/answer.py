"""The answer of one manager: its status and headers, and a body that may be endless."""

import http.client
import io
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from okube.client.address import Address
from okube.client.attempt import Attempt, AttemptFailed, describe
from okube.client.errors import GarbledAnswer

__all__ = ["Answer", "OpenAnswer", "open_answer"]

_CHUNK = 1 << 16
_LONGEST_LINE = 1 << 24
_HEAD_S = 5.0  # between the first byte and the end of the headers


class Answer(msgspec.Struct, frozen=True):
    """An answer that was read to its end; the names of headers are in lower case."""

    manager: Address
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as plain data.

        Raises:
            GarbledAnswer: it is no JSON.
        """
        try:
            return msgspec.json.decode(self.body) if self.body else None
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise GarbledAnswer(
                f"{self.manager} answered {self.status} with something that is no JSON: is it a manager of Okube?"
            ) from error


class OpenAnswer:
    """An answer whose body has not been read; close it, or hand its connection on with ``release``."""

    def __init__(self, manager: Address, connection: ssl.SSLSocket, response: http.client.HTTPResponse) -> None:
        self.manager = manager
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self._connection: ssl.SSLSocket | None = connection
        self._response = response

    def read(self, remaining: Callable[[], float]) -> Answer:
        """The whole body.

        Args:
            remaining: the seconds that are left for it, asked again before each part.

        Raises:
            AttemptFailed: it broke off, or took too long.
        """
        parts = []
        while part := self._part(remaining()):
            parts.append(part)
        return Answer(self.manager, self.status, self.headers, b"".join(parts))

    def lines(self, on_silence: Callable[[], None], silence_s: float) -> Iterator[bytes]:
        """The body line by line as it comes; empty lines, which only show that the stream lives, are left out.

        Args:
            on_silence: called whenever nothing came for that long; it may raise.
            silence_s: how long nothing may come before that.

        Raises:
            AttemptFailed: it broke off.
        """
        rest = b""
        while True:
            part = self._part(silence_s, on_silence)
            if not part:
                break
            *whole, rest = (rest + part).split(b"\n")
            yield from (line for line in whole if line.strip())
            if len(rest) > _LONGEST_LINE:
                raise AttemptFailed("it sent a line without an end")
        if rest.strip():
            yield rest

    @property
    def drained(self) -> bool:
        """Whether the body was read to its end."""
        return self._response.isclosed() or self._response.length == 0

    def release(self) -> ssl.SSLSocket | None:
        """The connection for another request, where both sides keep it open; None otherwise."""
        if self._response.will_close or not self.drained:
            self.close()
            return None
        taken, self._connection = self._connection, None
        return taken

    def close(self) -> None:
        """Drop the connection."""
        self._response.close()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _part(self, wait_s: float, on_silence: Callable[[], None] | None = None) -> bytes:
        assert self._connection is not None
        if wait_s <= 0:
            raise AttemptFailed("the answer took too long")
        self._connection.settimeout(wait_s)
        stream = self._response.fp.raw if isinstance(self._response.fp, io.BufferedReader) else None
        if isinstance(stream, _Stream):
            stream.on_silence = on_silence
        try:
            part = self._response.read1(_CHUNK)
            if not part and self._response.length:
                raise http.client.IncompleteRead(b"")
            return part
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise AttemptFailed(f"the answer broke off ({_why(error)})") from error


def open_answer(attempt: Attempt) -> OpenAnswer:
    """The answer whose first bytes have come.

    Raises:
        AttemptFailed: what came is no answer of HTTP.
    """
    connection = attempt.take_socket()
    connection.settimeout(_HEAD_S)
    response = http.client.HTTPResponse(_FirstThenSocket(attempt.first, connection), method=None)  # type: ignore[arg-type]  # all that it asks of a socket is makefile()
    try:
        response.begin()
    except (OSError, http.client.HTTPException, ValueError) as error:
        connection.close()
        if isinstance(error, TimeoutError):
            raise AttemptFailed("it began an answer and stopped") from error
        raise AttemptFailed(f"what answers there is no manager of Okube ({_why(error)})", refused=True) from error
    return OpenAnswer(attempt.address, connection, response)


class _FirstThenSocket:
    """What http.client takes for a socket: the bytes that have been read, then the connection."""

    def __init__(self, first: bytes, connection: ssl.SSLSocket) -> None:
        self._stream = _Stream(first, connection)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._stream, _CHUNK)


class _Stream(io.RawIOBase):
    """Reads on; silence is handled here, since the layers above would lose what they have gathered."""

    def __init__(self, first: bytes, connection: ssl.SSLSocket) -> None:
        self._first = memoryview(first)
        self._connection = connection
        self.on_silence: Callable[[], None] | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._first:
            count = min(len(buffer), len(self._first))
            buffer[:count] = self._first[:count]
            self._first = self._first[count:]
            return count
        while True:
            try:
                return self._connection.recv_into(buffer)
            except ssl.SSLEOFError:
                return 0
            except TimeoutError:
                if self.on_silence is None:
                    raise
                self.on_silence()


def _why(error: Exception) -> str:
    if isinstance(error, http.client.IncompleteRead):
        return "it ended too early"
    if isinstance(error, TimeoutError | socket.timeout):
        return "it took too long"
    if isinstance(error, OSError):
        return describe(error)
    return str(error) or type(error).__name__
