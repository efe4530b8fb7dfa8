"""The application: routes, and what every request passes through."""

from aiohttp import web

from okube.manager.api import agents, nodes, openapi, services, status, tasks
from okube.manager.api.context import CONTEXT, Context
from okube.manager.api.forward import forward_middleware
from okube.manager.api.identify import identify_middleware
from okube.manager.api.problems import problems_middleware
from okube.manager.api.reading import mark_stale

__all__ = ["API_ROUTES", "make_app"]

_MAX_BODY = 2 << 20
API_ROUTES = tuple(module.routes for module in (services, tasks, nodes, agents, status, openapi))
"""Each is described in ``routes.py``; a test compares them."""


def make_app(context: Context) -> web.Application:
    """The API of one manager."""
    app = web.Application(
        middlewares=[problems_middleware, identify_middleware, forward_middleware], client_max_size=_MAX_BODY
    )
    app[CONTEXT] = context
    for routes in API_ROUTES:
        app.add_routes(routes)
    app.on_response_prepare.append(mark_stale)
    return app
