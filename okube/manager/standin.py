"""What may take the place of all agents in a manager's own process: a seam, for clusters without machines."""

from collections.abc import Callable
from typing import Protocol

from okube.manager.agents import AgentCalls
from okube.manager.core import ManagerCore
from okube.manager.leader import Leader

__all__ = ["StandIn"]


class StandIn(Protocol):
    """Answers for every node in place of its agent. A manager of a real cluster has none."""

    @property
    def calls(self) -> AgentCalls:
        """What the manager calls agents by."""

    async def run(self, core: ManagerCore, leader: Callable[[], Leader | None]) -> None:
        """Act for the agents towards a manager, for as long as that runs; ``leader`` is None while it does not lead."""
