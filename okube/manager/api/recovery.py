"""Routes for when the majority is gone for good: what the survivors have, and which of them goes on alone."""

import asyncio
import io
import logging

import aiohttp
import msgspec
from aiohttp import web

from okube.manager.api.bodies import answer, json_object
from okube.manager.api.context import CALLER, CONTEXT, PASSED_ON, Context
from okube.manager.api.relay import CLIENT_ADDRESS, FORWARDED_FOR, client_address
from okube.manager.recovery import Recovery
from okube.model.decode import decode
from okube.model.errors import UNREADABLE, Conflict, NotFound, Unreachable
from okube.model.recovery import RecoveryAnswer, RecoveryOrder, SurvivorView
from okube.raft import Member
from okube.seams.plainly import plainly
from okube.security import server_name

__all__ = ["routes"]

routes = web.RouteTableDef()
_log = logging.getLogger(__name__)
_ASK_TIMEOUT_S = 1.5
_ORDER_TIMEOUT_S = 60.0
_view = msgspec.json.Decoder(SurvivorView)
_encoder = msgspec.json.Encoder()


@routes.get("/v1/recovery")
async def survivors(request: web.Request) -> web.Response:
    """Every manager that this one knows of, and what it has."""
    return answer(request, await _survivors(request.app[CONTEXT]))


@routes.get("/v1/recovery/own")
async def own(request: web.Request) -> web.Response:
    """What this manager has; managers ask each other."""
    return answer(request, _own(request.app[CONTEXT]))


@routes.post("/v1/recovery")
async def recover(request: web.Request) -> web.Response:
    """Have one of them go on alone, if there is no other way."""
    context = request.app[CONTEXT]
    order = decode(RecoveryOrder, await json_object(request), what="recovery")
    if order.name != context.core.name:
        return await _pass_on(request, context, order)
    found = await _survivors(context)
    _refuse(order, found, context)
    try:
        copy = await context.keeper.keep("recover")
    except OSError as error:
        raise Conflict(
            f"{order.name} cannot save a copy of what it has ({error}): make room on its disk first"
        ) from error
    if order.prepare:
        return answer(request, RecoveryAnswer(name=order.name, copy=str(copy)))
    incarnation = max(1, context.core.epoch.incarnation) + 1
    by = request[CALLER].name
    _log.warning("%s wants %s to go on alone; a copy of the state is in %s", by, order.name, copy)
    context.recovery.ask(Recovery(by, tuple(each.name for each in found if each.name != order.name)))
    return answer(request, RecoveryAnswer(name=order.name, copy=str(copy), incarnation=incarnation), status=202)


def _own(context: Context) -> SurvivorView:
    core = context.core
    member = next((m for m in core.raft.members if m.name == core.name), None)
    return SurvivorView(
        name=core.name,
        address=member.api_address if member is not None else "",
        answers=True,
        instance=core.raft.instance,
        leader=core.raft.leader if core.raft.has_quorum else None,
        voter=member is not None and member.voter,
        last_term=core.raft.last_term,
        last_index=core.raft.last_index,
        revision=core.tables.revision,
        epoch=str(core.epoch),
        heard_s=None if core.age_s is None else round(core.age_s, 1),
    )


def _refuse(order: RecoveryOrder, found: list[SurvivorView], context: Context) -> None:
    """Refuse what is not needed, or would lose more than it must.

    Raises:
        Conflict: and the reason.
    """
    here = _own(context)
    voters = [each for each in found if each.voter]
    answering = [each for each in voters if each.answers]
    leader = next((each.leader for each in found if each.answers and each.leader), None)
    if leader is not None:
        raise Conflict(f"{leader} leads, so nothing needs to be recovered")
    if 2 * len(answering) > len(voters):
        names = ", ".join(each.name for each in answering)
        raise Conflict(f"{names} answer, and are a majority: they elect a leader once they reach each other")
    if not here.voter:
        raise Conflict(f"{order.name} has only begun to learn what the others have: it cannot go on alone")
    if (here.instance, here.has) != (order.instance, (order.last_term, order.last_index)):
        raise Conflict(f"{order.name} has changed meanwhile: look again before you decide")
    better = max(answering, key=lambda each: each.has)
    if better.has > here.has:
        raise Conflict(f"{better.name} answers and has more than {order.name}: it is the one to go on with")


async def _survivors(context: Context) -> list[SurvivorView]:
    members = sorted(context.core.raft.members, key=lambda member: member.name)
    return list(await asyncio.gather(*(_ask(context, member) for member in members)))


async def _ask(context: Context, member: Member) -> SurvivorView:
    if member.name == context.core.name:
        return _own(context)
    try:
        async with context.peers.get(
            f"https://{member.api_address}/v1/recovery/own",
            timeout=aiohttp.ClientTimeout(total=_ASK_TIMEOUT_S),
            server_hostname=server_name(member.name, "manager", context.core.settings.cluster_id),
        ) as response:
            if response.status == 200:
                found = _view.decode(await response.read())
                return msgspec.structs.replace(found, address=member.api_address, voter=member.voter)
    except (aiohttp.ClientError, TimeoutError, OSError, *UNREADABLE):
        pass
    return SurvivorView(name=member.name, address=member.api_address, answers=False, voter=member.voter)


async def _pass_on(request: web.Request, context: Context, order: RecoveryOrder) -> web.Response:
    member = next((m for m in context.core.raft.members if m.name == order.name), None)
    if member is None:
        raise NotFound(f"there is no manager {order.name}")
    caller = request[CALLER]
    try:
        async with context.peers.post(
            f"https://{member.api_address}/v1/recovery",
            data=io.BytesIO(_encoder.encode(order)),
            headers={
                "Content-Type": "application/json",
                FORWARDED_FOR: caller.forwarded_for,
                CLIENT_ADDRESS: client_address(request),
            },
            timeout=aiohttp.ClientTimeout(total=_ORDER_TIMEOUT_S, sock_connect=0.5),
            server_hostname=server_name(member.name, "manager", context.core.settings.cluster_id),
        ) as response:
            data = await response.read()
            request[PASSED_ON] = True
            return web.Response(body=data, status=response.status, headers={"Content-Type": response.content_type})
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Unreachable(f"{order.name} does not answer: {plainly(error)}") from error
