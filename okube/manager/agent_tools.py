"""What people ask of agents through a manager, beside what the leader does: commands in containers, usage."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol
from urllib.parse import unquote

import aiohttp
import msgspec

from okube.model.errors import UNREADABLE, OkubeError, Unreachable, error_of_kind
from okube.model.exec import MAX_FRAME, SUBPROTOCOL, ExecRequest
from okube.model.node import Node
from okube.model.wire import PROBLEM_HEADER, NodeUsage
from okube.seams.plainly import plainly
from okube.security import server_name

__all__ = ["AgentTools", "HttpAgentTools", "Socket"]

_USAGE_S = 1.0
_CLOSE_S = 2.0
_usages = msgspec.json.Decoder(NodeUsage)
Socket = aiohttp.ClientWebSocketResponse[bool]


class AgentTools(Protocol):
    """Calls to the agent of a node, for any manager."""

    def exec(self, node: Node, task_id: str, request: ExecRequest) -> AbstractAsyncContextManager[Socket]:
        """Run a command beside a task's own; the socket speaks ``okube.exec.v1``, and leaving it ends the command.

        Raises:
            Unreachable: the agent does not answer.
            OkubeError: it refuses, and nothing was started.
        """

    async def usage(self, node: Node) -> NodeUsage | None:
        """What the node and its tasks use; None where its agent does not answer within a second."""


class HttpAgentTools:
    """The real form.

    Args:
        session: shows this manager's certificate, and trusts the cluster's CA.
        cluster_id: whose agents are called.
    """

    def __init__(self, session: aiohttp.ClientSession, cluster_id: str) -> None:
        self._session = session
        self._cluster_id = cluster_id

    @asynccontextmanager
    async def exec(self, node: Node, task_id: str, request: ExecRequest) -> AsyncIterator[Socket]:
        """Run a command beside a task's own."""
        connecting = self._session.ws_connect(
            f"https://{node.address}/v1/tasks/{task_id}/exec",
            params=request.query(),
            protocols=(SUBPROTOCOL,),
            max_msg_size=MAX_FRAME,
            server_hostname=server_name(node.name, "worker", self._cluster_id),
            timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_S),
        )
        try:
            socket = await connecting
        except aiohttp.WSServerHandshakeError as error:
            raise _refusal(node, error) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(f"agent {node.name} at {node.address} does not answer: {plainly(error)}") from error
        try:
            yield socket
        finally:
            await socket.close()

    async def usage(self, node: Node) -> NodeUsage | None:
        """What the node and its tasks use."""
        try:
            async with self._session.get(
                f"https://{node.address}/v1/usage",
                timeout=aiohttp.ClientTimeout(total=_USAGE_S),
                server_hostname=server_name(node.name, "worker", self._cluster_id),
            ) as response:
                return _usages.decode(await response.read()) if response.status == 200 else None
        except (aiohttp.ClientError, TimeoutError, OSError, *UNREADABLE):
            return None


def _refusal(node: Node, error: aiohttp.WSServerHandshakeError) -> OkubeError:
    said = unquote(error.headers.get(PROBLEM_HEADER, "")) if error.headers is not None else ""
    kind, _, detail = said.partition(" ")
    if not detail:
        return Unreachable(f"agent {node.name} answered {error.status} and said nothing that helps")
    if kind in ("runtime-unavailable", "forbidden", "defect"):
        return Unreachable(f"agent {node.name}: {detail}")
    return error_of_kind(kind, detail)
