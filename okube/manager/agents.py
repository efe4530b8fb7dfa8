"""Calls from managers to agents: a seam, and its form over HTTPS."""

import io
import ssl
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Protocol

import aiohttp
import msgspec

from okube.manager.tlssession import TlsSession
from okube.model.errors import UNREADABLE, Unreachable
from okube.model.node import Node
from okube.model.wire import MANAGERS_HEADER, Assignment, AssignmentAnswer
from okube.seams.plainly import plainly
from okube.security import server_name

__all__ = ["AgentCalls", "HttpAgentCalls"]

_encoder = msgspec.msgpack.Encoder()
_PROBE_CONNECT_S = 0.5
_PROBE_S = 0.8
_answers = msgspec.msgpack.Decoder(AssignmentAnswer)


class _Health(msgspec.Struct, frozen=True):
    instance: str


_health = msgspec.json.Decoder(_Health)


class AgentCalls(Protocol):
    """What a manager asks of an agent. Each raises Unreachable where the agent does not answer in time."""

    async def assign(self, node: Node, assignment: Assignment) -> AssignmentAnswer:
        """Tell a node what it should hold."""

    async def probe(self, node: Node) -> bool:
        """Whether the agent answers at all; never raises."""

    def logs(self, node: Node, task_id: str, query: dict[str, str]) -> AsyncGenerator[bytes, None]:
        """Chunks of JSON lines of a task's output."""


class HttpAgentCalls(TlsSession):
    """The real form: one session for all agents, mutual TLS, the agent's name checked against its certificate.

    ``managers`` tells where the managers are now.
    """

    def __init__(
        self,
        cluster_id: str,
        tls: ssl.SSLContext,
        *,
        timeout_s: float = 5.0,
        managers: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        super().__init__(tls)
        self._managers = managers
        self._cluster_id = cluster_id
        self._timeout_s = timeout_s

    async def assign(self, node: Node, assignment: Assignment) -> AssignmentAnswer:
        """PUT the assignment; an answer of 409 is an answer."""
        body = _encoder.encode(assignment)
        timeout = aiohttp.ClientTimeout(total=self._timeout_s, sock_connect=1.0)
        try:
            async with self._open().put(
                f"https://{node.address}/v1/assignment",
                data=io.BytesIO(body),  # aiohttp sends a large one in pieces only from a file
                headers={"Content-Type": "application/msgpack"},
                timeout=timeout,
                server_hostname=self._server_name(node),
            ) as response:
                answer = await response.read()
                if response.status not in (200, 409):
                    raise Unreachable(
                        f"agent {node.name} answered {response.status}: {answer[:200].decode(errors='replace')}"
                    )
                return _answers.decode(answer)
        except (aiohttp.ClientError, TimeoutError, OSError, *UNREADABLE) as error:
            raise Unreachable(f"agent {node.name} at {node.address} does not answer: {plainly(error)}") from error

    async def probe(self, node: Node) -> bool:
        """GET /healthz; another instance under the node's name is not the node.

        A machine that is off says nothing, not even no: a connection that does not come within half a second counts.
        """
        timeout = aiohttp.ClientTimeout(total=_PROBE_S, sock_connect=_PROBE_CONNECT_S)
        url = f"https://{node.address}/healthz"
        try:
            async with self._open().get(
                url,
                headers={MANAGERS_HEADER: ",".join(self._managers())},
                timeout=timeout,
                server_hostname=self._server_name(node),
            ) as response:
                if response.status != 200:
                    return False
                return _health.decode(await response.read()).instance == node.id
        except (aiohttp.ClientError, TimeoutError, OSError, *UNREADABLE):
            return False

    async def logs(self, node: Node, task_id: str, query: dict[str, str]) -> AsyncGenerator[bytes, None]:
        """GET the task's logs, as they come."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=1.0)
        try:
            async with self._open().get(
                f"https://{node.address}/v1/tasks/{task_id}/logs",
                params=query,
                timeout=timeout,
                server_hostname=self._server_name(node),
            ) as response:
                if response.status != 200:
                    detail = (await response.read())[:300].decode(errors="replace")
                    raise Unreachable(f"agent {node.name} has no logs of {task_id}: {detail}")
                async for chunk in response.content.iter_any():
                    yield chunk
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"agent {node.name} at {node.address} does not answer: {plainly(error)}") from error

    def _server_name(self, node: Node) -> str:
        return server_name(node.name, "worker", self._cluster_id)
