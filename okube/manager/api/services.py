"""Routes about services."""

from typing import Any

import msgspec
from aiohttp import web

from okube.manager.api.bodies import answer, json_object, query_flag
from okube.manager.api.context import CALLER, CONTEXT
from okube.manager.api.forward import leader_only
from okube.manager.api.pages import answer_list, page_start
from okube.manager.api.reading import tables_to_read
from okube.manager.api.scope import apps_of, check_app
from okube.manager.api.watch import is_watch, watch
from okube.manager.api.writing import if_match, must_exist, only_of, submit
from okube.model.commands import Applied, DeleteServices, PutServices, RefreshServices, ScaleServices
from okube.model.errors import FieldError, InvalidInput, NotFound
from okube.model.service import Service
from okube.model.spec import ServiceSpec, decode_spec
from okube.model.workload_views import AppliedService, ApplyAnswer, VersionView
from okube.state import Tables
from okube.state.queries import view_of_service
from okube.state.services import change_of, check_put_quotas, to_prune
from okube.state.tables import Row

__all__ = ["check_specs", "routes", "specs_in"]

routes = web.RouteTableDef()
_MAX_SPECS = 1000


@routes.get("/v1/services")
async def list_services(request: web.Request) -> web.StreamResponse:
    """All services, by name; filters ``app``, ``label`` (``key=value``, repeatable)."""
    tables = await tables_to_read(request)
    app = request.query.get("app")
    labels = [text.partition("=")[::2] for text in request.query.getall("label", [])]

    def wanted(service: Row) -> bool:
        if not isinstance(service, Service):
            return False
        spec = service.spec
        return (app is None or spec.app == app) and all(spec.labels.get(key) == value for key, value in labels)

    if is_watch(request):
        return await watch(request, "services", wanted)
    after = page_start(request)
    found = ((name, tables.service_named(name)) for name in sorted(n for n in tables.service_ids if n > after))
    rows = ((name, service) for name, service in found if service is not None)
    return await answer_list(request, rows, wanted, lambda service: view_of_service(tables, service))


@routes.get("/v1/services/{name}")
async def get_service(request: web.Request) -> web.Response:
    """One service; what this gives, PUT takes."""
    tables = await tables_to_read(request)
    service = _found(request, tables)
    response = answer(request, view_of_service(tables, service))
    response.headers["ETag"] = f'"{service.revision}"'
    return response


@routes.get("/v1/services/{name}/versions")
async def list_versions(request: web.Request) -> web.Response:
    """The versions of a service that are kept, the current one last."""
    service = _found(request, await tables_to_read(request))
    apps = apps_of(request)
    kept = [each for each in service.versions if not apps or each.spec.app in apps]
    before = [VersionView(each.version, False, each.spec) for each in kept]
    return answer(request, [*before, VersionView(service.version, True, service.spec)])


@routes.post("/v1/services")
@leader_only
async def create_service(request: web.Request) -> web.Response:
    """Make a service; 409 if the name is taken."""
    spec = decode_spec(await json_object(request))
    return _one(request, await _put(request, (spec,), "create"), status=201)


@routes.put("/v1/services/{name}")
@leader_only
async def put_service(request: web.Request) -> web.Response:
    """Make or change a service; with ``If-Match`` only if it has that revision."""
    body = await json_object(request)
    name = request.match_info["name"]
    body.setdefault("name", name)
    spec = decode_spec(body)
    if spec.name != name:
        raise InvalidInput.of([FieldError("name", f"{spec.name!r} is not {name!r}, as the path says")], what="service")
    return _one(request, await _put(request, (spec,), "replace" if must_exist(request) else "upsert"))


@routes.delete("/v1/services/{name}")
@leader_only
async def delete_service(request: web.Request) -> web.Response:
    """Forget a service and stop its tasks."""
    command = DeleteServices(
        (request.match_info["name"],), if_match(request), request[CALLER].name, within=apps_of(request)
    )
    return _one(request, await submit(request, command))


@routes.post("/v1/services/{name}/{how:restart|stop|start|rollback}")
@leader_only
async def refresh_service(request: web.Request) -> web.Response:
    """Restart (rolling), stop, start, or go back to the version before."""
    name, how = request.match_info["name"], request.match_info["how"]
    command = RefreshServices((name,), how, if_match(request), request[CALLER].name, within=apps_of(request))
    return _one(request, await submit(request, command))


@routes.post("/v1/scale")
@leader_only
async def scale_services(request: web.Request) -> web.Response:
    """``{"services": {"web": 5}}``: set how many tasks each should have, all or none."""
    wanted = _only_services(await json_object(request))
    if not isinstance(wanted, dict) or not wanted:
        raise InvalidInput.of([FieldError("services", 'a mapping is expected: {"services": {"web": 5}}')], what="body")
    errors = [
        FieldError(f"services.{name}", f"{count!r} is not a whole number")
        for name, count in wanted.items()
        if not isinstance(count, int) or isinstance(count, bool) or abs(count) > 1 << 31
    ]
    if errors:
        raise InvalidInput.of(errors, what="body")
    names, numbers = tuple(wanted), tuple(wanted.values())
    command = ScaleServices(names, numbers, if_match(request), request[CALLER].name, apps_of(request))
    applied = await submit(request, command)
    return answer(request, applied.body, revision=applied.revision)


@routes.post("/v1/apply")
@leader_only
async def apply(request: web.Request) -> web.Response:
    """Several services at once: all or none. ``?dry_run=true`` answers what would change.

    With ``?prune=true`` the other services of the apps that these name are removed in the same step.
    """
    specs = specs_in(await json_object(request))
    core = request.app[CONTEXT].core
    prune = query_flag(request, "prune")
    if_match(request)  # one that cannot be read is refused by a dry run too
    if query_flag(request, "dry_run"):
        await core.read_barrier()
        tables = core.tables
        check_specs(request, tables, specs)
        ids = ("",) * len(specs)
        check_put_quotas(tables, PutServices(specs, ids, "upsert", request[CALLER].name, prune=prune))
        actions = [AppliedService(s.name, change_of(tables.service_named(s.name), s)) for s in specs]
        if prune:
            actions += [AppliedService(service.name, "removed") for service in to_prune(tables, specs)]
        return answer(request, ApplyAnswer(tables.revision, tuple(actions)))
    applied = await _put(request, specs, "upsert", prune=prune)
    made = msgspec.json.decode(applied.body, type=tuple[AppliedService, ...])
    return answer(request, ApplyAnswer(applied.revision, made), revision=applied.revision)


def _found(request: web.Request, tables: Tables) -> Service:
    """The service of the path, if the caller may see it."""
    name = request.match_info["name"]
    service = tables.service_named(name)
    if service is None:
        raise NotFound(f"there is no service {name}")
    check_app(request, service.spec.app, f"service {name}")
    return service


def check_specs(request: web.Request, tables: Tables, specs: tuple[ServiceSpec, ...]) -> None:
    """Refuse what an apply itself would refuse a caller who has some apps alone. Raises Forbidden."""
    for spec in specs:
        check_app(request, spec.app, f"{spec.name}, as you want it,")
        old = tables.service_named(spec.name)
        if old is not None:
            check_app(request, old.spec.app, spec.name)


def _only_services(body: dict[str, Any]) -> Any:
    """What a body has under its only key, if anything."""
    unknown = sorted(body.keys() - {"services"})
    if unknown:
        raise InvalidInput.of([FieldError(key, "unknown key; allowed is services") for key in unknown], what="body")
    return body.get("services")


def specs_in(body: dict[str, Any]) -> tuple[ServiceSpec, ...]:
    """The services of a body such as ``apply`` takes. Raises InvalidInput with the place of all that is wrong."""
    documents = _only_services(body)
    if not isinstance(documents, list) or not 1 <= len(documents) <= _MAX_SPECS:
        raise InvalidInput.of(
            [FieldError("services", f"a list of 1 to {_MAX_SPECS} services is expected")], what="body"
        )
    specs = []
    errors: list[FieldError] = []
    for number, document in enumerate(documents):
        try:
            specs.append(decode_spec(document))
        except InvalidInput as error:
            where = f"services[{number}]"
            errors.extend(FieldError(f"{where}.{e.path}" if e.path else where, e.message) for e in error.errors)
    if errors:
        raise InvalidInput.of(errors, what="services")
    return tuple(specs)


async def _put(request: web.Request, specs: tuple[ServiceSpec, ...], how: str, *, prune: bool = False) -> Applied:
    core = request.app[CONTEXT].core
    ids = tuple(core.new_id() for _ in specs)
    by, within = request[CALLER].name, apps_of(request)
    return await submit(request, PutServices(specs, ids, how, by, if_match(request), prune, within))


def _one(request: web.Request, applied: Applied, *, status: int = 200) -> web.Response:
    return answer(request, only_of(applied), status=status, revision=applied.revision)
