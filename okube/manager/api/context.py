"""What a request's handler needs, and where it finds it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import aiohttp
from aiohttp import web

from okube.manager.agent_tools import AgentTools
from okube.manager.agents import AgentCalls
from okube.manager.api.caller import Caller
from okube.manager.api.gate import Gate
from okube.manager.api.guesses import Guesses
from okube.manager.api.held import Held
from okube.manager.audit import AuditLog
from okube.manager.core import ManagerCore
from okube.manager.leader import Leader
from okube.manager.recovery import RecoveryDesk
from okube.manager.signing import Signer
from okube.manager.snapshots import Keeper
from okube.manager.watch import Watches
from okube.model.errors import OkubeError
from okube.model.wire import Papers

__all__ = ["CALLER", "CONTEXT", "FORWARDED", "PASSED_ON", "PROBLEM", "REQUEST_ID", "STALE", "SUBJECT", "Context"]


@dataclass
class Context:
    """One manager as its API sees it."""

    core: ManagerCore
    agents: AgentCalls
    leader: Callable[[], Leader | None]  # the leader's loops while they run here
    peers: aiohttp.ClientSession  # to the other managers
    tools: AgentTools
    keeper: Keeper
    gate: Gate = field(default_factory=Gate)
    guesses: Guesses = field(default_factory=Guesses)
    recovery: RecoveryDesk = field(default_factory=RecoveryDesk)
    relays_by: str | None = None  # the manager that answered last for a leader who is not heard here
    papers: Callable[[], Papers | None] = lambda: None  # what this manager shows itself
    watches: Watches = field(init=False)
    held: Held = field(init=False)
    audit: AuditLog = field(init=False)
    signer: Signer = field(init=False)

    def __post_init__(self) -> None:
        """Feed the watches from here on, and find what signs certificates."""
        settings = self.core.settings
        self.watches = Watches(self.core)
        self.held = Held(self.core)
        self.audit = AuditLog(settings.directory / "audit", self.core.clock.monotonic)
        self.signer = Signer(
            settings.cluster_id,
            self.core.authority.signing,
            self.core.clock.time_ms,
            timedelta(seconds=settings.certificate_life_s),
            self.core.authority.trusted,
        )


CONTEXT: web.AppKey[Context] = web.AppKey("context", Context)
CALLER: web.RequestKey[Caller] = web.RequestKey("caller", Caller)
REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
PASSED_ON: web.RequestKey[bool] = web.RequestKey("passed_on", bool)
"""Another manager has carried it out or refused it, and noted it."""
PROBLEM: web.RequestKey[OkubeError] = web.RequestKey("problem", OkubeError)
SUBJECT: web.RequestKey[str] = web.RequestKey("subject", str)
"""What a write is about, for the audit log."""
FORWARDED: web.RequestKey[bool] = web.RequestKey("forwarded", bool)
STALE: web.RequestKey[bool] = web.RequestKey("stale", bool)
