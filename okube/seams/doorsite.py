"""A site of aiohttp at whose door a doorman stands, and which can move to another address."""

import asyncio
import ssl
from abc import abstractmethod
from collections import Counter
from typing import cast

from aiohttp import web

from okube.seams.doorman import Doorman, Turned

__all__ = ["DoorSite"]

_HANDSHAKE_S = 5.0


class DoorSite(web.BaseSite):
    """Listens with TLS (or without, where ``context`` is None); ``turned`` counts those who were not let in."""

    def __init__(
        self,
        runner: web.AppRunner,
        host: str,
        port: int,
        *,
        context: ssl.SSLContext | None,
        turned: Counter[Turned] | None = None,
    ) -> None:
        super().__init__(runner, ssl_context=context)
        self._host = host
        self._port = port
        self._context = context
        self._turned = turned

    @property
    def name(self) -> str:
        """Where it listens."""
        return f"{'http' if self._context is None else 'https'}://{self._host}:{self._port}"

    @abstractmethod
    def connection(self, server: web.Server, loop: asyncio.AbstractEventLoop) -> asyncio.Protocol:
        """What serves one connection, from when TLS is done."""

    async def start(self) -> None:
        """Listen; raises OSError for a port in use."""
        await super().start()
        loop = asyncio.get_running_loop()
        server = self._runner.server
        assert server is not None
        doorman = Doorman(
            lambda: self.connection(server, loop),
            context=self._context,
            handshake_s=_HANDSHAKE_S,
            turned=self._turned,
        )
        await doorman.open(self._host, self._port)
        self._doorman = doorman
        self._server = cast("asyncio.AbstractServer", doorman)  # the runner closes it, and asks for its sockets

    async def move(self, host: str, port: int) -> None:
        """Listen elsewhere from now on; connections that stand go on. Raises OSError, and then all is as it was."""
        await self._doorman.move(host, port)
        self._host, self._port = host, port
