"""Who asks: a client certificate or a bearer token; without either only what is open to anyone answers."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from okube.manager.api.admission import address_of, known_route
from okube.manager.api.caller import Caller, admin, authorize, of_user, peer
from okube.manager.api.context import CALLER, CONTEXT, FORWARDED
from okube.manager.api.relay import FORWARDED_FOR, FORWARDED_INSTANCE
from okube.manager.core import ManagerCore
from okube.model.errors import OkubeError, SlowDown, Unauthorized
from okube.model.user import User
from okube.security import Identity, identity_of, token_matches, token_sha256

__all__ = ["check_still_valid", "identify_middleware"]

_CATCH_UP_S = 1.0
_NOTHING_SHOWN = "show a client certificate of this cluster, or a bearer token in Authorization"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def identify_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a request pass if its caller is known and may use the route."""
    request[FORWARDED] = False
    route = known_route(request)
    if route is not None and route.role == "anyone":
        request[FORWARDED] = _is_passed_on(request)
        return await handler(request)
    caller = await _caller(request)
    request[CALLER] = caller
    authorize(caller, route, node=request.match_info.get("node"))
    return await handler(request)


def _is_passed_on(request: web.Request) -> bool:
    """Whether a manager of this cluster passes on what somebody without credentials asks."""
    core, transport = request.app[CONTEXT].core, request.transport
    found = identity_of(transport.get_extra_info("peercert")) if transport is not None else None
    if found is None or found.role != "manager" or found.cluster_id != core.settings.cluster_id:
        return False
    return FORWARDED_FOR in request.headers and core.raft.knows(found.name, found.instance)


def check_still_valid(request: web.Request) -> None:
    """Refuse what a user asked for whose credentials have changed, or whose rights have, since the request began.

    Call it where it matters last: right before a write is proposed, and once a read is as new as it should be.

    Raises:
        Unauthorized: they have.
    """
    caller = request.get(CALLER)
    if caller is None or caller.kind != "user":
        return
    core = request.app[CONTEXT].core
    if of_user(_valid(core, core.tables.users.get(caller.name), caller.instance)) != caller:
        raise Unauthorized(f"what {caller.name} may do has changed at this moment: ask again")


async def _caller(request: web.Request) -> Caller:
    core = request.app[CONTEXT].core
    transport = request.transport
    found = identity_of(transport.get_extra_info("peercert")) if transport is not None else None
    if found is not None:
        return await _of_certificate(request, core, found)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthorized(_NOTHING_SHOWN)
    token = token.strip()
    if token_matches(token, core.settings.admin_token_sha256):
        return admin()
    sha256 = token_sha256(token)
    user = core.tables.users.of_token(sha256)
    if user is None:
        user = await _looked_for(request, core, sha256)
    return of_user(_valid(core, user, None))


async def _of_certificate(request: web.Request, core: ManagerCore, found: Identity) -> Caller:
    if found.cluster_id != core.settings.cluster_id:
        raise Unauthorized("your certificate is of another cluster")
    if found.role == "worker":
        if found.instance in core.tables.settings.barred:
            raise Unauthorized(f"{found.name} was removed from this cluster for good, and this is its certificate")
        return peer("worker", found.name, found.instance)
    if found.role == "user":
        return of_user(_valid(core, core.tables.users.get(found.name), found.instance))
    if found.role == "admin":
        return admin(found.name)
    if not core.raft.knows(found.name, found.instance):
        raise Unauthorized(f"{found.name} is no manager of this cluster any more, or another instance of it")
    forwarded = request.headers.get(FORWARDED_FOR)
    if not forwarded:
        return peer("manager", found.name, found.instance)
    request[FORWARDED] = True
    kind, _, rest = forwarded.partition("/")
    if kind == "worker":
        return peer("worker", rest, request.headers.get(FORWARDED_INSTANCE, ""))
    if kind == "anyone":
        raise Unauthorized(f"{request.path} is not for everyone, so {found.name} must not pass it on as if it were")
    if kind != "user":
        return admin(rest)
    name, _, instance = rest.partition("/")
    return of_user(_valid(core, core.tables.users.get(name), instance))


async def _looked_for(request: web.Request, core: ManagerCore, sha256: str) -> User | None:
    """Whose token it is, though nobody was known by it at first sight; None where it is nobody's.

    Raises:
        SlowDown: too many were nobody's.
    """
    guesses, address, now_s = request.app[CONTEXT].guesses, address_of(request.transport), core.clock.monotonic()
    if guesses.is_guessing(address, now_s):
        raise SlowDown("too many tokens that nobody has were shown from your address: wait a minute")
    if await _caught_up(core):
        user = core.tables.users.of_token(sha256)
        if user is not None:
            return user
    guesses.note(address, sha256, now_s)
    return None


async def _caught_up(core: ManagerCore) -> bool:
    """A user who was made a moment ago may be unknown here yet; whether it is worth while to look again."""
    try:
        await core.read_barrier(timeout_s=_CATCH_UP_S)
    except OkubeError:
        return False
    return True


def _valid(core: ManagerCore, user: User | None, instance: str | None) -> User:
    """The user, whose credentials are those of ``instance`` (None: a token, by which the user was found).

    Raises:
        Unauthorized: they are worth nothing.
    """
    if user is None:
        raise Unauthorized("nobody here is known by that: it is another cluster's, was revoked, or was never given")
    if instance not in (None, user.instance):
        raise Unauthorized(f"these credentials of {user.name} are worth nothing any more: there are newer ones")
    if user.expires_ms is not None and core.clock.time_ms() >= user.expires_ms:
        raise Unauthorized(f"the credentials of {user.name} have expired: an admin makes new ones with rotate")
    return user
