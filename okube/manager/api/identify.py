"""Who asks: a client certificate or the admin's bearer token; without either only ``/healthz`` answers."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from okube.manager.api.context import CALLER, CONTEXT, FORWARDED
from okube.manager.api.relay import FORWARDED_FOR
from okube.model.errors import Forbidden, Unauthorized
from okube.security import Identity, identity_of, token_matches

__all__ = ["identify_middleware"]

_OPEN = frozenset({"/healthz"})
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def identify_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a request pass if its caller is known and may use the route."""
    request[FORWARDED] = False
    if request.path in _OPEN:
        return await handler(request)
    caller = _caller(request)
    _authorize(request, caller)
    request[CALLER] = caller
    return await handler(request)


def _caller(request: web.Request) -> Identity:
    core = request.app[CONTEXT].core
    transport = request.transport
    peer = identity_of(transport.get_extra_info("peercert")) if transport is not None else None
    if peer is not None:
        if peer.cluster_id != core.settings.cluster_id:
            raise Unauthorized("your certificate is of another cluster")
        if peer.role == "manager" and not core.raft.knows(peer.name):
            raise Unauthorized(f"{peer.name} is no manager of this cluster any more")
        forwarded = request.headers.get(FORWARDED_FOR)
        if peer.role == "manager" and forwarded:
            request[FORWARDED] = True
            role, _, name = forwarded.partition("/")
            return Identity(peer.cluster_id, "worker" if role == "worker" else "admin", name)
        return peer
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token_matches(token.strip(), core.settings.admin_token_sha256):
        return Identity(core.settings.cluster_id, "admin", "admin")
    raise Unauthorized("show a client certificate of this cluster, or its bearer token in Authorization")


def _authorize(request: web.Request, caller: Identity) -> None:
    agent_route = request.path.startswith("/v1/agents/")
    if request.path.startswith("/v1/peers/") and caller.role != "manager":
        raise Forbidden("this is for managers")
    if caller.role == "worker":
        if not agent_route or request.match_info.get("node") != caller.name:
            raise Forbidden(f"{caller.name} is a worker: it may speak for itself under /v1/agents/ and nothing else")
    elif agent_route:
        raise Forbidden("this is for agents")
