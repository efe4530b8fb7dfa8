"""Routes about tasks, and their logs."""

from functools import partial

from aiohttp import web

from okube.manager.api.bodies import answer, query_flag, query_number
from okube.manager.api.context import CALLER, CONTEXT
from okube.manager.api.forward import leader_only, leader_read
from okube.manager.api.pages import answer_list, page_start
from okube.manager.api.reading import tables_to_read
from okube.manager.api.scope import apps_of, check_app
from okube.manager.api.task_order import tasks_in_order
from okube.manager.api.watch import is_watch, watch
from okube.manager.api.writing import if_match, submit
from okube.manager.explaining import view_of_placement
from okube.manager.scheduling import policy_in
from okube.manager.topology import topology_in
from okube.model.commands import StopTask
from okube.model.errors import Conflict, FieldError, InvalidInput, Unreachable
from okube.model.node import Node
from okube.model.task import Task
from okube.state import Tables
from okube.state.queries import find_task, view_of_task
from okube.state.tables import Row

__all__ = ["routes"]

routes = web.RouteTableDef()
_STATES = frozenset({"pending", "scheduled", "running", "completed", "failed"})


@routes.get("/v1/tasks")
async def list_tasks(request: web.Request) -> web.StreamResponse:
    """Tasks by service and slot; filters ``service``, ``node``, ``app``, ``state``; ended ones with ``all=true``."""
    tables = await tables_to_read(request)
    query = request.query
    states = set(query.getall("state", []))
    unknown = states - _STATES
    if unknown:
        allowed = ", ".join(sorted(_STATES))
        errors = [FieldError("state", f"{state!r} is no state; one of {allowed}") for state in sorted(unknown)]
        raise InvalidInput.of(errors, what="query")
    everything = query_flag(request, "all") or bool(states)

    def wanted(task: Row) -> bool:
        return isinstance(task, Task) and (
            (everything or not task.ended)
            and (not states or task.state in states)
            and query.get("service", task.service) == task.service
            and query.get("node", task.node) == task.node
            and query.get("app", task.app) == task.app
        )

    if is_watch(request):
        return await watch(request, "tasks", wanted)
    rows = tasks_in_order(tables, service=query.get("service"), node=query.get("node"), after=page_start(request))
    return await answer_list(request, rows, wanted, lambda task: view_of_task(tables, task))


@routes.get("/v1/tasks/{id}")
async def get_task(request: web.Request) -> web.Response:
    """One task, by id, unique prefix or SERVICE.SLOT."""
    tables = await tables_to_read(request)
    task = find_task(tables, request.match_info["id"])
    check_app(request, task.app, task.name)
    return answer(request, view_of_task(tables, task))


@routes.get("/v1/tasks/{id}/placement")
@leader_read
async def task_placement(request: web.Request) -> web.Response:
    """How the nodes stand for a task now; a stale answer knows of no round trips between them."""
    tables = await tables_to_read(request)
    context = request.app[CONTEXT]
    leader, extensions = context.leader(), context.core.extensions
    network = partial(topology_in, tables, None if leader is None else leader.survey)
    task = find_task(tables, request.match_info["id"])
    view = view_of_placement(tables, task, policy_in(tables, extensions), extensions.filters, network)
    return answer(request, view)


@routes.delete("/v1/tasks/{id}")
@leader_only
async def end_task(request: web.Request) -> web.Response:
    """End a task; its service replaces it."""
    command = StopTask(request.match_info["id"], if_match(request), request[CALLER].name, apps_of(request))
    applied = await submit(request, command)
    return answer(request, applied.body, revision=applied.revision)


@routes.get("/v1/tasks/{id}/logs")
async def task_logs(request: web.Request) -> web.StreamResponse:
    """A task's output as JSON lines, passed on from its agent; ``follow``, ``tail``, ``since`` (milliseconds)."""
    tables = await tables_to_read(request)
    context = request.app[CONTEXT]
    task = find_task(tables, request.match_info["id"])
    check_app(request, task.app, task.name)
    query = {"follow": str(query_flag(request, "follow")).lower()}
    if "tail" in request.query:
        query["tail"] = str(query_number(request, "tail", default=0, low=0, high=1_000_000))
    if "since" in request.query:
        query["since"] = str(query_number(request, "since", default=0, low=0, high=1 << 53))
    node = _node_with_logs(tables, task)
    chunks = context.agents.logs(node, task.id, query)
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    try:
        first = await anext(chunks, b"")  # an agent that cannot answer is told as an error, not as an empty log
        await response.prepare(request)
        await response.write(first)
        async for chunk in chunks:
            await response.write(chunk)
    except Unreachable:
        if not response.prepared:
            raise
    finally:
        await chunks.aclose()
    return response


def _node_with_logs(tables: Tables, task: Task) -> Node:
    if task.node is None:
        raise Conflict(f"{task.name} has no logs yet: it is {task.state}{': ' + task.message if task.message else ''}")
    node = tables.nodes.get(task.node)
    if node is None or node.id != task.node_id:
        raise Conflict(f"the logs of {task.name} went with node {task.node}")
    if node.state == "down":
        raise Conflict(f"the logs of {task.name} are on node {task.node}, which is down")
    return node
