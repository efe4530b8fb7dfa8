"""Routes for agents: registration, heartbeats with their reports. msgpack bodies, see ``okube.model.wire``."""

from typing import TypeVar

import msgspec
from aiohttp import web

from okube.manager.api.context import CONTEXT, Context
from okube.manager.api.forward import leader_only
from okube.manager.leader import Leader
from okube.model.commands import RegisterNode, ReportTasks
from okube.model.errors import Conflict, Malformed, NoQuorum
from okube.model.wire import Heartbeat, HeartbeatAnswer, Registration, RegistrationAnswer

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
    command = RegisterNode(
        name=said.node,
        instance=said.instance,
        address=said.address,
        labels=said.labels,
        zone=said.zone,
        cores=said.cores,
        memory=said.memory,
        disk=said.disk,
        runtime=said.runtime,
        software=said.software,
    )
    message = ""
    try:
        leader = _leader_heard(context, said.node, 0.0)
        await context.core.submit(command)
        leader.liveness.heard(said.node)
        leader.changes.event_of(said.node).set()
    except Conflict as error:
        message = error.detail
    answer = RegistrationAnswer(
        accepted=not message,
        epoch=context.core.epoch,
        message=message,
        heartbeat_ms=context.core.tables.settings.heartbeat_ms,
        managers=_managers(context),
    )
    return web.Response(body=_encoder.encode(answer), content_type="application/msgpack")


@routes.post("/v1/agents/{node}/heartbeat")
@leader_only
async def heartbeat(request: web.Request) -> web.Response:
    """A sign of life; answered once the reports in it are committed."""
    context = request.app[CONTEXT]
    core = context.core
    said = await _body(request, _heartbeats)
    _check_name(request, said.node)
    node = core.tables.nodes.get(said.node)
    known = node is not None and node.id == said.instance and node.state == "ready"
    if known:
        leader = _leader_heard(context, said.node, said.absence_s)
        if said.reports:
            await core.submit(ReportTasks(said.node, said.instance, said.reports))
        leader.dispatcher.agent_holds(said.node, same_epoch=said.epoch == core.epoch, revision=said.revision)
    answer = HeartbeatAnswer(
        epoch=core.epoch,
        known=known,
        heartbeat_ms=core.tables.settings.heartbeat_ms,
        managers=_managers(context),
    )
    return web.Response(body=_encoder.encode(answer), content_type="application/msgpack")


def _leader_heard(context: Context, node: str, absence_s: float) -> Leader:
    leader = context.leader()
    if leader is None:
        raise NoQuorum(f"{context.core.name} has not begun to lead yet")
    leader.liveness.heard(node, absence_s=absence_s)
    return leader


def _managers(context: Context) -> tuple[str, ...]:
    return tuple(member.api_address for member in context.core.raft.members)


def _check_name(request: web.Request, name: str) -> None:
    if name != request.match_info["node"]:
        raise Malformed(f"the body speaks for {name} and the path for {request.match_info['node']}")


async def _body(request: web.Request, decoder: msgspec.msgpack.Decoder[T]) -> T:
    try:
        return decoder.decode(await request.read())
    except msgspec.MsgspecError as error:
        raise Malformed(f"the body is not what an agent sends: {error}") from error
