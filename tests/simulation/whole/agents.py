"""The seams between managers and agents, over the simulated network: the messages are the real ones, as bytes."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

import msgspec

from okube.model.errors import OkubeError, Unreachable
from okube.model.mounts import MountKind
from okube.model.node import Node
from okube.model.wire import (
    Assignment,
    AssignmentAnswer,
    Heartbeat,
    HeartbeatAnswer,
    ReachAnswer,
    ReachQuestion,
    Registration,
    RegistrationAnswer,
    RelayQuestion,
)
from okube.raft import Member
from okube.worker.calls import PATIENCE_S, ManagerList, NoAnswer, first_answer
from okube.worker.line import TOTAL_TIMEOUT_S
from tests.simulation.whole.calls import CallNetwork, Silence

__all__ = ["SimulatedAgentCalls", "SimulatedManagerCalls", "SimulatedPeerCalls"]

T = TypeVar("T")
ASSIGN_TIMEOUT_S = 5.0
PROBE_TIMEOUT_S = 0.5
REACH_TIMEOUT_S = 1.2


class SimulatedAgentCalls:
    """Satisfies ``okube.manager.agents.AgentCalls``; ``told`` hears of each assignment before it leaves."""

    def __init__(self, network: CallNetwork, manager: str, told: Callable[[str, Assignment], None]) -> None:
        self._network = network
        self._manager = manager
        self._told = told

    async def assign(self, node: Node, assignment: Assignment) -> AssignmentAnswer:
        self._told(self._manager, assignment)
        body = msgspec.msgpack.encode(assignment)
        try:
            data = await self._network.call(self._manager, node.name, "assign", body, timeout_s=ASSIGN_TIMEOUT_S)
        except (Silence, OkubeError) as error:
            raise Unreachable(f"agent {node.name} at {node.address} does not answer: {error}") from error
        return msgspec.msgpack.decode(data, type=AssignmentAnswer)

    async def probe(self, node: Node) -> bool:
        try:
            await self._network.call(self._manager, node.name, "probe", node.id.encode(), timeout_s=PROBE_TIMEOUT_S)
        except (Silence, OkubeError):
            return False
        return True

    async def logs(self, node: Node, task_id: str, query: dict[str, str]) -> AsyncGenerator[bytes, None]:
        for chunk in list[bytes]():
            yield chunk
        raise Unreachable(f"agent {node.name} has no logs of {task_id} in a simulation")


class SimulatedPeerCalls:
    """Satisfies ``okube.manager.peers.PeerCalls``."""

    def __init__(self, network: CallNetwork, manager: str) -> None:
        self._network = network
        self._manager = manager

    async def reach(self, peer: Member, nodes: Sequence[Node]) -> dict[str, bool]:
        question = ReachQuestion(tuple(node.name for node in nodes), tuple(node.id for node in nodes))
        data = await self._ask(peer, "reach", question, REACH_TIMEOUT_S)
        answer = msgspec.msgpack.decode(data, type=ReachAnswer)
        return dict(zip(answer.nodes, answer.reached, strict=True))

    async def relay(self, peer: Member, node: Node, assignment: Assignment) -> AssignmentAnswer:
        data = await self._ask(peer, "relay", RelayQuestion(node.address, assignment), ASSIGN_TIMEOUT_S)
        return msgspec.msgpack.decode(data, type=AssignmentAnswer)

    async def _ask(self, peer: Member, what: str, question: msgspec.Struct, timeout_s: float) -> bytes:
        try:
            body = msgspec.msgpack.encode(question)
            return await self._network.call(self._manager, peer.name, what, body, timeout_s=timeout_s)
        except (Silence, OkubeError) as error:
            raise Unreachable(f"manager {peer.name} does not answer: {error}") from error


class SimulatedManagerCalls:
    """Satisfies ``okube.worker.calls.ManagerCalls``: the real choice of whom to ask, and a simulated post."""

    def __init__(self, network: CallNetwork, node: str, managers: Iterable[str]) -> None:
        self._network = network
        self._node = node
        self._managers = ManagerList(managers)

    async def register(self, registration: Registration) -> RegistrationAnswer:
        return await self._ask("register", registration, RegistrationAnswer)

    async def heartbeat(self, heartbeat: Heartbeat) -> HeartbeatAnswer:
        return await self._ask("heartbeat", heartbeat, HeartbeatAnswer)

    async def value(self, kind: MountKind, name: str, version: int) -> bytes:
        raise Unreachable(f"nothing is secret here: {kind} {name} {version}")

    def learn(self, managers: Sequence[str]) -> None:
        self._managers.learn(managers)

    async def _ask(self, what: str, question: msgspec.Struct, kind: type[T]) -> T:
        body = msgspec.msgpack.encode(question)

        def asking(address: str) -> Callable[[], Awaitable[T]]:
            return lambda: self._post(address, what, body, kind)

        return await first_answer([asking(address) for address in self._managers.in_order()], PATIENCE_S)

    async def _post(self, address: str, what: str, body: bytes, kind: type[T]) -> T:
        manager = address.partition(":")[0]
        try:
            data = await self._network.call(self._node, manager, what, body, timeout_s=TOTAL_TIMEOUT_S)
        except (Silence, OkubeError) as error:
            raise NoAnswer(f"{address}: {error}") from error
        self._managers.prefer(address)
        return msgspec.msgpack.decode(data, type=kind)
