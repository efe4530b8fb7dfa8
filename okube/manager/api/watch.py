"""`?watch=true` on a list: its changes as JSON lines, until either side ends it."""

import asyncio
import contextlib

from aiohttp import web

from okube.manager.api.bodies import MAX_DIGITS, query_flag, query_number
from okube.manager.api.context import CONTEXT
from okube.manager.api.scope import sight_of
from okube.manager.watch import Wanted
from okube.model.errors import FieldError, InvalidInput
from okube.state.feed import Kind

__all__ = ["end_watches", "is_watch", "watch"]

_STUCK_S = 30.0
"""A reader who takes nothing for so long is cut off."""


def is_watch(request: web.Request) -> bool:
    """Whether the request asks for changes instead of a list."""
    return query_flag(request, "watch")


async def watch(request: web.Request, kind: Kind, wanted: Wanted) -> web.StreamResponse:
    """The changes after ``since`` (absent: from now on) of what ``wanted`` lets pass; call it after a read barrier.

    Raises:
        Gone, SlowDown: as ``Watches.stream``.
    """
    if query_flag(request, "stale"):
        raise InvalidInput.of([FieldError("stale", "a watch is never stale: leave one of the two out")], what="query")
    since = None
    if "since" in request.query:
        since = query_number(request, "since", default=0, low=0, high=10**MAX_DIGITS - 1)
    headers = {"Content-Type": "application/x-ndjson", "Cache-Control": "no-store"}
    if request.method == "HEAD":
        return web.Response(headers=headers)
    chunks = request.app[CONTEXT].watches.stream(kind, since, wanted, sight_of(request))
    response = web.StreamResponse(headers=headers)
    async with contextlib.aclosing(chunks):
        first = await anext(chunks)  # what cannot be served is told as an error, not as an empty stream
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):  # the reader is gone
            await _write(request, response, first)
            async for chunk in chunks:
                await _write(request, response, chunk)
    return response


async def end_watches(app: web.Application) -> None:
    """A manager that stops ends its streams first: their readers go on elsewhere."""
    app[CONTEXT].watches.close()


async def _write(request: web.Request, response: web.StreamResponse, chunk: bytes) -> None:
    try:
        async with asyncio.timeout(_STUCK_S):
            await response.write(chunk)
    except TimeoutError as error:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError("the reader of a watch takes nothing any more") from error
