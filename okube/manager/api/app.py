"""The application: routes, and what every request passes through."""

from aiohttp import web

from okube.manager.api import (
    agents,
    apps,
    audit,
    authority,
    events,
    execute,
    foresight,
    joining,
    keyring,
    managers,
    measure,
    net,
    nodes,
    openapi,
    peers,
    quotas,
    recovery,
    scheduling,
    secrets,
    services,
    snapshots,
    status,
    tasks,
    usage,
    users,
)
from okube.manager.api.admission import admission_middleware, end_of_admission
from okube.manager.api.audit import note_in_audit
from okube.manager.api.context import CONTEXT, Context
from okube.manager.api.ending import ending_middleware
from okube.manager.api.forward import forward_middleware
from okube.manager.api.identify import identify_middleware
from okube.manager.api.measure import measure_middleware, note_answer
from okube.manager.api.pause import pause_middleware
from okube.manager.api.problems import problems_middleware
from okube.manager.api.reading import mark_stale
from okube.manager.api.watch import end_watches
from okube.manager.metrics.standing import Standing
from okube.seams.punctual import say_which_is_last

__all__ = ["API_ROUTES", "make_app"]

API_ROUTES = tuple(
    module.routes
    for module in (
        services,
        apps,
        foresight,
        tasks,
        nodes,
        secrets,
        keyring,
        events,
        usage,
        net,
        users,
        audit,
        agents,
        status,
        scheduling,
        quotas,
        snapshots,
        managers,
        joining,
        authority,
        recovery,
        openapi,
        execute,
        peers,
        measure,
    )
)
"""Each is described in ``routes.py``; a test compares them."""


def make_app(context: Context) -> web.Application:
    """The API of one manager."""
    app = web.Application(
        middlewares=[
            pause_middleware,
            measure_middleware,
            problems_middleware,
            identify_middleware,
            admission_middleware,
            forward_middleware,
            ending_middleware,
        ],
        client_max_size=context.gate.limits.body_bytes,
    )
    app[CONTEXT] = context
    standing = Standing(context.core, context.leader, context.gate, lambda: context.papers())
    context.core.metrics.registry.register(standing)
    app.add_routes(_path_by_path())
    app.on_response_prepare.extend((mark_stale, end_of_admission, note_answer, note_in_audit, say_which_is_last))
    app.on_shutdown.append(end_watches)
    app.on_cleanup.append(_keep_audit)
    return app


def _path_by_path() -> list[web.RouteDef]:
    """All routes, those of one path together: only then aiohttp makes one resource of them, and looks at it once."""
    by_path: dict[str, list[web.RouteDef]] = {}
    for routes in API_ROUTES:
        for each in routes:
            assert isinstance(each, web.RouteDef)
            by_path.setdefault(each.path, []).append(each)
    return [each for of_path in by_path.values() for each in of_path]


async def _keep_audit(app: web.Application) -> None:
    await app[CONTEXT].audit.flush()
