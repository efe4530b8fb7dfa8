"""``GET /v1/usage``: what nodes and their tasks use now, asked of the agents at that moment."""

import asyncio

from aiohttp import web

from okube.manager.agent_tools import AgentTools
from okube.manager.api.bodies import answer
from okube.manager.api.context import CONTEXT
from okube.manager.api.reading import tables_to_read
from okube.manager.api.scope import apps_of, sight_of
from okube.model.errors import NotFound
from okube.model.node import Node
from okube.model.node_views import NodeUsageView, TaskUsageView, UsageView
from okube.model.wire import NodeUsage, TaskUsage
from okube.state import Tables

__all__ = ["routes"]

routes = web.RouteTableDef()
_PATIENCE_S = 1.0
_AT_ONCE = 200


@routes.get("/v1/usage")
async def usage(request: web.Request) -> web.Response:
    """Nodes and tasks with what they use; filters ``service`` and ``node``. Takes a second at most.

    Who has some apps alone is told of their tasks.
    """
    tables = await tables_to_read(request)
    service, name = request.query.get("service"), request.query.get("node")
    if name is not None and name not in tables.nodes:
        raise NotFound(f"there is no node {name}")
    if service is not None and service not in tables.service_ids:
        raise NotFound(f"there is no service {service}")
    sight = sight_of(request)
    nodes = [tables.nodes[each] for each in sorted(tables.nodes) if _is_asked(tables, each, service, name)]
    told = await _ask(request.app[CONTEXT].tools, nodes)
    view = UsageView(
        nodes=[] if apps_of(request) else [_node(node, told[node.name]) for node in nodes if node.name in told],
        tasks=[
            task
            for node in nodes
            if node.name in told
            for used in told[node.name].tasks
            if (task := _task(tables, node, used)) is not None
            and service in (None, task.service)
            and (sight is None or sight(tables.tasks[task.id]))
        ],
        silent=[] if apps_of(request) else [node.name for node in nodes if node.name not in told],
    )
    return answer(request, view)


def _is_asked(tables: Tables, node: str, service: str | None, name: str | None) -> bool:
    if name is not None and node != name:
        return False
    if service is None:
        return True
    return any(
        tables.tasks[task_id].service == service and not tables.tasks[task_id].ended
        for task_id in tables.tasks_on_node.get(node, ())
    )


async def _ask(tools: AgentTools, nodes: list[Node]) -> dict[str, NodeUsage]:
    """All side by side; who is not done in time is silent."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def ask(node: Node) -> NodeUsage | None:
        async with turns:
            return await tools.usage(node)

    asking = {node.name: asyncio.ensure_future(ask(node)) for node in nodes if node.state == "ready"}
    if not asking:
        return {}
    try:
        await asyncio.wait(asking.values(), timeout=_PATIENCE_S)
        done = {name: call.result() for name, call in asking.items() if call.done() and not call.cancelled()}
    finally:
        for call in asking.values():
            call.cancel()
        await asyncio.gather(*asking.values(), return_exceptions=True)
    return {name: told for name, told in done.items() if told is not None}


def _node(node: Node, used: NodeUsage) -> NodeUsageView:
    return NodeUsageView(
        name=node.name,
        cpus=used.cpus,
        memory=used.memory,
        disk=used.disk,
        cores=used.cores,
        memory_total=used.memory_total,
        disk_total=used.disk_total,
    )


def _task(tables: Tables, node: Node, used: TaskUsage) -> TaskUsageView | None:
    """The task as the cluster knows it; None for what an agent holds and nobody gave it, or has taken back."""
    task = tables.tasks.get(used.id)
    if task is None or task.node != node.name:
        return None
    limit = tables.spec_of(task).resources.most_memory
    return TaskUsageView(
        id=task.id,
        name=task.name,
        service=task.service,
        node=node.name,
        cpus=used.cpus,
        memory=used.memory,
        memory_limit=limit or None,
    )
