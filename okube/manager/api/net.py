"""Routes about the network: what was measured, which the leader knows, and what is declared, which is in the state."""

from aiohttp import web

from okube.manager.api.bodies import answer, json_object
from okube.manager.api.context import CALLER, CONTEXT
from okube.manager.api.forward import leader_only, leader_read
from okube.manager.api.reading import tables_to_read
from okube.manager.api.writing import submit
from okube.manager.linkview import links_view
from okube.manager.netview import net_view, pairs_from
from okube.manager.topology import declared_in
from okube.model.commands import PutTopology
from okube.model.decode import decode
from okube.model.errors import NotFound
from okube.model.net_views import NetView
from okube.model.quantities import rfc3339
from okube.model.topology import DeclaredTopology

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


@routes.get("/v1/net/links")
@leader_read
async def net_links(request: web.Request) -> web.Response:
    """What links carry and what is reserved on them. A stale answer does not know how fast those of nodes are."""
    tables = await tables_to_read(request)
    leader = request.app[CONTEXT].leader()
    return answer(request, links_view(tables, None if leader is None else leader.survey))


@routes.get("/v1/net/topology")
async def get_topology(request: web.Request) -> web.Response:
    """What is declared of the network."""
    return answer(request, declared_in(await tables_to_read(request)))


@routes.put("/v1/net/topology")
@leader_only
async def put_topology(request: web.Request) -> web.Response:
    """Declare this instead."""
    wanted = decode(DeclaredTopology, await json_object(request), what="topology")
    applied = await submit(request, PutTopology(wanted, by=request[CALLER].name))
    return answer(request, wanted, revision=applied.revision)
