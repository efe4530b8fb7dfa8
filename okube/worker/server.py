"""What managers ask of an agent, over HTTPS with mutual TLS: assignments, logs, commands, a sign of life."""

import asyncio
import logging
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from typing import Protocol
from urllib.parse import quote

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from okube.model.epoch import Epoch
from okube.model.errors import (
    UNREADABLE,
    Conflict,
    Defect,
    Forbidden,
    InvalidInput,
    Malformed,
    NotFound,
    OkubeError,
    TooLarge,
)
from okube.model.exec import ExecRequest
from okube.model.managers import ADDRESS_PATTERN
from okube.model.wire import MANAGERS_HEADER, PROBLEM_HEADER, Assignment, AssignmentAnswer, LogLine, NodeUsage
from okube.seams.punctual import say_which_is_last
from okube.security import Identity, identity_of
from okube.worker.door import AgentSite
from okube.worker.exec import Sessions
from okube.worker.runtime.base import ExecSession, RuntimeUnavailable

__all__ = ["AgentApi", "AgentServer", "make_app", "peer_of"]

logger = logging.getLogger(__name__)

MAX_ASSIGNMENT = 64 << 20
_MSGPACK = "application/msgpack"
_NDJSON = "application/x-ndjson"
_LEFT_CHECK_S = 1.0
_HEADER_LIMIT = 1000
_STATUS: dict[type[OkubeError], int] = {
    Malformed: 400,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    InvalidInput: 422,
    RuntimeUnavailable: 503,
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Identify = Callable[[web.Request], Identity | None]
Learn = Callable[[Sequence[str]], Awaitable[None]]
Left = Callable[[], Collection[str]]


async def _no_metrics() -> bytes:
    return b""


async def _learn_nothing(managers: Sequence[str]) -> None:
    del managers


class AgentApi(Protocol):
    """What the server needs of the agent behind it."""

    async def accept(self, assignment: Assignment) -> AssignmentAnswer:
        """Obey an assignment, or refuse it."""

    def logs(self, task_id: str, *, follow: bool, tail: int | None, since_ms: int | None) -> AsyncIterator[LogLine]:
        """A task's output."""

    async def exec(self, task_id: str, request: ExecRequest) -> ExecSession:
        """Run a command beside a task's own."""

    async def measure(self) -> NodeUsage:
        """What the machine and its tasks use now."""


class AgentServer:
    """The agent's socket.

    Args:
        agent: who answers.
        cluster_id: managers of this cluster are listened to, nobody else.
        instance: who the agent is, so that a caller can tell it from a successor of the same name.
        context: asks everyone for a certificate of the cluster's CA.
        epoch: the highest epoch that the agent obeys; a restore of the managers asks for it.
        metrics: what ``/metrics`` answers.
        learn: told where managers are, by one that asks whether the agent lives.
        left: instances of managers that are none any more, and are answered no more.
    """

    def __init__(
        self,
        agent: AgentApi,
        *,
        cluster_id: str,
        instance: str,
        context: ssl.SSLContext,
        epoch: Callable[[], Epoch] = Epoch,
        metrics: Callable[[], Awaitable[bytes]] = _no_metrics,
        learn: Learn = _learn_nothing,
        left: Left = frozenset,
    ) -> None:
        app = make_app(
            agent,
            cluster_id=cluster_id,
            instance=instance,
            identify=peer_of,
            epoch=epoch,
            metrics=metrics,
            learn=learn,
            left=left,
        )
        self._left = left
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        self._context = context
        self._cluster_id = cluster_id
        self._site: AgentSite | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; answers the port (one that is free, where 0 was asked); raises OSError for one in use."""
        await self._runner.setup()
        site = AgentSite(self._runner, host, port, context=self._context, refusal=self._refusal)
        await site.start()
        self._site = site
        bound: int = self._runner.addresses[0][1]
        return bound

    async def move(self, host: str, port: int) -> None:
        """Listen elsewhere from now on; raises OSError, and then all is as it was."""
        assert self._site is not None, "start() comes first"
        await self._site.move(host, port)

    def turn_out(self) -> None:
        """End the connections of managers that are none any more."""
        if self._site is not None:
            self._site.turn_out()

    async def close(self) -> None:
        """End all connections."""
        await self._runner.cleanup()

    def _refusal(self, transport: asyncio.BaseTransport) -> web.Response | None:
        objection = _objection(identity_of(transport.get_extra_info("peercert")), self._cluster_id, self._left())
        return None if objection is None else _problem(403, objection)


def peer_of(request: web.Request) -> Identity | None:
    """Who asks, as the certificate of the connection says."""
    transport = request.transport
    return None if transport is None else identity_of(transport.get_extra_info("peercert"))


def make_app(
    agent: AgentApi,
    *,
    cluster_id: str,
    instance: str,
    identify: Identify,
    epoch: Callable[[], Epoch] = Epoch,
    metrics: Callable[[], Awaitable[bytes]] = _no_metrics,
    learn: Learn = _learn_nothing,
    left: Left = frozenset,
) -> web.Application:
    """The agent's routes, open to managers of one cluster."""

    async def put_assignment(request: web.Request) -> web.Response:
        answer = await agent.accept(_decode(await request.read()))
        status = 200 if answer.accepted else 409
        return web.Response(body=msgspec.msgpack.encode(answer), status=status, content_type=_MSGPACK)

    async def get_logs(request: web.Request) -> web.StreamResponse:
        lines = agent.logs(
            request.match_info["id"],
            follow=_flag(request, "follow"),
            tail=_count(request, "tail"),
            since_ms=_count(request, "since"),
        )
        return await _stream(request, lines)

    async def exec_in_task(request: web.Request) -> web.StreamResponse:
        asked = ExecRequest.of_query(request.query.items())
        return await sessions.serve(request, lambda: agent.exec(request.match_info["id"], asked), stdin=asked.stdin)

    async def get_usage(request: web.Request) -> web.Response:
        del request
        return web.Response(body=msgspec.json.encode(await agent.measure()), content_type="application/json")

    async def get_health(request: web.Request) -> web.Response:
        told = request.headers.get(MANAGERS_HEADER, "").split(",")
        managers = [address for address in told if re.fullmatch(ADDRESS_PATTERN, address)]
        try:
            await learn(managers)
        except OSError as error:
            logger.error("Cannot store where managers are (%s): check the disk of the agent's state", error)
        return web.json_response({"status": "ok", "instance": instance, "epoch": str(epoch())})

    async def get_metrics(request: web.Request) -> web.Response:
        return web.Response(body=await metrics(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    sessions = Sessions()
    app = web.Application(
        client_max_size=MAX_ASSIGNMENT, middlewares=[_problems, _managers_only(cluster_id, identify, left)]
    )
    app.on_response_prepare.append(say_which_is_last)
    app.router.add_put("/v1/assignment", put_assignment)
    app.router.add_get("/v1/tasks/{id}/logs", get_logs)
    app.router.add_get("/v1/tasks/{id}/exec", exec_in_task)
    app.router.add_get("/v1/usage", get_usage)
    app.router.add_get("/healthz", get_health)
    app.router.add_get("/metrics", get_metrics)
    return app


@web.middleware
async def _problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors as problem documents."""
    try:
        return await handler(request)
    except OkubeError as error:
        return _problem(next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), 500), error)
    except web.HTTPRequestEntityTooLarge:
        return _problem(413, TooLarge(f"the body is larger than {MAX_ASSIGNMENT >> 20} MiB"))
    except web.HTTPException as error:
        return _problem(error.status, OkubeError(f"{request.method} {request.path}: {error.reason}"))
    except ConnectionError:
        raise
    except Exception:  # the rim: one request's trouble is not the agent's
        logger.exception("A defect in %s %s", request.method, request.path)
        return _problem(500, Defect("a defect of Okube; the agent's log has the trace"))


def _managers_only(cluster_id: str, identify: Identify, left: Left) -> Callable[..., Awaitable[web.StreamResponse]]:
    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        objection = _objection(identify(request), cluster_id, left())
        if objection is not None:
            raise objection
        return await handler(request)

    return check


def _objection(peer: Identity | None, cluster_id: str, left: Collection[str]) -> Forbidden | None:
    """Why this one may not ask an agent anything."""
    if peer is not None and peer.role == "manager" and peer.cluster_id == cluster_id:
        if peer.instance and peer.instance in left:
            return Forbidden(f"manager {peer.name} ({peer.instance}) was removed from cluster {cluster_id}")
        return None
    who = "somebody unknown" if peer is None else f"{peer.role} {peer.name} of cluster {peer.cluster_id}"
    return Forbidden(f"agents of cluster {cluster_id} answer its managers only, and this is {who}")


def _problem(status: int, error: OkubeError) -> web.Response:
    body = {"type": f"urn:okube:error:{error.kind}", "title": error.kind, "status": status, "detail": error.detail}
    headers = {PROBLEM_HEADER: quote(f"{error.kind} {error.detail[:_HEADER_LIMIT]}")}
    return web.Response(
        body=msgspec.json.encode(body), status=status, headers=headers, content_type="application/problem+json"
    )


def _decode(body: bytes) -> Assignment:
    try:
        return msgspec.msgpack.decode(body, type=Assignment)
    except UNREADABLE as error:
        raise Malformed(f"the body is no assignment: {error}") from error


def _flag(request: web.Request, name: str) -> bool:
    text = request.query.get(name, "false").lower()
    if text not in ("true", "false", "1", "0"):
        raise Malformed(f"{name} is {text!r}: write true or false")
    return text in ("true", "1")


def _count(request: web.Request, name: str) -> int | None:
    text = request.query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Malformed(f"{name} is {text!r}: write a number, 0 or more")
    return int(text)


async def _stream(request: web.Request, lines: AsyncIterator[LogLine]) -> web.StreamResponse:
    """Lines of JSON until there are no more or the client leaves; an error before the first line is still an answer."""
    response = web.StreamResponse(headers={"Content-Type": _NDJSON})
    iterator = aiter(lines)
    upcoming = asyncio.ensure_future(_next(iterator))
    try:
        while not _has_left(request):
            done, _ = await asyncio.wait({upcoming}, timeout=_LEFT_CHECK_S)
            if done:
                line = upcoming.result()
                if line is None:
                    break
                upcoming = asyncio.ensure_future(_next(iterator))
                await _write(request, response, line)
            elif not response.prepared:
                await response.prepare(request)  # no line yet, and no error either
        if not response.prepared:
            await response.prepare(request)
    except ConnectionError:
        logger.debug("Whoever read %s left", request.path)
    finally:
        await _let_go(upcoming, iterator)
    return response


async def _next(iterator: AsyncIterator[LogLine]) -> LogLine | None:
    return await anext(iterator, None)


async def _write(request: web.Request, response: web.StreamResponse, line: LogLine) -> None:
    if not response.prepared:
        await response.prepare(request)
    await response.write(msgspec.json.encode(line) + b"\n")


async def _let_go(upcoming: "asyncio.Future[LogLine | None]", iterator: AsyncIterator[LogLine]) -> None:
    upcoming.cancel()
    await asyncio.wait([upcoming])
    close = getattr(iterator, "aclose", None)
    if close is not None:
        await close()


def _has_left(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()
