"""Brings assignments to agents: straight, or by way of another manager where the leader's own link is cut."""

import logging

from okube.manager.agents import AgentCalls
from okube.manager.core import ManagerCore
from okube.manager.liveness import Liveness
from okube.manager.peers import PeerCalls
from okube.model.errors import Unreachable
from okube.model.node import Node
from okube.model.wire import Assignment, AssignmentAnswer

__all__ = ["Messenger"]

_log = logging.getLogger(__name__)
_DETOUR_S = 30.0


class Messenger:
    """A node that was heard while the leader's call to it failed lives behind a cut link: others may reach it.

    What an agent obeys is decided by the epoch in the assignment, so it does not matter who brings it.
    """

    def __init__(self, core: ManagerCore, agents: AgentCalls, peers: PeerCalls, liveness: Liveness) -> None:
        self._core = core
        self._agents = agents
        self._peers = peers
        self._liveness = liveness
        self._detours: dict[str, float] = {}  # node → until when the others are asked first

    async def assign(self, node: Node, assignment: Assignment) -> AssignmentAnswer:
        """Tell a node what it should hold.

        Raises:
            Unreachable: neither this manager nor, where that makes sense, any other reached the agent.
        """
        began = self._core.clock.monotonic()
        if began < self._detours.get(node.name, 0.0):
            answer = await self._by_way_of_others(node, assignment)
            if answer is not None:
                return answer
        try:
            answer = await self._agents.assign(node, assignment)
        except Unreachable:
            if not self._liveness.heard_since(node.name, began):
                raise
            answer = await self._by_way_of_others(node, assignment)
            if answer is None:
                raise
            _log.warning("node %s is heard but not reached: it gets its orders by way of other managers", node.name)
            self._detours[node.name] = self._core.clock.monotonic() + _DETOUR_S
        else:
            self._detours.pop(node.name, None)
        return answer

    async def _by_way_of_others(self, node: Node, assignment: Assignment) -> AssignmentAnswer | None:
        for member in self._core.raft.members:
            if member.name == self._core.name:
                continue
            try:
                return await self._peers.relay(member, node, assignment)
            except Unreachable as error:
                _log.info("%s could not pass an assignment on to %s: %s", member.name, node.name, error)
        self._detours.pop(node.name, None)
        return None
