"""The application: routes, and what every request passes through."""

from aiohttp import web

from okube.manager.api import agents, nodes, services, status, tasks
from okube.manager.api.context import CONTEXT, Context
from okube.manager.api.forward import forward_middleware
from okube.manager.api.identify import identify_middleware
from okube.manager.api.problems import problems_middleware
from okube.manager.api.reading import mark_stale

__all__ = ["make_app"]

_MAX_BODY = 2 << 20


def make_app(context: Context) -> web.Application:
    """The API of one manager."""
    app = web.Application(
        middlewares=[problems_middleware, identify_middleware, forward_middleware], client_max_size=_MAX_BODY
    )
    app[CONTEXT] = context
    for module in (services, tasks, nodes, agents, status):
        app.add_routes(module.routes)
    app.on_response_prepare.append(mark_stale)
    return app
