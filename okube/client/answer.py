"""The answer of one manager: its status and headers, and a body that may be endless."""

import ssl
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from okube.client.address import Address
from okube.client.attempt import Attempt, AttemptFailed, describe
from okube.client.errors import GarbledAnswer
from okube.client.http1 import BrokenAnswer, Reader

__all__ = ["Answer", "OpenAnswer", "open_answer"]

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
    """An answer whose body has not been read; close it, or hand its connection on with ``release``.

    Raises:
        AttemptFailed: what came is no answer of HTTP.
    """

    def __init__(self, manager: Address, connection: ssl.SSLSocket, first: bytes) -> None:
        self.manager = manager
        self._connection: ssl.SSLSocket | None = connection
        self._on_silence: Callable[[], None] | None = None
        self._reader = Reader(first, self._receive)
        connection.settimeout(_HEAD_S)
        try:
            head = self._reader.head()
        except TimeoutError as error:
            self.close()
            raise AttemptFailed("it began an answer and stopped") from error
        except (OSError, BrokenAnswer) as error:
            self.close()
            detail = f"what answers there is no manager of Okube ({_why(error)})"
            raise AttemptFailed(detail, refused=isinstance(error, BrokenAnswer)) from error
        self.status = head.status
        self.headers = head.headers
        self._keeps_alive = head.keeps_alive

    @property
    def drained(self) -> bool:
        """Whether the body was read to its end."""
        return self._reader.drained

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
        self._on_silence = on_silence
        rest = b""
        while part := self._part(silence_s):
            *whole, rest = (rest + part).split(b"\n")
            yield from (line for line in whole if line.strip())
            if len(rest) > _LONGEST_LINE:
                raise AttemptFailed("it sent a line without an end")
        if rest.strip():
            yield rest

    def release(self) -> ssl.SSLSocket | None:
        """The connection for another request, where both sides keep it open; None otherwise."""
        if not self._keeps_alive or not self.drained:
            self.close()
            return None
        taken, self._connection = self._connection, None
        return taken

    def switch(self) -> tuple[ssl.SSLSocket, bytes]:
        """The connection after status 101, and what was already read of the protocol that it speaks now."""
        taken, self._connection = self._connection, None
        assert taken is not None
        return taken, self._reader.rest()

    def close(self) -> None:
        """Drop the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _part(self, wait_s: float) -> bytes:
        assert self._connection is not None
        if wait_s <= 0:
            raise AttemptFailed("the answer took too long")
        self._connection.settimeout(wait_s)
        try:
            return self._reader.part()
        except (OSError, BrokenAnswer) as error:
            raise AttemptFailed(f"the answer broke off ({_why(error)})") from error

    def _receive(self, count: int) -> bytes:
        assert self._connection is not None
        while True:
            try:
                return self._connection.recv(count)
            except ssl.SSLEOFError:
                return b""
            except TimeoutError:
                if self._on_silence is None:
                    raise
                self._on_silence()


def open_answer(attempt: Attempt) -> OpenAnswer:
    """The answer whose first bytes have come.

    Raises:
        AttemptFailed: what came is no answer of HTTP.
    """
    return OpenAnswer(attempt.address, attempt.take_socket(), attempt.first)


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it took too long"
    return describe(error) if isinstance(error, OSError) else str(error)
