"""The agent's socket: TLS first, then managers of its cluster alone, and each of them asks in time."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

from aiohttp import web

from okube.seams.doorsite import DoorSite
from okube.seams.punctual import PunctualConnection, answer_and_close

__all__ = ["AgentSite"]

Refusal = Callable[[asyncio.BaseTransport], web.Response | None]
"""What is answered to whoever is at the other end, before there is a request; None if it may ask."""

_HEAD_S = 10.0
_IDLE_S = 75.0  # longer than the 60 s for which managers keep theirs
_LINE_BYTES = 8190


class AgentSite(DoorSite):
    """Answers those who are refused without a request."""

    def __init__(
        self, runner: web.AppRunner, host: str, port: int, *, context: ssl.SSLContext, refusal: Refusal
    ) -> None:
        super().__init__(runner, host, port, context=context)
        self._refusal = refusal
        self._connections: set[_Connection] = set()

    def connection(self, server: web.Server, loop: asyncio.AbstractEventLoop) -> "_Connection":
        """What serves one connection, from when TLS is done."""
        return _Connection(
            server,
            self._refusal,
            self._connections,
            loop=loop,
            access_log=None,
            keepalive_timeout=_IDLE_S,
            max_line_size=_LINE_BYTES,
            max_field_size=_LINE_BYTES,
        )

    def turn_out(self) -> None:
        """End the connections of those who would be refused now."""
        for connection in list(self._connections):
            if connection.transport is not None and self._refusal(connection.transport) is not None:
                connection.force_close()


class _Connection(PunctualConnection):
    def __init__(
        self,
        server: web.Server,
        refusal: Refusal,
        connections: "set[_Connection]",
        *,
        loop: asyncio.AbstractEventLoop,
        **options: Any,
    ) -> None:
        super().__init__(server, head_s=_HEAD_S, loop=loop, **options)
        self._refusal = refusal
        self._connections = connections
        self._refused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let it in, or answer and close."""
        answer = self._refusal(transport)
        if answer is None:
            super().connection_made(transport)
            self._connections.add(self)
        else:
            self._refused = True
            answer_and_close(transport, answer)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is over."""
        self._connections.discard(self)
        if not self._refused:
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        if not self._refused:
            super().data_received(data)
