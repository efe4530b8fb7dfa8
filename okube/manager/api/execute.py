"""``GET /v1/tasks/{id}/exec``: a WebSocket to a command in a task's container, passed on to its agent."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

from aiohttp import WSCloseCode, WSMsgType, web

from okube.manager.agent_tools import Socket
from okube.manager.api.context import CONTEXT
from okube.manager.api.reading import tables_to_read
from okube.manager.api.scope import check_app
from okube.model.errors import Conflict, Forbidden, Malformed
from okube.model.exec import (
    CONTROL,
    MAX_FRAME,
    SUBPROTOCOL,
    ExecRequest,
    ServerControl,
    control_frame,
    read_server_control,
)
from okube.model.node import Node
from okube.model.task import Task
from okube.seams.keepalive import notice_the_dead
from okube.state import Tables
from okube.state.queries import find_task

__all__ = ["routes"]

routes = web.RouteTableDef()
_CLOSE_S = 2.0
_PING_S = 12.0  # less than clients wait for a word, more than they wait for an answer when they close


@routes.get("/v1/tasks/{id}/exec")
async def exec_in_task(request: web.Request) -> web.WebSocketResponse:
    """Run a command beside a task's own (``cmd`` for each word; ``tty``, ``stdin``, ``cols``, ``rows``)."""
    asked = ExecRequest.of_query(request.query.items())
    front = web.WebSocketResponse(protocols=(SUBPROTOCOL,), max_msg_size=MAX_FRAME, compress=False, timeout=_CLOSE_S)
    if not front.can_prepare(request).ok:
        raise Malformed(f"this takes a WebSocket of the protocol {SUBPROTOCOL}")
    _check_origin(request)
    tables = await tables_to_read(request)
    task = find_task(tables, request.match_info["id"])
    check_app(request, task.app, task.name)
    node = _node_that_runs(tables, task)
    async with request.app[CONTEXT].tools.exec(node, task.id, asked) as back:
        await front.prepare(request)
        notice_the_dead(request.transport)
        notice_the_dead(back)
        await _carry(front, back, node.name)
    with suppress(ConnectionError, RuntimeError):
        await front.close(code=WSCloseCode.OK)
    return front


async def _carry(front: web.WebSocketResponse, back: Socket, node: str) -> None:
    """Both ways at once until one side leaves; each waits for the other, and nothing piles up here."""
    ways = [
        asyncio.ensure_future(_outwards(front, back, node)),
        asyncio.ensure_future(_inwards(front, back)),
        asyncio.ensure_future(_stay_in_touch(front)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _inwards(front: web.WebSocketResponse, back: Socket) -> None:
    async for message in front:
        if message.type is WSMsgType.TEXT:
            await _tell(front, "frames of this protocol are binary and begin with their channel")
            return
        await back.send_bytes(message.data)


async def _stay_in_touch(front: web.WebSocketResponse) -> None:
    """A sign of life now and then: while a command takes no input, nothing is read, and no ping is answered."""
    while True:
        await asyncio.sleep(_PING_S)
        await front.ping()


async def _outwards(front: web.WebSocketResponse, back: Socket, node: str) -> None:
    told = False
    async for message in back:
        if message.type is not WSMsgType.BINARY:
            continue
        told = told or _tells_the_end(message.data)
        await front.send_bytes(message.data)
    if not told:
        await _tell(
            front, f"agent {node} left without saying how the command ended: it stopped, or its connection broke"
        )


def _tells_the_end(frame: bytes) -> bool:
    if not frame or frame[0] != CONTROL:
        return False
    control = read_server_control(frame[1:])
    return control.exit is not None or control.error is not None


async def _tell(front: web.WebSocketResponse, sentence: str) -> None:
    with suppress(ConnectionError, RuntimeError):
        await front.send_bytes(control_frame(ServerControl(error=sentence)))


def _node_that_runs(tables: Tables, task: Task) -> Node:
    state = f"it is {task.state}{': ' + task.message if task.message else ''}"
    if task.node is None or task.state != "running":
        raise Conflict(f"{task.name} does not run now: {state}")
    node = tables.nodes.get(task.node)
    if node is None or node.id != task.node_id:
        raise Conflict(f"{task.name} went with node {task.node}")
    if node.state == "down":
        raise Conflict(f"{task.name} is on node {task.node}, which is down")
    return node


def _check_origin(request: web.Request) -> None:
    """A page of another site must not use the certificate that a browser shows for its user."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise Forbidden(f"{origin} is another site: commands are run from pages of this manager only")
