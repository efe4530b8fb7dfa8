"""Connections of aiohttp to other processes; whatever keeps one from being made is an error of aiohttp's."""

from typing import Any

import aiohttp

__all__ = ["Connector"]


class Connector(aiohttp.TCPConnector):
    """As many connections as are needed.

    uvloop may refuse to connect with a ``RuntimeError``: to callers that is a connection that failed, as any other.
    """

    def __init__(self, **more: Any) -> None:
        super().__init__(limit=0, **more)

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:
        """See ``aiohttp.BaseConnector``."""
        try:
            return await super().connect(req, traces, timeout)
        except RuntimeError as error:
            raise aiohttp.ClientConnectionError(f"no connection could be made: {error}") from error
