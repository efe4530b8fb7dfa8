"""Which nodes live: kept in the leader's memory; only changes of it are replicated.

What is decided is in ``suspicion.py``; here signs of life are written down, agents are called, and what was decided is
proposed.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable

from okube.manager.agents import AgentCalls
from okube.manager.core import ManagerCore
from okube.manager.on_behalf import probe_all
from okube.manager.peers import PeerCalls
from okube.manager.suspicion import Limits, LivenessPlan, Silence, plan_liveness
from okube.model.commands import SetNodeConditions, SetNodeState
from okube.model.errors import Unreachable
from okube.model.node import Node
from okube.raft import Member

__all__ = ["MAX_ABSENCE_S", "Liveness"]

_log = logging.getLogger(__name__)
MAX_ABSENCE_S = 60.0
_SHORTEST_WAIT_S = 0.02
_AGAIN_S = 0.25  # after calls that settled nothing
_CALLED_AT_ONCE = 16
"""Of many silent nodes so many are called at a time, by all managers; none is down before it was called. A thousand
calls at once, each with TLS before it, would keep those who live from being heard."""
_MUTE_S = 30.0  # a node that only answers calls for so long has more than a moment's trouble
_MUTE = (
    "its agent answers calls, and none of its heartbeats comes through, so nothing is known of its tasks: see the "
    "agent's log on that machine, and whether its clock and its way to the managers are right"
)


class Liveness:
    """When each node was last heard, as long as this manager leads; a new leader gives every node fresh grace."""

    def __init__(
        self, core: ManagerCore, agents: AgentCalls, peers: PeerCalls, heard_again: Callable[[], None] = lambda: None
    ) -> None:
        self._core = core
        self._agents = agents
        self._peers = peers
        self._began = core.clock.monotonic()
        self._heard: dict[str, float] = {}  # node → seconds on the loop's clock
        self._heard_ms: dict[str, int] = {}
        self._absent_until: dict[str, float] = {}
        self._asked: dict[str, None] = {}  # nodes that are being called
        self._called: dict[str, float] = {}  # node → when calls to it ended last
        self._reached: dict[str, dict[str, bool]] = {}  # node → manager → whether its call reached the agent
        self._vouched_for: dict[str, float] = {}  # nodes that live though they send nothing → since when
        self._answers_came = asyncio.Event()
        self._braked = False
        self._avoided: set[str] = set()
        self._heard_again = heard_again  # called when a node that ``unsure`` named has given a sign of life

    def heard(self, name: str, *, absence_s: float = 0.0) -> None:
        """A sign of life; with ``absence_s`` the agent says that it stops in order and will be back by then."""
        now = self._core.clock.monotonic()
        self._heard[name] = now
        self._heard_ms[name] = self._core.clock.time_ms()
        self._reached.pop(name, None)
        self._vouched_for.pop(name, None)
        if name in self._avoided:
            self._avoided.discard(name)
            self._heard_again()
        if absence_s > 0:
            self._absent_until[name] = now + min(absence_s, MAX_ABSENCE_S)
            _log.info("node %s is absent in order for up to %.0f s", name, absence_s)
        else:
            self._absent_until.pop(name, None)

    def last_seen_ms(self, name: str) -> int | None:
        """When the node was last heard by this leader."""
        return self._heard_ms.get(name)

    def unsure(self) -> dict[str, str]:
        """Ready nodes to which nothing new goes now, each with the reason: silent for a moment, or absent in order."""
        now = self._core.clock.monotonic()
        after_s = self._limits().unsure_after_s
        found: dict[str, str] = {}
        for node in self._core.tables.nodes.values():
            if node.state != "ready":
                continue
            if now < self._absent_until.get(node.name, 0.0):
                found[node.name] = "its agent was stopped a moment ago"
            elif now - self._last_sign(node.name) > after_s:
                found[node.name] = "not heard of for a moment"
        self._avoided = set(found)
        return found

    def heard_since(self, name: str, moment: float) -> bool:
        """Whether the node has given a sign of life after ``moment`` (seconds on the clock's monotonic time)."""
        return self._heard.get(name, moment) > moment

    async def run(self) -> None:
        """Find nodes that are silent for too long, until cancelled; the grace of each begins now."""
        self._began = self._core.clock.monotonic()
        self._asked.clear()
        self._reached.clear()
        rounds: set[asyncio.Task[None]] = set()
        try:
            while True:
                self._answers_came.clear()
                self._forget_removed()
                plan = self._plan()
                self._tell_of_brake(plan)
                for name in plan.alive:
                    self._vouch(name)
                    await self._tell_mute(name)
                if plan.down:
                    await self._take_down(plan.down)
                room = _CALLED_AT_ONCE - len(self._asked)
                if plan.call and room > 0:
                    called = [self._core.tables.nodes[name] for name in plan.call[:room]]
                    rounds.add(asyncio.ensure_future(self._call(called)))
                await self._wait()
                for done in [each for each in rounds if each.done()]:
                    rounds.remove(done)
                    done.result()
        finally:
            for each in rounds:
                each.cancel()
            if rounds:
                await asyncio.wait(rounds)

    # Deciding

    def _plan(self) -> LivenessPlan:
        now = self._core.clock.monotonic()
        ready = [node for node in self._core.tables.nodes.values() if node.state == "ready"]
        silences = [
            Silence(node.name, silent_s, self._is_asked(node.name, now), self._reached.get(node.name))
            for node in ready
            if (silent_s := now - self._last_sign(node.name)) >= self._limits().silent_after_s
            and now > self._absent_until.get(node.name, 0.0)
        ]
        return plan_liveness(
            silences,
            ready=len(ready),
            leader=self._core.name,
            others=len(self._others()),
            limits=self._limits(),
        )

    async def _wait(self) -> None:
        """Until answers came, or there may be something to decide about a node."""
        limits = self._limits()
        nodes = self._core.tables.nodes.values()
        due = min((self._due(n.name, limits) for n in nodes if n.state == "ready"), default=math.inf)
        wait_s = min(due - self._core.clock.monotonic(), limits.heartbeat_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(_SHORTEST_WAIT_S, wait_s + 0.001)):
                await self._answers_came.wait()

    def _due(self, name: str, limits: Limits) -> float:
        """When something is to be decided about a ready node: to call it, or whether it is down."""
        if name in self._asked:
            return math.inf
        silent_s = limits.call_after_s if name not in self._reached else limits.down_after_s
        again = self._called.get(name, 0.0) + _AGAIN_S
        return max(self._last_sign(name) + silent_s, again, self._absent_until.get(name, 0.0))

    def _is_asked(self, name: str, now: float) -> bool:
        return name in self._asked or now < self._called.get(name, 0.0) + _AGAIN_S

    def _last_sign(self, name: str) -> float:
        return self._heard.get(name, self._began)

    def _limits(self) -> Limits:
        settings = self._core.tables.settings
        return Limits(settings.node_down_after_ms / 1000, settings.heartbeat_ms / 1000)

    def _others(self) -> list[Member]:
        return [member for member in self._core.raft.members if member.name != self._core.name]

    # Acting

    async def _call(self, nodes: list[Node]) -> None:
        """Call agents, and have the other managers call them, all side by side; what each found is noted."""
        began = self._core.clock.monotonic()
        for node in nodes:
            self._asked[node.name] = None
        try:
            others = self._others()
            own, *theirs = await asyncio.gather(
                probe_all(self._agents, nodes), *(self._second_opinion(member, nodes) for member in others)
            )
            found = {self._core.name: own} | {m.name: said for m, said in zip(others, theirs, strict=True)}
            for node in nodes:
                if self._last_sign(node.name) <= began:
                    self._reached[node.name] = {m: said[node.name] for m, said in found.items() if node.name in said}
        finally:
            for node in nodes:
                self._asked.pop(node.name, None)
                self._called[node.name] = self._core.clock.monotonic()
            self._answers_came.set()

    async def _second_opinion(self, member: Member, nodes: list[Node]) -> dict[str, bool]:
        try:
            return await self._peers.reach(member, nodes)
        except Unreachable as error:
            _log.info("no second opinion about silent nodes: %s", error)
            return {}

    def _vouch(self, name: str) -> None:
        """The agent answers when it is called: the node lives, though it sends no heartbeats."""
        who = sorted(manager for manager, reached in self._reached.pop(name, {}).items() if reached)
        if name not in self._vouched_for:
            self._vouched_for[name] = self._core.clock.monotonic()
            _log.warning(
                "node %s sends no heartbeats, but answers when %s calls; it stays ready", name, " or ".join(who)
            )
        self._heard[name] = self._core.clock.monotonic()

    async def _tell_mute(self, name: str) -> None:
        """Make it a condition of the node that it has been silent for long; its next heartbeat ends that."""
        node = self._core.tables.nodes[name]
        since = self._vouched_for.get(name, math.inf)
        known = {condition.kind: condition.message for condition in node.conditions}
        if self._core.clock.monotonic() - since < _MUTE_S or "no-heartbeats" in known:
            return
        told = tuple(sorted((known | {"no-heartbeats": _MUTE}).items()))
        await self._core.propose([SetNodeConditions(name, node.id, told)])

    async def _take_down(self, names: tuple[str, ...]) -> None:
        nodes = [self._core.tables.nodes[name] for name in names]
        for node in nodes:
            _log.warning(
                "node %s is down: silent for more than %.1f s, and %s did not reach its agent",
                node.name,
                self._limits().down_after_s,
                " and ".join(sorted(self._reached[node.name])),
            )
            self._vouched_for.pop(node.name, None)
            self._reached.pop(node.name, None)
        await self._core.propose([SetNodeState(names, tuple(node.id for node in nodes), "down")])

    def _forget_removed(self) -> None:
        """What is known of nodes that are gone would stay for as long as this manager leads."""
        nodes = self._core.tables.nodes
        if len(self._heard) <= len(nodes):
            return
        for table in (self._heard, self._heard_ms, self._absent_until, self._called, self._reached):
            for name in table.keys() - nodes.keys():
                del table[name]

    def _tell_of_brake(self, plan: LivenessPlan) -> None:
        if plan.braked and not self._braked:
            _log.warning(
                "many nodes are silent at once: this leader suspects its own link, "
                "and takes none for down before another manager has tried to reach it"
            )
        self._braked = plan.braked
