"""Which nodes live: kept in the leader's memory; only changes of it are replicated."""

import asyncio
import logging

from okube.manager.agents import AgentCalls
from okube.manager.core import ManagerCore
from okube.model.commands import SetNodeState
from okube.model.node import Node

__all__ = ["MAX_ABSENCE_S", "Liveness"]

_log = logging.getLogger(__name__)
MAX_ABSENCE_S = 60.0


class Liveness:
    """When each node was last heard, as long as this manager leads; a new leader gives every node fresh grace."""

    def __init__(self, core: ManagerCore, agents: AgentCalls) -> None:
        self._core = core
        self._agents = agents
        self._began = core.clock.monotonic()
        self._heard: dict[str, float] = {}  # node → seconds on the loop's clock
        self._heard_ms: dict[str, int] = {}
        self._absent_until: dict[str, float] = {}

    def heard(self, name: str, *, absence_s: float = 0.0) -> None:
        """A sign of life; with ``absence_s`` the agent says that it stops in order and will be back by then."""
        now = self._core.clock.monotonic()
        self._heard[name] = now
        self._heard_ms[name] = self._core.clock.time_ms()
        if absence_s > 0:
            self._absent_until[name] = now + min(absence_s, MAX_ABSENCE_S)
            _log.info("node %s is absent in order for up to %.0f s", name, absence_s)
        else:
            self._absent_until.pop(name, None)

    def last_seen_ms(self, name: str) -> int | None:
        """When the node was last heard by this leader."""
        return self._heard_ms.get(name)

    async def run(self) -> None:
        """Find nodes that are silent for too long, until cancelled; the grace of each begins now."""
        self._began = self._core.clock.monotonic()
        settings = self._core.tables.settings
        pause_s = min(settings.heartbeat_ms, settings.node_down_after_ms) / 1000 / 4
        while True:
            await asyncio.sleep(pause_s)
            silent = self._silent()
            if silent:
                await self._check(silent)

    def _silent(self) -> list[Node]:
        limit_s = self._core.tables.settings.node_down_after_ms / 1000
        now = self._core.clock.monotonic()
        return [
            node
            for node in self._core.tables.nodes.values()
            if node.state == "ready"
            and now - self._heard.get(node.name, self._began) > limit_s
            and now > self._absent_until.get(node.name, 0.0)
        ]

    async def _check(self, silent: list[Node]) -> None:
        """Silence is checked before it is believed: the leader calls the agent itself."""
        answers = await asyncio.gather(*(self._agents.probe(node) for node in silent))
        gone = []
        for node, answers_call in zip(silent, answers, strict=True):
            if answers_call:
                _log.warning("node %s sends no heartbeats but answers when called; it stays ready", node.name)
                self._heard[node.name] = self._core.clock.monotonic()
            elif self._heard.get(node.name, self._began) <= self._core.clock.monotonic() - self._limit_s():
                gone.append(node)
        if not gone:
            return
        for node in gone:
            _log.warning("node %s is down: silent for more than %.1f s", node.name, self._limit_s())
        names, instances = tuple(node.name for node in gone), tuple(node.id for node in gone)
        await self._core.propose([SetNodeState(names, instances, "down")])

    def _limit_s(self) -> float:
        return self._core.tables.settings.node_down_after_ms / 1000
