"""The session of HTTP that a manager calls other processes of its cluster with."""

import ssl

import aiohttp

from okube.seams.connector import Connector

__all__ = ["TlsSession"]


class TlsSession:
    """Mutual TLS, and connections that are kept. ``start`` it on the loop, and ``close`` it in the end."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the session; call it on the loop."""
        connector = Connector(ssl=self._tls, keepalive_timeout=60)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        assert self._session is not None, "start() comes first"
        return self._session
