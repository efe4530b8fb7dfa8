"""Routes about quotas."""

from aiohttp import web

from okube.manager.api.bodies import answer, json_object
from okube.manager.api.context import CALLER
from okube.manager.api.forward import leader_only
from okube.manager.api.pages import answer_list, page_start
from okube.manager.api.reading import tables_to_read
from okube.manager.api.scope import check_app
from okube.manager.api.writing import if_match, submit
from okube.model.commands import PutQuota, RemoveQuota
from okube.model.decode import decode
from okube.model.errors import FieldError, InvalidInput, NotFound
from okube.model.quota import Quota, QuotaKind, QuotaLimits, QuotaView, owner_error, quota_view
from okube.state import Tables
from okube.state.quotas import used_of

__all__ = ["routes"]

routes = web.RouteTableDef()


@routes.get("/v1/quotas")
async def list_quotas(request: web.Request) -> web.StreamResponse:
    """All quotas, those of apps first, by name."""
    tables = await tables_to_read(request)
    after = page_start(request)
    rows = sorted((f"{quota.kind}:{quota.name}", quota) for quota in tables.quotas.values())
    found = ((key, quota) for key, quota in rows if key > after)
    return await answer_list(request, found, lambda _: True, lambda quota: _view(tables, quota))


@routes.get("/v1/quotas/{kind}/{name}")
async def get_quota(request: web.Request) -> web.Response:
    """One quota."""
    tables = await tables_to_read(request)
    kind, name = _owner(request)
    if not (kind == "user" and name == request[CALLER].name):
        check_app(request, name if kind == "app" else None, f"the quota of {kind} {name}")
    quota = tables.quotas.get((kind, name))
    if quota is None:
        raise NotFound(f"{kind} {name} has no quota")
    response = answer(request, _view(tables, quota))
    response.headers["ETag"] = f'"{quota.revision}"'
    return response


@routes.put("/v1/quotas/{kind}/{name}")
@leader_only
async def put_quota(request: web.Request) -> web.Response:
    """Set a quota: all of it."""
    kind, name = _owner(request)
    limits = decode(QuotaLimits, await json_object(request), what=f"the quota of {kind} {name}")
    command = PutQuota(kind, name, limits.amounts, if_match(request), request[CALLER].name)
    applied = await submit(request, command)
    return answer(request, applied.body, revision=applied.revision)


@routes.delete("/v1/quotas/{kind}/{name}")
@leader_only
async def remove_quota(request: web.Request) -> web.Response:
    """Have no such quota any more."""
    kind, name = _owner(request)
    applied = await submit(request, RemoveQuota(kind, name, if_match(request), request[CALLER].name))
    return answer(request, applied.body, revision=applied.revision)


def _owner(request: web.Request) -> tuple[QuotaKind, str]:
    kind, name = request.match_info["kind"], request.match_info["name"]
    wrong = owner_error(kind, name)
    if wrong is not None:
        raise InvalidInput.of([FieldError("path", wrong)], what="quota")
    return ("app" if kind == "app" else "user"), name


def _view(tables: Tables, quota: Quota) -> QuotaView:
    return quota_view(quota, used_of(tables, quota.kind, quota.name))
