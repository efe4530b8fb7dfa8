"""Routes for agents: registration, heartbeats with their reports, certificates, and what their tasks are given.

Bodies are msgpack, see ``okube.model.wire``; a value is as it is.
"""

import logging
import re
from typing import TypeVar

import msgspec
from aiohttp import web

from okube.manager import certificates, intake
from okube.manager.api.context import CALLER, CONTEXT
from okube.manager.api.forward import leader_only
from okube.model.errors import UNREADABLE, Forbidden, Malformed, NotFound
from okube.model.node import Node
from okube.model.secret import SecretKind, sealed_as
from okube.model.wire import CertificateQuestion, Heartbeat, Registration
from okube.state.mounts import needed_by

__all__ = ["routes"]

routes = web.RouteTableDef()
_log = logging.getLogger(__name__)
T = TypeVar("T")
_VERSION = re.compile("[1-9][0-9]{0,8}")
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


def _serve_values(kind: SecretKind) -> None:
    @routes.get(f"/v1/agents/{{node}}/{kind}s/{{name}}/{{version}}")
    async def value(request: web.Request) -> web.Response:
        """A value for a task on the agent's own node that is given this version, and for nothing else."""
        core = request.app[CONTEXT].core
        node, name, version = (request.match_info[part] for part in ("node", "name", "version"))
        await core.read_barrier()  # what is not needed any more is not given any more
        _check_instance(request, core.tables.nodes.get(node))
        number = int(version) if _VERSION.fullmatch(version) else 0
        if needed_by(core.tables, node, kind, name, number) is None:
            raise NotFound(f"no task on node {node} is given version {version} of {kind} {name}")
        secret = core.tables.secrets.get((kind, name))
        kept = None if secret is None else secret.at(number)
        if kept is None:
            raise NotFound(f"version {version} of {kind} {name} is not kept any more")
        data = core.vault.open(kept.sealed, sealed_as(kind, name, kept.id))
        _log.info("node %s is given %s %s, version %d", node, kind, name, number)
        return web.Response(body=data, content_type="application/octet-stream", headers={"Cache-Control": "no-store"})


_serve_values("secret")
_serve_values("config")


def _answer(answer: msgspec.Struct) -> web.Response:
    return web.Response(body=_encoder.encode(answer), content_type="application/msgpack")


def _check(request: web.Request, said: Registration | Heartbeat) -> None:
    """An agent speaks for itself: for its name, and for the instance that its certificate names."""
    if said.node != request.match_info["node"]:
        raise Malformed(f"the body speaks for {said.node} and the path for {request.match_info['node']}")
    caller = request[CALLER]
    if caller.instance and said.instance != caller.instance:
        raise Forbidden(f"the body speaks for instance {said.instance}, and the certificate is of {caller.instance}")


def _check_instance(request: web.Request, node: Node | None) -> None:
    """A certificate of an instance that another one has taken the place of is worth nothing, though it lasts."""
    caller = request[CALLER]
    if node is not None and caller.instance and caller.instance != node.id:
        raise Forbidden(f"node {node.name} is instance {node.id} now, and the certificate is of {caller.instance}")


async def _body(request: web.Request, decoder: msgspec.msgpack.Decoder[T]) -> T:
    try:
        return decoder.decode(await request.read())
    except UNREADABLE as error:
        raise Malformed(f"the body is not what an agent sends: {error}") from error
