"""``GET /v1/net``: round trips between zones and nodes, as measured; the leader knows them."""

from aiohttp import web

from okube.manager.api.bodies import answer
from okube.manager.api.context import CONTEXT
from okube.manager.api.forward import leader_read
from okube.manager.api.reading import tables_to_read
from okube.manager.netview import net_view, pairs_from
from okube.model.errors import NotFound
from okube.model.net_views import NetView
from okube.model.quantities import rfc3339

__all__ = ["routes"]

routes = web.RouteTableDef()


@routes.get("/v1/net")
@leader_read
async def net(request: web.Request) -> web.Response:
    """Zones and nodes; with ``node`` also the round trips from that one. A stale answer knows of no round trips."""
    tables = await tables_to_read(request)
    name = request.query.get("node")
    if name is not None and name not in tables.nodes:
        raise NotFound(f"there is no node {name}")
    context = request.app[CONTEXT]
    leader, clock = context.leader(), context.core.clock
    survey = None if leader is None else leader.survey
    now_s, now_ms = clock.monotonic(), clock.time_ms()
    view = net_view(tables.nodes, survey, lambda moment_s: rfc3339(now_ms - round((now_s - moment_s) * 1000)))
    pairs = [] if name is None else pairs_from(name, tables.nodes, survey)
    return answer(request, NetView(zones=view.zones, nodes=view.nodes, pairs=pairs))
