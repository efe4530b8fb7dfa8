"""How many requests, how long until they are answered, and what is open; and ``/metrics``, which tells it."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from okube.manager.api.admission import known_route
from okube.manager.api.context import CONTEXT
from okube.seams.exposition import exposition

__all__ = ["measure_middleware", "note_answer", "routes"]

routes = web.RouteTableDef()
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_BEGAN: web.RequestKey[float] = web.RequestKey("began", float)
_STREAM: web.RequestKey[str] = web.RequestKey("stream", str)
_OVER: web.RequestKey[bool] = web.RequestKey("over", bool)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_UNKNOWN = "unknown"


@routes.get("/metrics")
async def metrics(request: web.Request) -> web.Response:
    """What this manager counts, as Prometheus reads it."""
    registry = request.app[CONTEXT].core.metrics.registry
    return web.Response(body=await exposition(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


@web.middleware
async def measure_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Note when a request came, and that it is over."""
    core = request.app[CONTEXT].core
    request[_BEGAN] = core.clock.monotonic()
    core.metrics.requests_in_flight.inc()
    try:
        return await handler(request)
    finally:
        core.metrics.requests_in_flight.dec()
        request[_OVER] = True
        if _STREAM in request:
            core.metrics.streams.labels(request[_STREAM]).dec()


async def note_answer(request: web.Request, response: web.StreamResponse) -> None:
    """An answer begins: what a client waits for."""
    if _BEGAN not in request:
        return
    core = request.app[CONTEXT].core
    route = known_route(request)
    path = _UNKNOWN if route is None else route.path
    method = request.method if request.method in _METHODS else _UNKNOWN
    answers, seconds = core.metrics.answers_of(path, method, response.status)
    answers.inc()
    seconds.observe(core.clock.monotonic() - request[_BEGAN])
    if not isinstance(response, web.Response) and _OVER not in request:
        request[_STREAM] = path
        core.metrics.streams.labels(path).inc()
