"""Connections of aiohttp to other processes; whatever keeps one from being made is an error of aiohttp's."""

from collections.abc import Callable, Mapping
from typing import Any

import aiohttp

__all__ = ["Connector", "Judge"]

Judge = Callable[[Mapping[str, Any] | None], str | None]
"""From the certificate of who answers, as ``getpeercert()`` gives it, to why nothing is said to them; None: it is."""


class Connector(aiohttp.TCPConnector):
    """As many connections as are needed.

    uvloop may refuse to connect with a ``RuntimeError``: to callers that is a connection that failed, as any other.
    So is one to somebody whom ``judge`` objects to.
    """

    def __init__(self, *, judge: Judge | None = None, **more: Any) -> None:
        super().__init__(limit=0, **more)
        self._judge = judge

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:
        """See ``aiohttp.BaseConnector``."""
        try:
            connection = await super().connect(req, traces, timeout)
        except RuntimeError as error:
            raise aiohttp.ClientConnectionError(f"no connection could be made: {error}") from error
        transport = connection.transport
        objection = self._judge(transport.get_extra_info("peercert")) if self._judge and transport else None
        if objection is not None:
            connection.close()
            raise aiohttp.ClientConnectionError(objection)
        return connection
