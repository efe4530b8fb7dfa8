"""The application: routes, and what every request passes through."""

from aiohttp import web

from okube.manager.api import agents, events, execute, nodes, openapi, peers, services, status, tasks
from okube.manager.api.admission import admission_middleware, end_of_admission
from okube.manager.api.context import CONTEXT, Context
from okube.manager.api.forward import forward_middleware
from okube.manager.api.identify import identify_middleware
from okube.manager.api.problems import problems_middleware
from okube.manager.api.reading import mark_stale
from okube.manager.api.watch import end_watches

__all__ = ["API_ROUTES", "make_app"]

API_ROUTES = tuple(
    module.routes for module in (services, tasks, nodes, events, agents, status, openapi, execute, peers)
)
"""Each is described in ``routes.py``; a test compares them."""


def make_app(context: Context) -> web.Application:
    """The API of one manager."""
    app = web.Application(
        middlewares=[problems_middleware, identify_middleware, admission_middleware, forward_middleware],
        client_max_size=context.gate.limits.body_bytes,
    )
    app[CONTEXT] = context
    for routes in API_ROUTES:
        app.add_routes(routes)
    app.on_response_prepare.append(mark_stale)
    app.on_response_prepare.append(end_of_admission)
    app.on_shutdown.append(end_watches)
    return app
