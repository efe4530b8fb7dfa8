"""The manager's socket: who may connect, how long one may take to ask, and errors below HTTP as problem+json."""

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from okube.manager.api.admission import address_of
from okube.manager.api.beating import BeatingConnection
from okube.manager.api.gate import Gate
from okube.manager.api.problems import problem
from okube.manager.api.shortway import ShortWay
from okube.model.errors import Defect, Malformed, SlowDown, TooLarge, TooSlow
from okube.seams.doorsite import DoorSite
from okube.seams.punctual import answer_and_close
from okube.security import identity_of

__all__ = ["Connection", "GuardedSite"]

_log = logging.getLogger(__name__)
_LINGER_S = 1.0  # how long what a refused client still sends is thrown away, so that it reads the answer


class GuardedSite(DoorSite):
    """Lets connections pass the gate."""

    def __init__(
        self,
        runner: web.AppRunner,
        host: str,
        port: int,
        gate: Gate,
        context: ssl.SSLContext | None,
        short_way: ShortWay | None = None,
    ) -> None:
        super().__init__(runner, host, port, context=context, turned=gate.handshakes)
        self._gate = gate
        self._short_way = short_way

    def connection(self, server: web.Server, loop: asyncio.AbstractEventLoop) -> "Connection":
        """What serves one connection, from when TLS is done."""
        limits = self._gate.limits
        return Connection(
            server,
            self._gate,
            self._short_way,
            loop=loop,
            access_log=None,
            keepalive_timeout=limits.idle_s,
            lingering_time=_LINGER_S,
            max_line_size=limits.line_bytes,
            max_field_size=limits.line_bytes,
        )


class Connection(BeatingConnection):
    """One connection of HTTP."""

    def __init__(
        self,
        server: web.Server,
        gate: Gate,
        short_way: ShortWay | None = None,
        *,
        loop: asyncio.AbstractEventLoop,
        **options: Any,
    ) -> None:
        super().__init__(server, short_way, head_s=gate.limits.head_s, loop=loop, **options)
        self._gate = gate
        self._leave: Callable[[], None] | None = None
        self._turned_away = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let it in, or answer 429 and close; managers are always let in."""
        self._turned_away = not self._pass_gate(transport)
        if self._turned_away:
            error = SlowDown("too many connections at this manager: close some, and ask again")
            answer_and_close(transport, problem(error))
        else:
            super().connection_made(transport)

    def _pass_gate(self, transport: asyncio.BaseTransport) -> bool:
        peer = identity_of(transport.get_extra_info("peercert"))
        if peer is not None and peer.role == "manager":
            return True
        who: str
        enter: Callable[[str], bool]
        leave: Callable[[str], None]
        if peer is not None and peer.role == "worker":
            who, enter, leave = peer.name, self._gate.connect_agent, self._gate.disconnect_agent
        else:
            who, enter, leave = address_of(transport), self._gate.connect, self._gate.disconnect
        if not enter(who):
            return False
        self._leave = lambda: leave(who)
        return True

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is over."""
        leave, self._leave = self._leave, None
        if leave is not None:
            leave()
        if not self._turned_away:
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        if not self._turned_away:
            super().data_received(data)

    def head_is_late(self) -> None:
        """Say so, and close."""
        assert self.transport is not None
        self._gate.refused["slow"] += 1
        error = TooSlow(f"no whole request came within {self._gate.limits.head_s:.0f} s")
        answer_and_close(self.transport, problem(error))
        super().head_is_late()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What is no HTTP, as a problem; what a handler let through is a defect, and logged with its trace."""
        if status >= 500:
            _log.error("a defect in answering %s", request.remote, exc_info=exc)
            response = problem(Defect("a defect of Okube; the manager's log has the trace"), 500)
        elif isinstance(exc, LineTooLong) or "header" in str(message).lower():
            self._gate.refused["head"] += 1
            response = problem(TooLarge(f"the request line or its headers are too large: {_short(message)}"), 431)
        else:
            self._gate.refused["malformed"] += 1
            response = problem(Malformed(f"this is no request of HTTP/1.1: {_short(message)}"), status)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun already")
        response.force_close()
        return response


def _short(message: str | None) -> str:
    first = (message or "").strip().splitlines()
    return first[0][:200] if first else "it cannot be read"
