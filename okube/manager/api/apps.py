"""Routes about apps: the services that belong together, as one."""

from aiohttp import web

from okube.manager.api.bodies import answer
from okube.manager.api.context import CALLER
from okube.manager.api.forward import leader_only
from okube.manager.api.pages import answer_list, page_start
from okube.manager.api.reading import tables_to_read
from okube.manager.api.scope import AppRow, apps_of, check_app
from okube.manager.api.watch import is_watch, watch
from okube.manager.api.writing import submit
from okube.model.commands import DeleteServices, RefreshServices
from okube.model.errors import FieldError, InvalidInput, NotFound
from okube.model.service import Service
from okube.state import Tables
from okube.state.apps import view_of_app

__all__ = ["routes"]

routes = web.RouteTableDef()


@routes.get("/v1/apps")
async def list_apps(request: web.Request) -> web.StreamResponse:
    """All apps, by name."""
    tables = await tables_to_read(request)
    if is_watch(request):
        return await watch(request, "apps", lambda _: True)
    after = page_start(request)
    apps = sorted((name, services) for name, services in _apps(tables).items() if name > after)
    rows = ((name, AppRow(name, services)) for name, services in apps)
    return await answer_list(request, rows, lambda _: True, lambda app: view_of_app(tables, app.name, app.services))


@routes.get("/v1/apps/{name}")
async def get_app(request: web.Request) -> web.Response:
    """One app."""
    tables = await tables_to_read(request)
    name = request.match_info["name"]
    check_app(request, name, f"app {name}")
    services = _apps(tables).get(name)
    if services is None:
        raise NotFound(f"there is no app {name}")
    return answer(request, view_of_app(tables, name, services))


@routes.delete("/v1/apps/{name}")
@leader_only
async def delete_app(request: web.Request) -> web.Response:
    """Forget all services of an app and stop their tasks: all or none."""
    _check_no_match(request)
    applied = await submit(
        request, DeleteServices((), None, request[CALLER].name, request.match_info["name"], apps_of(request))
    )
    return answer(request, applied.body, revision=applied.revision)


@routes.post("/v1/apps/{name}/{how:restart|stop|start|rollback}")
@leader_only
async def refresh_app(request: web.Request) -> web.Response:
    """Restart, stop, start or roll back all services of an app for which that makes sense: all or none."""
    _check_no_match(request)
    name, how = request.match_info["name"], request.match_info["how"]
    applied = await submit(request, RefreshServices((), how, None, request[CALLER].name, name, apps_of(request)))
    return answer(request, applied.body, revision=applied.revision)


def _apps(tables: Tables) -> dict[str, list[Service]]:
    found: dict[str, list[Service]] = {}
    for service in tables.services.values():
        if service.spec.app:
            found.setdefault(service.spec.app, []).append(service)
    return found


def _check_no_match(request: web.Request) -> None:
    if "If-Match" in request.headers:
        message = "an app has no revision of its own: leave it out, or change its services one by one"
        raise InvalidInput.of([FieldError("If-Match", message)], what="header")
