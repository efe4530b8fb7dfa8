"""Connections of HTTP on which nobody may take for ever to ask, and answers to those who are not let in."""

import asyncio
from typing import Any, cast

from aiohttp import web

__all__ = ["PunctualConnection", "answer_and_close"]


class PunctualConnection(web.RequestHandler):
    """aiohttp's, with a limit on the time that the head of a request takes, from its first byte to its last.

    The first head has the same time from when the connection stands.
    """

    def __init__(self, server: web.Server, *, head_s: float, loop: asyncio.AbstractEventLoop, **options: Any) -> None:
        super().__init__(server, loop=loop, **options)
        self._head_s = head_s
        self._head_timer: asyncio.TimerHandle | None = None

    def head_is_late(self) -> None:
        """No whole request came in time; whoever has something to say about it overrides this, and calls it last."""
        self.force_close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands: time runs."""
        super().connection_made(transport)
        self._head_timer = self._loop.call_later(self._head_s, self._time_is_over)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is over."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        super().data_received(data)
        if not self._awaits_head:
            self._stop_timer()
        elif self._head_timer is None:
            self._head_timer = self._loop.call_later(self._head_s, self._time_is_over)

    @property
    def _awaits_head(self) -> bool:
        return not self._request_in_progress and not self._messages

    def _time_is_over(self) -> None:
        self._head_timer = None
        if self._awaits_head and self.transport is not None:
            self.head_is_late()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def answer_and_close(transport: asyncio.BaseTransport, answer: web.Response) -> None:
    """An answer before there is a request, and the end of the connection."""
    writable = cast("asyncio.Transport", transport)  # uvloop's is one in all but its class
    body = answer.body
    assert isinstance(body, bytes)
    head = [f"HTTP/1.1 {answer.status} {answer.reason}", "Connection: close", f"Content-Length: {len(body)}"]
    head += [f"{name}: {value}" for name, value in answer.headers.items() if name != "Content-Length"]
    writable.write("\r\n".join([*head, "", ""]).encode("latin-1") + body)
    writable.close()
