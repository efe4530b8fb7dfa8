"""Routes about users: who may use the cluster, and who the caller is."""

from datetime import timedelta

from aiohttp import web

from okube.manager.api.bodies import answer, json_object
from okube.manager.api.context import CALLER, CONTEXT
from okube.manager.api.forward import leader_only
from okube.manager.api.identify import check_still_valid
from okube.manager.api.pages import answer_list, page_start
from okube.manager.api.reading import tables_to_read
from okube.manager.api.writing import if_match, submit
from okube.model.commands import PutUser, RemoveUser
from okube.model.decode import decode
from okube.model.errors import Conflict, NotFound
from okube.model.quantities import rfc3339
from okube.model.user import (
    CallerView,
    CertificateRequest,
    NewUser,
    UserCertificate,
    UserChange,
    UserRotation,
    user_view,
)
from okube.security import Identity

__all__ = ["USER_LIFE", "routes"]

routes = web.RouteTableDef()
USER_LIFE = timedelta(days=365)
"""A user's certificate needs no short life: what it is worth is looked up at each request."""


@routes.get("/v1/self")
async def who_am_i(request: web.Request) -> web.Response:
    """Who the caller is."""
    caller = request[CALLER]
    view = CallerView(
        name=caller.name, role=caller.role or "admin", apps=caller.apps, expires_at=rfc3339(caller.expires_ms)
    )
    return answer(request, view)


@routes.post("/v1/self/certificate")
@leader_only
async def certify(request: web.Request) -> web.Response:
    """A certificate for the caller, which is good for as long as the caller's credentials are."""
    caller, context = request[CALLER], request.app[CONTEXT]
    asked = decode(CertificateRequest, await json_object(request), what="certificate")
    if caller.kind != "user":
        raise Conflict(f"{caller.name} is no user: `okube up` makes the admin's certificate, and agents ask for theirs")
    check_still_valid(request)
    now_ms, life = context.core.clock.time_ms(), USER_LIFE
    if caller.expires_ms is not None:
        life = min(life, timedelta(milliseconds=caller.expires_ms - now_ms))
    identity = Identity(context.core.settings.cluster_id, "user", caller.name, caller.instance)
    signed = context.signer.sign(asked.csr.encode(), identity, life=life)
    view = UserCertificate(
        certificate=signed.decode(),
        ca=context.signer.trusted().decode(),
        expires_at=rfc3339(now_ms + life // timedelta(milliseconds=1)),
    )
    return answer(request, view, status=201)


@routes.get("/v1/users")
async def list_users(request: web.Request) -> web.StreamResponse:
    """All users, by name."""
    tables = await tables_to_read(request)
    after = page_start(request)
    rows = sorted((user.name, user) for user in tables.users.rows() if user.name > after)
    return await answer_list(request, rows, lambda _: True, user_view)


@routes.get("/v1/users/{name}")
async def get_user(request: web.Request) -> web.Response:
    """One user."""
    tables = await tables_to_read(request)
    user = tables.users.get(request.match_info["name"])
    if user is None:
        raise NotFound(f"there is no user {request.match_info['name']}")
    return answer(request, user_view(user))


@routes.post("/v1/users")
@leader_only
async def create_user(request: web.Request) -> web.Response:
    """Make a user."""
    new = decode(NewUser, await json_object(request), what="user")
    applied = await submit(
        request,
        PutUser(
            name=new.name,
            how="create",
            instance=_new_instance(request),
            role=new.role,
            apps=tuple(dict.fromkeys(new.apps)),
            token_sha256=new.token_sha256,
            expires_ms=new.expires_ms,
            by=request[CALLER].name,
        ),
    )
    return answer(request, applied.body, status=201, revision=applied.revision)


@routes.patch("/v1/users/{name}")
@leader_only
async def change_user(request: web.Request) -> web.Response:
    """Change what a user may do; the credentials stay."""
    name = request.match_info["name"]
    change = decode(UserChange, await json_object(request), what=f"user {name}")
    applied = await submit(
        request,
        PutUser(
            name=name,
            how="change",
            role=change.role,
            apps=None if change.apps is None else tuple(dict.fromkeys(change.apps)),
            if_match=if_match(request),
            by=request[CALLER].name,
        ),
    )
    return answer(request, applied.body, revision=applied.revision)


@routes.post("/v1/users/{name}/rotate")
@leader_only
async def rotate_user(request: web.Request) -> web.Response:
    """Give a user other credentials; those before are worth nothing from then on."""
    name = request.match_info["name"]
    new = decode(UserRotation, await json_object(request), what=f"user {name}")
    applied = await submit(
        request,
        PutUser(
            name=name,
            how="rotate",
            instance=_new_instance(request),
            token_sha256=new.token_sha256,
            expires_ms=new.expires_ms,
            if_match=if_match(request),
            by=request[CALLER].name,
        ),
    )
    return answer(request, applied.body, revision=applied.revision)


@routes.delete("/v1/users/{name}")
@leader_only
async def remove_user(request: web.Request) -> web.Response:
    """Forget a user; the credentials are worth nothing from then on."""
    applied = await submit(request, RemoveUser(request.match_info["name"], if_match(request), request[CALLER].name))
    return answer(request, applied.body, revision=applied.revision)


def _new_instance(request: web.Request) -> str:
    return request.app[CONTEXT].core.new_id()
