"""Who is told that it asks too much, or that nobody knows it, is told so after a pause.

Else a client that does not listen asks again at once, and two hundred of those keep a manager busy with refusing them.
While it waits a request takes no place among those under way, and its connection is one of a bounded number.
"""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from okube.manager.api.context import CONTEXT, FORWARDED

__all__ = ["pause_middleware"]

_UNAUTHORIZED, _SLOW_DOWN = 401, 429
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def pause_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Hold such an answer back for a while; the manager that was asked does, and not the one that it asks in turn."""
    response = await handler(request)
    if response.status in (_UNAUTHORIZED, _SLOW_DOWN) and not response.prepared and not request.get(FORWARDED):
        await asyncio.sleep(request.app[CONTEXT].gate.limits.pause_s)
    return response
