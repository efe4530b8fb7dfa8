"""Routes for agents: registration, heartbeats with their reports. msgpack bodies, see ``okube.model.wire``."""

from typing import TypeVar

import msgspec
from aiohttp import web

from okube.manager import intake
from okube.manager.api.context import CONTEXT
from okube.manager.api.forward import leader_only
from okube.model.errors import UNREADABLE, Malformed
from okube.model.wire import Heartbeat, Registration

__all__ = ["routes"]

routes = web.RouteTableDef()
T = TypeVar("T")
_encoder = msgspec.msgpack.Encoder()
_registrations = msgspec.msgpack.Decoder(Registration)
_heartbeats = msgspec.msgpack.Decoder(Heartbeat)


@routes.post("/v1/agents/{node}/register")
@leader_only
async def register(request: web.Request) -> web.Response:
    """Let a node in."""
    context = request.app[CONTEXT]
    said = await _body(request, _registrations)
    _check_name(request, said.node)
    return _answer(await intake.register(context.core, context.leader(), said))


@routes.post("/v1/agents/{node}/heartbeat")
@leader_only
async def heartbeat(request: web.Request) -> web.Response:
    """A sign of life; answered once the reports in it are committed."""
    context = request.app[CONTEXT]
    said = await _body(request, _heartbeats)
    _check_name(request, said.node)
    return _answer(await intake.heartbeat(context.core, context.leader(), said))


def _answer(answer: msgspec.Struct) -> web.Response:
    return web.Response(body=_encoder.encode(answer), content_type="application/msgpack")


def _check_name(request: web.Request, name: str) -> None:
    if name != request.match_info["node"]:
        raise Malformed(f"the body speaks for {name} and the path for {request.match_info['node']}")


async def _body(request: web.Request, decoder: msgspec.msgpack.Decoder[T]) -> T:
    try:
        return decoder.decode(await request.read())
    except UNREADABLE as error:
        raise Malformed(f"the body is not what an agent sends: {error}") from error
