"""Writes go to the leader: a follower passes the whole request on, and waits out a change of leader.

A manager that cannot keep up, because its disk is full, passes reads on as well.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine

import aiohttp
from aiohttp import web

from okube.manager.api.bodies import query_flag
from okube.manager.api.context import CALLER, CONTEXT, FORWARDED, REQUEST_ID, Context
from okube.manager.api.identify import FORWARDED_FOR
from okube.model.errors import NoQuorum, OutcomeUnknown
from okube.raft import Sidelined
from okube.seams.plainly import plainly
from okube.security import server_name

__all__ = ["LEADER_ONLY", "LEADER_READS", "forward_middleware", "leader_only", "leader_read"]

_log = logging.getLogger(__name__)
_PATIENCE_S = 5.0
_RETRY_S = 0.05
_WATCH_S = 0.1
_PASSED_ON = ("Content-Type", "If-Match", "Accept")
_PASSED_BACK = ("Content-Type", "Okube-Revision", "Okube-Continue", "Retry-After")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LEADER_ONLY: set[object] = set()
"""The handlers that only the leader may run."""

LEADER_READS: set[object] = set()
"""Reads of what the leader alone knows; stale ones, and watches, are answered anywhere, without it."""


def leader_only(handler: Handler) -> Handler:
    """Mark a handler: a follower forwards its requests."""
    LEADER_ONLY.add(handler)
    return handler


def leader_read(handler: Handler) -> Handler:
    """Mark a handler: a follower forwards its requests unless they are stale."""
    LEADER_READS.add(handler)
    return handler


@web.middleware
async def forward_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Run a leader's handler where this manager leads, else pass the request on to who does."""
    context = request.app[CONTEXT]
    if not _is_the_leaders(request):
        try:
            return await handler(request)
        except Sidelined:
            if request[FORWARDED] or _is_a_stream(request):
                raise  # whoever asks finds another manager
            await request.read()
            return await _carry_out(request, handler, context, None)
    if request[FORWARDED]:
        if not context.core.leads:
            raise NoQuorum(f"{context.core.name} does not lead now; ask again in a moment")
        return await handler(request)
    # Read it whole now: giving up on one leader in the middle of it would lose what was read, and forward the rest.
    await request.read()
    # Without a key of the client's own, this manager makes one: its repeats must not do the work twice.
    key = request.headers.get("Idempotency-Key") or f"m-{secrets.token_hex(16)}"
    request[REQUEST_ID] = key
    return await _carry_out(request, handler, context, key)


def _is_the_leaders(request: web.Request) -> bool:
    handler = request.match_info.handler
    if handler in LEADER_READS:
        return not query_flag(request, "stale") and not query_flag(request, "watch")
    return handler in LEADER_ONLY


def _is_a_stream(request: web.Request) -> bool:
    return "Upgrade" in request.headers or query_flag(request, "watch") or query_flag(request, "follow")


async def _carry_out(request: web.Request, handler: Handler, context: Context, key: str | None) -> web.StreamResponse:
    deadline = context.core.clock.monotonic() + _PATIENCE_S
    uncertain = False
    while True:
        try:
            if context.core.leads:
                return await handler(request)
            leader = context.core.raft.leader
            if leader is not None and leader != context.core.name:
                return await _while_leading(context, leader, _pass_on(request, context, leader, key))
        except OutcomeUnknown:
            uncertain = True  # the key makes a repeat safe, here or at the next leader
        except NoQuorum:
            pass
        if context.core.clock.monotonic() > deadline:
            break
        await asyncio.sleep(_RETRY_S)
    if uncertain:
        raise OutcomeUnknown("the leader was lost on the way: repeat the request with the same Idempotency-Key")
    if context.core.raft.is_sidelined:
        raise NoQuorum(f"the disk of {context.core.name} is full, and it hears no leader that it could ask instead")
    raise NoQuorum("there is no leader now: a majority of the managers must run and reach each other")


async def _while_leading(context: Context, leader: str, call: Coroutine[object, object, web.Response]) -> web.Response:
    """The call's outcome, given up as unknown once another leader is known: a paused one would hold it for long."""
    task = asyncio.ensure_future(call)
    try:
        while context.core.raft.leader in (leader, None):
            done, _ = await asyncio.wait({task}, timeout=_WATCH_S)
            if done:
                return task.result()
    finally:
        task.cancel()
    raise OutcomeUnknown(f"{leader} was followed by another leader before it answered")


async def _pass_on(request: web.Request, context: Context, leader: str, key: str | None) -> web.Response:
    member = next((m for m in context.core.raft.members if m.name == leader), None)
    if member is None:
        raise NoQuorum(f"the leader {leader} is not known here yet")
    caller = request[CALLER]
    headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
    headers[FORWARDED_FOR] = f"{caller.role}/{caller.name}"
    if key is not None:
        headers["Idempotency-Key"] = key
    body = await request.read()
    try:
        async with context.peers.request(
            request.method,
            f"https://{member.api_address}{request.raw_path}",
            data=body,
            headers=headers,
            skip_auto_headers=("Content-Type",),
            server_hostname=server_name(leader, "manager", context.core.settings.cluster_id),
            timeout=aiohttp.ClientTimeout(total=_PATIENCE_S, sock_connect=0.5),
        ) as response:
            data = await response.read()
            if response.status == 503:
                raise NoQuorum(f"{leader} does not lead any more")
            if response.status == 504:
                raise OutcomeUnknown(f"{leader} lost leadership on the way")
            kept = {name: response.headers[name] for name in _PASSED_BACK if name in response.headers}
            return web.Response(body=data, status=response.status, headers=kept)
    except aiohttp.ClientConnectorError as error:
        raise NoQuorum(f"the leader {leader} cannot be reached: {plainly(error)}") from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise OutcomeUnknown(f"the leader {leader} did not answer: {plainly(error)}") from error
