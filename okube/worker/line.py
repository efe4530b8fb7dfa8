"""A connection to one manager that an agent keeps for what it says each second: HTTP/1.1, one request at a time.

A client for everything costs several times what such a request itself does. And it ends a connection on which an answer
is not waited for any more: where managers are slow because they have too much to do, a thousand agents that begin anew
with TLS make them slower. Here the answer is let come, and the connection stays.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import Any

import aiohappyeyeballs

from okube.seams.keepalive import notice_the_dead
from okube.seams.plainly import plainly
from okube.security import ANY_MANAGER

__all__ = ["CONNECT_TIMEOUT_S", "TOTAL_TIMEOUT_S", "BadAnswer", "Line", "NoAnswer"]

CONNECT_TIMEOUT_S = 1.0
TOTAL_TIMEOUT_S = 3.0
_GIVEN_UP_S = 10.0  # an answer that is still awaited then does not come any more
_RACE_S = 0.25  # between two addresses of one name
_MOST_BYTES = 16 << 20
_END = b"\r\n\r\n"

Judge = Callable[[Mapping[str, Any] | None], str | None]


class NoAnswer(Exception):
    """One manager gave no answer that can be used; the next one is asked."""


class BadAnswer(NoAnswer):
    """What came is no answer of HTTP with a length."""


class _Answers(asyncio.Protocol):
    """Reads answers: each has a length."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.is_last = False  # the other end wants no more requests here
        self._buffer = bytearray()
        self._awaited: asyncio.Future[tuple[int, bytes]] | None = None
        self._end = 0
        self._head: tuple[int, int] | None = None  # status, and how long the body is

    @property
    def is_free(self) -> bool:
        """Whether nothing is awaited."""
        return self._awaited is None

    def send(self, request: bytes) -> "asyncio.Future[tuple[int, bytes]]":
        """The answer's status and body, or NoAnswer."""
        assert self.transport is not None and self._awaited is None
        self._awaited = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._awaited

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self.transport = transport  # type: ignore[assignment]  # uvloop's is one in all but its class

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self.transport = None
        self._fail(NoAnswer(f"the connection ended: {plainly(exc)}" if exc else "the connection was closed"))

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self._buffer += data
        try:
            self._read()
        except (BadAnswer, ValueError, IndexError) as error:
            self._fail(BadAnswer(f"it answered what is no HTTP: {error}"))
            self.close()

    def close(self) -> None:
        """End it."""
        if self.transport is not None:
            self.transport.close()

    def _read(self) -> None:
        if self._head is None:
            end = self._buffer.find(_END)
            if end < 0:
                return
            self._head = self._read_head(bytes(self._buffer[:end]))
            del self._buffer[: end + len(_END)]
        status, length = self._head
        if len(self._buffer) < length:
            return
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        self._head = None
        if self._awaited is None or self._buffer:
            raise BadAnswer("more than was asked for")
        awaited, self._awaited = self._awaited, None
        if not awaited.done():
            awaited.set_result((status, body))
        if self.is_last:
            self.close()

    def _read_head(self, head: bytes) -> tuple[int, int]:
        first, *lines = head.split(b"\r\n")
        if not first.startswith(b"HTTP/1.1 "):
            raise BadAnswer(first[:40].decode(errors="replace"))
        length = -1
        for line in lines:
            name, _, value = line.partition(b":")
            name, value = name.strip().lower(), value.strip()
            if name == b"content-length":
                length = int(value)
            elif name == b"connection" and value.lower() == b"close":
                self.is_last = True
        if not 0 <= length <= _MOST_BYTES:
            raise BadAnswer("an answer without a length that can be")
        return int(first.split(b" ")[1]), length

    def _fail(self, error: NoAnswer) -> None:
        awaited, self._awaited = self._awaited, None
        if awaited is not None and not awaited.done():
            awaited.set_exception(error)
            awaited.exception()  # perhaps nobody waits for it any more


class Line:
    """To the manager at ``address`` (``host:port``).

    Args:
        address: where.
        context: shows the agent's certificate, trusts the cluster's CA.
        judge: from the certificate of who answers, to why nothing is said to them; None: it is.
        source: the address of this machine to call from; any unless given.
    """

    def __init__(self, address: str, context: ssl.SSLContext, judge: Judge, source: str | None = None) -> None:
        self._address = address
        self._context = context
        self._judge = judge
        self._source = source
        self._answers: _Answers | None = None
        self._connecting: asyncio.Task[_Answers] | None = None
        self._asked_s = 0.0

    async def post(self, path: str, body: bytes, kind: str) -> tuple[int, bytes]:
        """The status and the body of the answer to a POST; whoever does not wait for it leaves the connection as it is.

        Raises:
            NoAnswer: none came, or the manager still has to answer what it was asked before.
        """
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(TOTAL_TIMEOUT_S):
                answers = await self._connected()
                request = f"POST {path} HTTP/1.1\r\nHost: {self._address}\r\nContent-Type: {kind}\r\n"
                head = f"{request}Accept: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                self._asked_s = began
                return await asyncio.shield(answers.send(head + body))
        except TimeoutError as error:
            raise NoAnswer(f"{self._address} did not answer in time") from error
        except NoAnswer as error:
            raise NoAnswer(f"{self._address}: {error}") from error

    def close(self) -> None:
        """End the connection."""
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        self._hang_up()

    async def _connected(self) -> _Answers:
        answers = self._answers
        if answers is None or answers.transport is None or answers.is_last:
            if self._connecting is None:
                self._connecting = asyncio.create_task(self._connect(), name=f"line to {self._address}")
                self._connecting.add_done_callback(_note)  # perhaps nobody waits for it any more
            connecting = self._connecting
            try:
                answers = self._answers = await asyncio.shield(connecting)
            finally:
                if connecting.done() and self._connecting is connecting:
                    self._connecting = None
        if not answers.is_free:
            if asyncio.get_running_loop().time() - self._asked_s > _GIVEN_UP_S:
                self._hang_up()
            raise NoAnswer("it has not answered yet what it was asked before")
        objection = self._judge(answers.transport.get_extra_info("peercert")) if answers.transport else None
        if objection is not None:
            self._hang_up()
            raise NoAnswer(objection)
        if answers.transport is None:
            raise NoAnswer("the connection was closed")
        return answers

    async def _connect(self) -> _Answers:
        loop = asyncio.get_running_loop()
        host, _, port = self._address.rpartition(":")
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                found = await loop.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
                local = None if self._source is None else [(*found[0][:4], (self._source, 0))]
                plain = await aiohappyeyeballs.start_connection(
                    found, local_addr_infos=local, happy_eyeballs_delay=_RACE_S
                )
            with contextlib.suppress(OSError):
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                async with asyncio.timeout(TOTAL_TIMEOUT_S):
                    transport, answers = await loop.create_connection(
                        _Answers, sock=plain, ssl=self._context, server_hostname=ANY_MANAGER
                    )
            except BaseException:
                plain.close()
                raise
        except TimeoutError as error:
            raise NoAnswer("no connection came about in time") from error
        except (OSError, ValueError, RuntimeError) as error:  # ssl.SSLError is an OSError; uvloop raises RuntimeError
            raise NoAnswer(f"no connection: {plainly(error)}") from error
        notice_the_dead(transport)
        return answers

    def _hang_up(self) -> None:
        if self._answers is not None:
            self._answers.close()
            self._answers = None


def _note(connecting: "asyncio.Task[_Answers]") -> None:
    if not connecting.cancelled():
        connecting.exception()
