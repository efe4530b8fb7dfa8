"""Routes for agents: registration, heartbeats with their reports, certificates.

Bodies are msgpack, see ``okube.model.wire``.
"""

from typing import TypeVar

import msgspec
from aiohttp import web

from okube.manager import certificates, intake
from okube.manager.api.context import CALLER, CONTEXT
from okube.manager.api.forward import leader_only
from okube.model.errors import UNREADABLE, Forbidden, Malformed
from okube.model.wire import CertificateQuestion, Heartbeat, Registration

__all__ = ["routes"]

routes = web.RouteTableDef()
T = TypeVar("T")
_encoder = msgspec.msgpack.Encoder()
_registrations = msgspec.msgpack.Decoder(Registration)
_heartbeats = msgspec.msgpack.Decoder(Heartbeat)
_questions = msgspec.msgpack.Decoder(CertificateQuestion)


@routes.post("/v1/agents/{node}/register")
@leader_only
async def register(request: web.Request) -> web.Response:
    """Let a node in."""
    context = request.app[CONTEXT]
    said = await _body(request, _registrations)
    _check(request, said)
    return _answer(await intake.register(context.core, context.leader(), said))


@routes.post("/v1/agents/{node}/heartbeat")
@leader_only
async def heartbeat(request: web.Request) -> web.Response:
    """A sign of life; answered once the reports in it are committed."""
    context = request.app[CONTEXT]
    said = await _body(request, _heartbeats)
    _check(request, said)
    return _answer(await intake.heartbeat(context.core, context.leader(), said))


@routes.post("/v1/agents/{node}/certificate")
@leader_only
async def certificate(request: web.Request) -> web.Response:
    """The next certificate of a node that takes part."""
    context = request.app[CONTEXT]
    said = await _body(request, _questions)
    return _answer(certificates.of_agent(context.core, context.signer, request[CALLER], said))


def _answer(answer: msgspec.Struct) -> web.Response:
    return web.Response(body=_encoder.encode(answer), content_type="application/msgpack")


def _check(request: web.Request, said: Registration | Heartbeat) -> None:
    """An agent speaks for itself: for its name, and for the instance that its certificate names."""
    if said.node != request.match_info["node"]:
        raise Malformed(f"the body speaks for {said.node} and the path for {request.match_info['node']}")
    caller = request[CALLER]
    if caller.instance and said.instance != caller.instance:
        raise Forbidden(f"the body speaks for instance {said.instance}, and the certificate is of {caller.instance}")


async def _body(request: web.Request, decoder: msgspec.msgpack.Decoder[T]) -> T:
    try:
        return decoder.decode(await request.read())
    except UNREADABLE as error:
        raise Malformed(f"the body is not what an agent sends: {error}") from error
