"""What each request passes before its handler: how many at a time, how large, how fast, with which parameters."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from itertools import islice

from aiohttp import web

from okube.manager.api.context import CALLER, CONTEXT, FORWARDED
from okube.manager.api.gate import Limits, Pass
from okube.manager.api.parameters import wrong_parameters
from okube.manager.api.problems import problem
from okube.manager.api.route import Route
from okube.manager.api.routes import route_of
from okube.model.errors import InvalidInput, OkubeError, TooLarge, TooSlow

__all__ = ["address_of", "admission_middleware", "end_of_admission", "known_route"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_PASS: web.RequestKey[Pass] = web.RequestKey("pass", Pass)
_MAX_ERRORS = 20


@web.middleware
async def admission_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a request in, read its body, and see to it that its place is free again at its end."""
    gate = request.app[CONTEXT].gate
    limits = gate.limits
    if len(request.headers) > limits.headers:
        return _closed(problem(TooLarge(f"more than {limits.headers} headers: send fewer"), 431))
    size = request.content_length
    if size is not None and size > limits.body_bytes:
        return _closed(problem(_too_large(limits)))
    if _is_exempt(request):
        with gate.agent(request[CALLER].name) if _is_agent(request) else contextlib.nullcontext():
            await _read(request, limits)
            return await handler(request)
    _check_parameters(request)
    expected = 0 if not request.body_exists else limits.body_bytes if size is None else size
    admitted = gate.enter(_client(request), expected)
    request[_PASS] = admitted
    try:
        await _read(request, limits)
        return await handler(request)
    finally:
        admitted.leave()


async def end_of_admission(request: web.Request, response: web.StreamResponse) -> None:
    """A stream does not count as a request under way: it may go on for days, and connections are bounded too."""
    if _PASS in request and not isinstance(response, web.Response):
        request[_PASS].leave()


def known_route(request: web.Request) -> Route | None:
    """The route in the table that a request goes to."""
    resource = request.match_info.route.resource
    return None if resource is None else route_of(request.method, resource.canonical)


def _is_exempt(request: web.Request) -> bool:
    """Whether it counts for nobody: it is of an agent or a manager, or open to anyone, such as ``/healthz``."""
    caller = request.get(CALLER)
    if caller is None:
        return request[FORWARDED] or request.path == "/healthz"
    return request[FORWARDED] or not caller.is_person


def _is_agent(request: web.Request) -> bool:
    caller = request.get(CALLER)
    return caller is not None and caller.kind == "worker" and not request[FORWARDED]


def _client(request: web.Request) -> str:
    caller = request.get(CALLER)
    name = "anyone" if caller is None else caller.name
    return f"{name} at {address_of(request.transport)}"


def address_of(transport: asyncio.BaseTransport | None) -> str:
    """The address at the other end, without its port."""
    peer = None if transport is None else transport.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) else "unknown"


async def _read(request: web.Request, limits: Limits) -> None:
    """The whole body, which aiohttp keeps for who reads it next.

    Raises:
        TooSlow: it does not come in time.
    """
    if not request.body_exists:
        return
    if request.content.is_eof():  # all of it came with the head, as small ones do
        await request.read()
        return
    try:
        async with asyncio.timeout(limits.body_s):
            await request.read()
    except TimeoutError:
        raise TooSlow(f"the body did not come within {limits.body_s:.0f} s") from None


def _check_parameters(request: web.Request) -> None:
    """Raises InvalidInput where a parameter is unknown, or not what the table of routes says."""
    route = known_route(request)
    errors = [] if route is None else list(islice(wrong_parameters(route, request.query, request.headers), _MAX_ERRORS))
    if errors:
        raise InvalidInput.of(errors, what="query")


def _too_large(limits: Limits) -> OkubeError:
    return TooLarge(f"the request's body is larger than {limits.body_bytes >> 20} MiB: send it in parts")


def _closed(response: web.Response) -> web.Response:
    """An answer after which nothing more is read from the connection."""
    response.force_close()
    return response
