"""Writes go to the leader: a follower passes the whole request on, and waits out a change of leader.

A manager that cannot keep up, because its disk is full or it hears no leader, passes reads on as well.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine

from aiohttp import web

from okube.manager.api.bodies import query_flag
from okube.manager.api.context import CONTEXT, FORWARDED, REQUEST_ID, Context
from okube.manager.api.relay import RELAYED, ask, is_deaf, relay
from okube.model.errors import NoQuorum, OutcomeUnknown
from okube.raft import Sidelined

__all__ = ["LEADER_ONLY", "LEADER_READS", "OWN", "forward_middleware", "leader_only", "leader_read", "own", "thinking"]

_log = logging.getLogger(__name__)
_PATIENCE_S = 5.0
_THINKING_S = 60.0
_RETRY_S = 0.05
_RELAY_AGAIN_S = 0.5
_WATCH_S = 0.1
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LEADER_ONLY: set[object] = set()
"""The handlers that only the leader may run."""

LEADER_READS: set[object] = set()
"""Reads of what the leader alone knows; stale ones, and watches, are answered anywhere, without it."""


THINKING: set[object] = set()
"""What takes the leader long where the cluster is large: it is waited for."""


OWN: set[object] = set()
"""What a manager says of itself: nobody else is asked for it."""


def own(handler: Handler) -> Handler:
    """Mark a handler: it tells of this manager alone."""
    OWN.add(handler)
    return handler


def leader_only(handler: Handler) -> Handler:
    """Mark a handler: a follower forwards its requests."""
    LEADER_ONLY.add(handler)
    return handler


def leader_read(handler: Handler) -> Handler:
    """Mark a handler: a follower forwards its requests unless they are stale."""
    LEADER_READS.add(handler)
    return handler


def thinking(handler: Handler) -> Handler:
    """Mark a handler: a follower waits long for the leader's answer."""
    THINKING.add(handler)
    return handler


@web.middleware
async def forward_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Run a leader's handler where this manager leads, else pass the request on to who does."""
    context = request.app[CONTEXT]
    if not _is_the_leaders(request):
        try:
            return await handler(request)
        except NoQuorum as error:
            may_ask = isinstance(error, Sidelined) or is_deaf(context)
            if request[FORWARDED] or _is_a_stream(request) or _is_its_own(request) or not may_ask:
                raise  # whoever asks finds another manager
            await request.read()
            if isinstance(error, Sidelined):
                return await _carry_out(request, handler, context, None)
            return await relay(request, None, timeout_s=_PATIENCE_S)
    if request[FORWARDED] and RELAYED not in request.headers:
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


def _is_its_own(request: web.Request) -> bool:
    return request.match_info.handler in OWN or request.path.startswith("/v1/peers/")


def _is_a_stream(request: web.Request) -> bool:
    return "Upgrade" in request.headers or query_flag(request, "watch") or query_flag(request, "follow")


async def _carry_out(request: web.Request, handler: Handler, context: Context, key: str | None) -> web.StreamResponse:
    clock = context.core.clock
    answer_s = _THINKING_S if request.match_info.handler in THINKING else _PATIENCE_S
    deadline = clock.monotonic() + _PATIENCE_S
    relay_at = 0.0
    uncertain = False
    while True:
        try:
            if context.core.leads:
                return await handler(request)
            leader = context.core.raft.leader
            if leader is not None and leader != context.core.name:
                return await _while_leading(context, leader, _pass_on(request, context, leader, key, answer_s))
            if is_deaf(context) and not request[FORWARDED] and clock.monotonic() >= relay_at:
                relay_at = clock.monotonic() + _RELAY_AGAIN_S
                return await relay(request, key, timeout_s=max(_RETRY_S, deadline - clock.monotonic()))
        except OutcomeUnknown:
            uncertain = True  # the key makes a repeat safe, here or at the next leader
        except NoQuorum:
            pass
        if clock.monotonic() > deadline:
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


async def _pass_on(
    request: web.Request, context: Context, leader: str, key: str | None, timeout_s: float
) -> web.Response:
    member = next((m for m in context.core.raft.members if m.name == leader), None)
    if member is None:
        raise NoQuorum(f"the leader {leader} is not known here yet")
    return await ask(request, member, key, timeout_s=timeout_s)
