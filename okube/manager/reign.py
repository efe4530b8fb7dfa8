"""Starts the leader's loops when this manager may lead, and ends them the moment it may not."""

import asyncio
import logging
from typing import Any

from okube.manager.agents import AgentCalls
from okube.manager.core import ManagerCore
from okube.manager.leader import Leader
from okube.manager.peers import PeerCalls

__all__ = ["Reign"]

_log = logging.getLogger(__name__)


class Reign:
    """Follows the leadership of one manager; as Raft tells it."""

    def __init__(self, core: ManagerCore, agents: AgentCalls, peers: PeerCalls) -> None:
        self._core = core
        self._agents = agents
        self._peers = peers
        self._term: int | None = None
        self._changed = asyncio.Event()
        self._leader: Leader | None = None
        core.raft.subscribe_leadership(self._leadership)

    @property
    def leader(self) -> Leader | None:
        """The leader's loops, from the moment an entry of their epoch is applied until leadership is lost."""
        return self._leader if self._leader is not None and self._leader.began else None

    async def run(self) -> None:
        """Lead whenever it is this manager's turn, until cancelled."""
        while True:
            term = await self._next_term()
            leader = Leader(self._core, self._agents, self._peers)
            self._leader = leader
            leading = asyncio.ensure_future(leader.run())
            try:
                await self._while_term(term, leading)
            finally:
                self._leader = None
                leading.cancel()
                # Not `await leading` with its CancelledError suppressed: that would swallow our own cancellation too.
                await asyncio.wait({leading})
            if not leading.cancelled():
                leading.result()

    def _leadership(self, term: int | None) -> None:
        self._term = term
        if term is None:
            self._leader = None  # at once: nobody may be answered as by a leader any more
        self._changed.set()

    async def _next_term(self) -> int:
        """The next term in which this manager is ready to lead: an entry of its own is applied."""
        while True:
            self._changed.clear()
            if self._term is not None and self._core.leads:
                return self._term
            await self._changed.wait()

    async def _while_term(self, term: int, leading: "asyncio.Future[None]") -> None:
        while self._term == term and not leading.done():
            self._changed.clear()
            changed = asyncio.ensure_future(self._changed.wait())
            both: set[asyncio.Future[Any]] = {changed, leading}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            changed.cancel()
        if leading.done():
            leading.result()  # the loops never end by themselves: what ended them is a defect, and ends the process
