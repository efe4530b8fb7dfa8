"""Routes for other managers: what the leader asks of them about agents, and certificates.

Bodies are msgpack, see ``okube.model.wire``.
"""

from typing import TypeVar

import msgspec
from aiohttp import web

from okube.manager import certificates, intake, on_behalf
from okube.manager.api.context import CALLER, CONTEXT
from okube.model.authority import Authorities
from okube.model.commands import PutAuthorities
from okube.model.errors import UNREADABLE, Malformed, NoQuorum
from okube.model.wire import BeatsQuestion, CertificateQuestion, Papers, ReachQuestion, RelayQuestion

__all__ = ["routes"]

routes = web.RouteTableDef()
T = TypeVar("T")
_encoder = msgspec.msgpack.Encoder()
_beats = msgspec.msgpack.Decoder(BeatsQuestion)
_reach = msgspec.msgpack.Decoder(ReachQuestion)
_authorities = msgspec.msgpack.Decoder(Authorities)
_papers = msgspec.msgpack.Decoder(Papers)
_question = msgspec.msgpack.Decoder(CertificateQuestion)
_relay = msgspec.msgpack.Decoder(RelayQuestion)


@routes.post("/v1/peers/reach")
async def reach(request: web.Request) -> web.Response:
    """Whether this manager reaches agents that are silent: the leader's second opinion."""
    context = request.app[CONTEXT]
    return _answer(await on_behalf.reach(context.core.tables, context.agents, await _body(request, _reach)))


@routes.post("/v1/peers/heartbeats")
async def heartbeats(request: web.Request) -> web.Response:
    """Take heartbeats that a follower gathered."""
    context = request.app[CONTEXT]
    asked = await _body(request, _beats)
    leader = context.leader()
    if leader is None or not context.core.leads:
        raise NoQuorum(f"{context.core.name} does not lead now")
    return _answer(await intake.together(context.core, leader, asked))


@routes.post("/v1/peers/relay")
async def relay(request: web.Request) -> web.Response:
    """Pass an assignment on to an agent that the leader does not reach."""
    return _answer(await on_behalf.relay(request.app[CONTEXT].agents, await _body(request, _relay)))


@routes.post("/v1/peers/certificate")
async def certificate(request: web.Request) -> web.Response:
    """The next certificate of another manager."""
    context = request.app[CONTEXT]
    said = await _body(request, _question)
    return _answer(certificates.of_manager(context.core, context.signer, request[CALLER], said))


@routes.post("/v1/peers/papers")
async def papers(request: web.Request) -> web.Response:
    """What another manager shows, for the leader to know."""
    context = request.app[CONTEXT]
    said = await _body(request, _papers)
    leader = context.leader()
    if leader is None:
        raise NoQuorum(f"{context.core.name} does not lead now")
    leader.papers.managers[request[CALLER].name] = said
    return _answer(said)


@routes.post("/v1/peers/authorities")
async def authorities(request: web.Request) -> web.Response:
    """Take the CA from a manager that has it on its machine, where the state holds none yet."""
    core = request.app[CONTEXT].core
    said = await _body(request, _authorities)
    if core.tables.authorities is None:
        await core.submit(PutAuthorities(said, "kept", by=request[CALLER].name))
    return _answer(said)


def _answer(answer: msgspec.Struct) -> web.Response:
    return web.Response(body=_encoder.encode(answer), content_type="application/msgpack")


async def _body(request: web.Request, decoder: msgspec.msgpack.Decoder[T]) -> T:
    try:
        return decoder.decode(await request.read())
    except UNREADABLE as error:
        raise Malformed(f"the body is not what a manager sends: {error}") from error
