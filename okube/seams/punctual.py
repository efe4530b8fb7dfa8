"""Connections of HTTP on which nobody may take for ever to ask, and answers to those who are not let in.

None outlives the certificate that its client showed. A client that renews it in time notices nothing: for a while
before the end each answer says that the next request is for another connection.
"""

import asyncio
import time
from typing import Any, cast

from aiohttp import hdrs, web

from okube.seams.lasting import Lasting

__all__ = ["PunctualConnection", "answer_and_close", "say_which_is_last"]

_ANNOUNCED_S = 60.0  # longer than a client keeps a connection that it does not use
_ANNOUNCED = 0.1  # of the life of a certificate, where that is less
_GRACE_S = 10.0  # for what is answered at that moment


class PunctualConnection(web.RequestHandler):
    """aiohttp's, with a limit on the time that the head of a request takes, from its first byte to its last.

    The first head has the same time from when the connection stands.
    """

    def __init__(self, server: web.Server, *, head_s: float, loop: asyncio.AbstractEventLoop, **options: Any) -> None:
        super().__init__(server, loop=loop, **options)
        self._head_s = head_s
        self._head_timer: asyncio.TimerHandle | None = None
        self._end_timer: asyncio.TimerHandle | None = None
        self._announced_at: float | None = None

    @property
    def ends_soon(self) -> bool:
        """Whether the client should ask for nothing more here, for its certificate ends."""
        return self._announced_at is not None and self._loop.time() >= self._announced_at

    def head_is_late(self) -> None:
        """No whole request came in time; whoever has something to say about it overrides this, and calls it last."""
        self.force_close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands: time runs."""
        super().connection_made(transport)
        self._head_timer = self._loop.call_later(self._head_s, self._time_is_over)
        lasting = Lasting.of(transport.get_extra_info("peercert"))
        if lasting is not None:
            left_s = max(0.0, lasting.left_s(time.time()))
            self._end_timer = self._loop.call_later(left_s, self._certificate_ended)
            announced_s = min(_ANNOUNCED_S, _ANNOUNCED * (lasting.ends_s - lasting.begins_s))
            self._announced_at = self._loop.time() + left_s - announced_s

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is over."""
        self._stop_timer()
        if self._end_timer is not None:
            self._end_timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        super().data_received(data)
        if not self._awaits_head:
            self._stop_timer()
        elif self._head_timer is None:
            self._head_timer = self._loop.call_later(self._head_s, self._time_is_over)

    def _certificate_ended(self) -> None:
        if self._awaits_head:
            self.force_close()
        else:
            self._end_timer = self._loop.call_later(_GRACE_S, self.force_close)

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


async def say_which_is_last(request: web.Request, response: web.StreamResponse) -> None:
    """For ``on_response_prepare``: where the client's certificate ends soon, this is the last answer here."""
    connection = request.protocol
    if isinstance(connection, PunctualConnection) and connection.ends_soon and response.status != 101:
        response.force_close()
        response.headers[hdrs.CONNECTION] = "close"


def answer_and_close(transport: asyncio.BaseTransport, answer: web.Response) -> None:
    """An answer before there is a request, and the end of the connection."""
    writable = cast("asyncio.Transport", transport)  # uvloop's is one in all but its class
    body = answer.body
    assert isinstance(body, bytes)
    head = [f"HTTP/1.1 {answer.status} {answer.reason}", "Connection: close", f"Content-Length: {len(body)}"]
    head += [f"{name}: {value}" for name, value in answer.headers.items() if name != "Content-Length"]
    writable.write("\r\n".join([*head, "", ""]).encode("latin-1") + body)
    writable.close()
