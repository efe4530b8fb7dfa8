"""The agent's socket: TLS first, then managers of its cluster alone, and each of them asks in time."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, cast

from aiohttp import web

from okube.seams.doorman import Doorman
from okube.seams.punctual import PunctualConnection, answer_and_close

__all__ = ["AgentSite"]

Refusal = Callable[[asyncio.BaseTransport], web.Response | None]
"""What is answered to whoever is at the other end, before there is a request; None if it may ask."""

_HANDSHAKE_S = 5.0
_HEAD_S = 10.0
_IDLE_S = 75.0  # longer than the 60 s for which managers keep theirs
_LINE_BYTES = 8190


class AgentSite(web.BaseSite):
    """Listens, and answers those who are refused without a request."""

    def __init__(
        self, runner: web.AppRunner, host: str, port: int, *, context: ssl.SSLContext, refusal: Refusal
    ) -> None:
        super().__init__(runner, ssl_context=context)
        self._host = host
        self._port = port
        self._context = context
        self._refusal = refusal

    @property
    def name(self) -> str:
        """Where it listens."""
        return f"https://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen; raises OSError for a port in use."""
        await super().start()
        loop = asyncio.get_running_loop()
        server, refusal = self._runner.server, self._refusal
        assert server is not None

        def connection() -> _Connection:
            return _Connection(
                server,
                refusal,
                loop=loop,
                access_log=None,
                keepalive_timeout=_IDLE_S,
                max_line_size=_LINE_BYTES,
                max_field_size=_LINE_BYTES,
            )

        doorman = Doorman(connection, context=self._context, handshake_s=_HANDSHAKE_S)
        await doorman.open(self._host, self._port)
        self._doorman = doorman
        self._server = cast("asyncio.AbstractServer", doorman)  # the runner closes it, and asks for its sockets

    async def move(self, host: str, port: int) -> None:
        """Listen elsewhere from now on; connections that stand go on. Raises OSError, and then all is as it was."""
        await self._doorman.move(host, port)
        self._host, self._port = host, port


class _Connection(PunctualConnection):
    def __init__(
        self, server: web.Server, refusal: Refusal, *, loop: asyncio.AbstractEventLoop, **options: Any
    ) -> None:
        super().__init__(server, head_s=_HEAD_S, loop=loop, **options)
        self._refusal = refusal
        self._refused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let it in, or answer and close."""
        answer = self._refusal(transport)
        if answer is None:
            super().connection_made(transport)
        else:
            self._refused = True
            answer_and_close(transport, answer)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is over."""
        if not self._refused:
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        if not self._refused:
            super().data_received(data)
