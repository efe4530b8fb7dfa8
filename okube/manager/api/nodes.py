"""Routes about nodes."""

import logging

import msgspec
from aiohttp import web

from okube.manager.api.addresses import check_hosts
from okube.manager.api.bodies import answer, json_object, query_flag
from okube.manager.api.context import CALLER, CONTEXT
from okube.manager.api.forward import leader_only, leader_read
from okube.manager.api.pages import answer_list, page_start
from okube.manager.api.reading import tables_to_read
from okube.manager.api.watch import is_watch, watch
from okube.manager.api.writing import if_match, result_of, submit
from okube.model.commands import RemoveNode, UpdateNode
from okube.model.decode import decode
from okube.model.errors import NotFound
from okube.model.node import Node
from okube.model.node_views import NodeChange, NodeView
from okube.model.quantities import rfc3339
from okube.state import Tables
from okube.state.queries import view_of_node
from okube.state.tables import Row

__all__ = ["routes"]

_log = logging.getLogger(__name__)
routes = web.RouteTableDef()


@routes.get("/v1/nodes")
@leader_read
async def list_nodes(request: web.Request) -> web.StreamResponse:
    """All nodes, by name; filters ``state``, ``region``, ``zone``, ``rack``, ``availability``, ``label``."""
    tables = await tables_to_read(request)
    query = request.query
    labels = [text.partition("=")[::2] for text in query.getall("label", [])]

    def wanted(node: Row) -> bool:
        return isinstance(node, Node) and (
            query.get("state", node.state) == node.state
            and query.get("region", node.region) == node.region
            and query.get("zone", node.zone) == node.zone
            and query.get("rack", node.rack) == node.rack
            and query.get("availability", node.availability) == node.availability
            and all(node.labels.get(key) == value for key, value in labels)
        )

    if is_watch(request):
        return await watch(request, "nodes", wanted)
    after = page_start(request)
    found = ((name, tables.nodes.get(name)) for name in sorted(n for n in tables.nodes if n > after))
    rows = ((name, node) for name, node in found if node is not None)
    return await answer_list(request, rows, wanted, lambda node: _view(request, tables, node))


@routes.get("/v1/nodes/{name}")
@leader_read
async def get_node(request: web.Request) -> web.Response:
    """One node."""
    tables = await tables_to_read(request)
    name = request.match_info["name"]
    if name not in tables.nodes:
        raise NotFound(f"there is no node {name}")
    return answer(request, _view(request, tables, tables.nodes[name]))


@routes.patch("/v1/nodes/{name}")
@leader_only
async def change_node(request: web.Request) -> web.Response:
    """Change availability (``draining`` empties the node), labels, region, zone, rack, named resources or address."""
    name = request.match_info["name"]
    change = decode(NodeChange, await json_object(request), what=f"node {name}")
    availability = "draining" if change.availability == "drained" else change.availability
    by = request[CALLER].name
    if change.address is not None:
        check_hosts({"address": change.address}, what="node")
    command = UpdateNode(
        name,
        availability,
        change.labels,
        change.zone,
        if_match(request),
        by,
        change.address,
        change.region,
        change.rack,
        change.named,
    )
    applied = await submit(request, command)
    if change.address is not None:
        _log.info("node %s is reached at %s from now on, as %s wants it", name, change.address, by)
    view = result_of(applied)
    view["last_seen"] = rfc3339(_last_seen_ms(request, name))  # the leader's memory knows it, and no log
    return answer(request, view, revision=applied.revision)


@routes.delete("/v1/nodes/{name}")
@leader_only
async def remove_node(request: web.Request) -> web.Response:
    """Forget a node that is down, or bar one that is not to be trusted any more."""
    name, by, bar = request.match_info["name"], request[CALLER].name, query_flag(request, "bar")
    applied = await submit(request, RemoveNode(name, if_match(request), by, bar=bar))
    _log.info("node %s is removed from the cluster by %s%s", name, by, " for good" if bar else "")
    return answer(request, applied.body, revision=applied.revision)


def _view(request: web.Request, tables: Tables, node: Node) -> NodeView:
    view = view_of_node(tables, node, _last_seen_ms(request, node.name))
    return msgspec.structs.replace(view, certificate_ends=_certificate_ends(request, node.name))


def _certificate_ends(request: web.Request, name: str) -> str | None:
    leader = request.app[CONTEXT].leader()
    papers = None if leader is None else leader.papers.nodes.get(name)
    return None if papers is None else rfc3339(papers.ends_ms)


def _last_seen_ms(request: web.Request, name: str) -> int | None:
    leader = request.app[CONTEXT].leader()
    return None if leader is None else leader.liveness.last_seen_ms(name)
