"""A connection on which an agent gives its heartbeats: what of it goes the short way."""

import asyncio
from typing import Any

from aiohttp import web

from okube.manager.api.shortway import ShortWay, body_of
from okube.seams.punctual import PunctualConnection
from okube.security import Identity, identity_of

__all__ = ["BeatingConnection"]

_MOST_BEHIND = 1 << 20
"""Bytes that may come behind a heartbeat before it is answered: agents wait for the answer, and send nothing."""

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/msgpack\r\nContent-Length: %d\r\n\r\n%b"


class BeatingConnection(PunctualConnection):
    """Answers a heartbeat by the short way, where nothing else is under way on the connection."""

    def __init__(
        self, server: web.Server, short_way: ShortWay | None, *, loop: asyncio.AbstractEventLoop, **options: Any
    ) -> None:
        super().__init__(server, loop=loop, **options)
        self._short_way = short_way
        self._agent: Identity | None = None
        self._first_line: bytes | None = None
        self._partial = False  # the beginning of a request came, and not all of its head
        self._asked: asyncio.Future[bytes | None] | None = None  # the answer to a heartbeat that is being brought
        self._behind: list[bytes] = []  # what came after it

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        super().connection_made(transport)
        self._agent = identity_of(transport.get_extra_info("peercert"))
        self._first_line = None if self._short_way is None else self._short_way.first_line(self._agent)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is over."""
        asked, self._asked = self._asked, None
        if asked is not None:
            asked.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        if self._asked is not None:
            self._behind.append(data)
            if sum(map(len, self._behind)) > _MOST_BEHIND and self.transport is not None:
                self.transport.abort()
        elif self._first_line is None or not self._goes_the_short_way(data, self._first_line):
            self._go_the_usual_way(data)

    def _goes_the_short_way(self, data: bytes, first_line: bytes) -> bool:
        if self._partial or not self._awaits_head or self._force_close or self.ends_soon:
            return False
        body = body_of(data, first_line)
        if body is None:
            return False
        began = self._loop.time()
        assert self._short_way is not None and self._agent is not None
        answer = self._short_way.answer(self._agent, body)
        if answer is None:
            return False
        if isinstance(answer, bytes):
            self._send(answer, began)
        else:
            self._asked = answer
            answer.add_done_callback(lambda answer: self._is_answered(answer, data, began))
        self._stop_timer()
        return True

    def _is_answered(self, answer: "asyncio.Future[bytes | None]", data: bytes, began: float) -> None:
        if self._asked is not answer:
            return  # nobody is there any more
        self._asked = None
        found = answer.result()
        if found is None:
            self._go_the_usual_way(data)
        else:
            self._send(found, began)
        behind, self._behind = self._behind, []
        for each in behind:
            self.data_received(each)

    def _send(self, answer: bytes, began: float) -> None:
        assert self._short_way is not None
        if self.transport is None or self.transport.is_closing():
            return
        self.transport.write(_HEAD % (len(answer), answer))
        now = self._loop.time()
        self._next_keepalive_close_time = now + self._keepalive_timeout  # aiohttp closes connections that are idle
        self._short_way.count(now - began)

    def _go_the_usual_way(self, data: bytes) -> None:
        super().data_received(data)
        self._partial = self._awaits_head and bool(data)

    @property
    def _awaits_head(self) -> bool:
        return self._asked is None and super()._awaits_head
