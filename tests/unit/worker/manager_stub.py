"""A manager on a real socket with a real certificate, as far as an agent sees one."""

import io
import ssl
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import TracebackType

import aiohttp
import msgspec
from aiohttp import web

from okube.model.commands import TaskReport
from okube.model.epoch import Epoch
from okube.model.wire import (
    Assignment,
    AssignmentAnswer,
    Heartbeat,
    HeartbeatAnswer,
    Registration,
    RegistrationAnswer,
)
from okube.security import client_context, identity_of, server_context, server_name

__all__ = ["ManagerStub"]


class ManagerStub:
    """Answers agents and calls them; ``leads`` False answers 503, as a manager without a leader does."""

    def __init__(self, tls: Path, cluster_id: str) -> None:
        self.leads = True
        self.epoch = Epoch(1, 1)
        self.registrations: list[Registration] = []
        self.heartbeats: list[Heartbeat] = []
        self.reports: dict[str, TaskReport] = {}
        self.peers: set[tuple[str, str]] = set()
        self.asked = 0
        self.values: dict[str, bytes] = {}  # by node, kind, name and version
        self._cluster_id = cluster_id
        self._server_context = server_context(tls, client_certificate="optional")
        self._client_context: ssl.SSLContext = client_context(tls)
        app = web.Application()
        app.router.add_post("/v1/agents/{node}/register", self._register)
        app.router.add_post("/v1/agents/{node}/heartbeat", self._heartbeat)
        app.router.add_get("/v1/agents/{node}/{kind}/{name}/{version}", self._value)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        self.address = ""

    async def __aenter__(self) -> "ManagerStub":
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._server_context).start()
        self.address = f"127.0.0.1:{self._runner.addresses[0][1]}"
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()
        await self._runner.cleanup()

    async def assign(self, agent: str, assignment: Assignment) -> tuple[int, AssignmentAnswer]:
        """PUT an assignment to the agent at an address; answers the status and the answer."""
        status, body = await self.call(
            "PUT", agent, "/v1/assignment", assignment.node, msgspec.msgpack.encode(assignment)
        )
        return status, msgspec.msgpack.decode(body, type=AssignmentAnswer)

    async def call(self, method: str, agent: str, path: str, node: str = "w1", body: bytes = b"") -> tuple[int, bytes]:
        """One request to an agent, whole."""
        async with self._session.request(
            method,
            f"https://{agent}{path}",
            data=io.BytesIO(body),
            ssl=self._client_context,
            server_hostname=server_name(node, "worker", self._cluster_id),
        ) as response:
            return response.status, await response.read()

    def stream(self, agent: str, path: str, node: str = "w1") -> "aiohttp.client._RequestContextManager":
        """One request to an agent, to be read as it comes."""
        name = server_name(node, "worker", self._cluster_id)
        return self._session.get(f"https://{agent}{path}", ssl=self._client_context, server_hostname=name)

    def socket(
        self, agent: str, path: str, node: str = "w1"
    ) -> AbstractAsyncContextManager["aiohttp.ClientWebSocketResponse[bool]"]:
        """A WebSocket to an agent."""
        name = server_name(node, "worker", self._cluster_id)
        return self._session.ws_connect(
            f"https://{agent}{path}", ssl=self._client_context, server_hostname=name, protocols=("okube.exec.v1",)
        )

    async def _register(self, request: web.Request) -> web.Response:
        self._meet(request)
        self.registrations.append(msgspec.msgpack.decode(await request.read(), type=Registration))
        return self._answer(RegistrationAnswer(True, self.epoch, heartbeat_ms=100))

    async def _heartbeat(self, request: web.Request) -> web.Response:
        self._meet(request)
        heartbeat = msgspec.msgpack.decode(await request.read(), type=Heartbeat)
        if self.leads:
            self.heartbeats.append(heartbeat)
            self.reports.update({report.id: report for report in heartbeat.reports})
        return self._answer(HeartbeatAnswer(self.epoch, heartbeat_ms=100))

    async def _value(self, request: web.Request) -> web.Response:
        self._meet(request)
        path = "/".join(request.match_info[part] for part in ("node", "kind", "name", "version"))
        if path not in self.values:
            return web.json_response({"status": 404, "detail": f"there is no {path}"}, status=404)
        return web.Response(body=self.values[path])

    def _meet(self, request: web.Request) -> None:
        self.asked += 1
        transport = request.transport
        assert transport is not None
        identity = identity_of(transport.get_extra_info("peercert"))
        assert identity is not None
        self.peers.add((identity.role, identity.name))

    def _answer(self, answer: msgspec.Struct) -> web.Response:
        if not self.leads:
            problem = {"type": "urn:okube:error:no-quorum", "status": 503, "detail": "no leader yet"}
            return web.json_response(problem, status=503)
        return web.Response(body=msgspec.msgpack.encode(answer), content_type="application/msgpack")
