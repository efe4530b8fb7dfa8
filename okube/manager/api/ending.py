"""Cuts off what a user reads when it should end: whoever comes again is told why."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from okube.manager.api.context import CALLER, CONTEXT

__all__ = ["ending_middleware"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def ending_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """End a read when its user's credentials do, or what they may do has changed; the connection goes with it."""
    caller = request.get(CALLER)
    if caller is None or caller.kind != "user" or request.method != "GET":
        return await handler(request)
    context = request.app[CONTEXT]
    left_s = None
    if caller.expires_ms is not None:
        left_s = max(0.0, (caller.expires_ms - context.core.clock.time_ms()) / 1000)
    scope = asyncio.timeout(left_s)
    try:
        async with scope:
            with context.held.holding(caller, scope):
                return await handler(request)
    except TimeoutError:
        if not scope.expired():
            raise
        if request.transport is not None:
            request.transport.abort()
        raise asyncio.CancelledError from None  # as where the client itself leaves
