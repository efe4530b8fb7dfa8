"""The leader's loops: they start with leadership, from the state at hand, and stop the moment it is lost."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Coroutine
from typing import Any

from okube.manager import ca_change
from okube.manager.agents import AgentCalls
from okube.manager.balancing import Balancing
from okube.manager.changes import Changes
from okube.manager.core import ManagerCore
from okube.manager.dispatch import Dispatcher
from okube.manager.enabling import plan_enabling
from okube.manager.keyring import next_step
from okube.manager.liveness import Liveness
from okube.manager.membership import plan_noting
from okube.manager.messenger import Messenger
from okube.manager.pace import Pace
from okube.manager.papers import PapersBook, warning
from okube.manager.peers import PeerCalls
from okube.manager.placing import Placing
from okube.manager.reconcile import next_release_ms, plan_nodes, plan_orphans, plan_service_in_slices
from okube.manager.rehearsal import Surroundings
from okube.manager.scheduling import plan_seeding, policy_in
from okube.manager.slices import batches, in_turns
from okube.manager.survey import Survey
from okube.manager.topology import plan_seeding_topology
from okube.model.commands import Command, SeedCluster, TellOfCertificates
from okube.model.errors import NoQuorum, OutcomeUnknown
from okube.model.versions import version_of
from okube.model.wire import Papers

__all__ = ["Leader"]

_log = logging.getLogger(__name__)
_FULL_PASS_S = 10.0
_REST_OF_PASS = 20.0  # times as long as it took: where there are many tasks, all services are gone through less often
_DOUBT_S = 0.05
_CHANGING_S = 1.0
_DEFECT_S = 1.0
_SOON_S = 0.5


class Leader:
    """All that a manager does because it leads; made anew for each time it does."""

    def __init__(self, core: ManagerCore, agents: AgentCalls, peers: PeerCalls) -> None:
        self._core = core
        self.began = False  # an entry of its own epoch is applied: only then it speaks to agents
        self.defects = 0
        self.runs: dict[str, tuple[str, int]] = {}  # node → its agent's run, and the newest heartbeat of it
        self.asked_again: dict[str, str] = {}  # node → the run of its agent that was asked to register once more
        self.cut_short: set[str] = set()  # nodes whose agents said what could not be taken down yet
        self.papers = PapersBook()
        self.survey = Survey(core.tables, core.clock, random.Random(f"{core.name} {core.epoch}"))
        self.changes = Changes(core.tables)
        self.liveness = Liveness(core, agents, peers, lambda: self.placing.look_again())
        self.placing = Placing(core, self.changes, self.liveness, self.survey, self._propose)
        self.dispatcher = Dispatcher(core, self.changes, Messenger(core, agents, peers, self.liveness))

    async def run(self) -> None:
        """Lead until cancelled, or until a proposal shows that this manager does not lead any more."""
        try:
            await self._guarded(self._begin)
            _log.info("leading in epoch %s", self._core.epoch)
            self.changes.all()
            async with asyncio.TaskGroup() as group:
                for loop in self._loops():
                    group.create_task(self._guarded(loop), name=f"leader {loop.__qualname__}")
        finally:
            self.changes.close()
            self.placing.close()
            _log.info("not leading any more")

    def surroundings(self) -> Surroundings:
        """What this leader decides by, beside the tables."""
        return Surroundings(
            policy=policy_in(self._core.tables, self._core.extensions),
            filters=self._core.extensions.filters,
            survey=self.survey,
            unsure=self.liveness.unsure(),
        )

    def _loops(self) -> tuple[Callable[[], Coroutine[Any, Any, None]], ...]:
        own = (self._reconcile, self.placing.run, self._tend_nodes, self._enable_versions)
        sealed = (self._tend_ring, self._tend_certificates, Balancing(self._core, self.surroundings).run)
        return (*own, *sealed, self.liveness.run, self.dispatcher.run)

    async def _guarded(self, loop: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a loop; what it cannot do because leadership is in doubt, it tries again while this manager leads.

        A defect is logged and the loop begins anew: the same code would meet it at every other manager too, and a
        cluster without leader is worse than a leader with a limp.
        """
        while True:
            try:
                return await loop()
            except (NoQuorum, OutcomeUnknown) as error:
                _log.info("%s paused: %s", loop.__qualname__, error)
                await asyncio.sleep(_DOUBT_S)
            except Exception:
                self.defects += 1
                self._core.metrics.defects.labels("leader").inc()
                _log.exception("a defect in %s; it begins anew", loop.__qualname__)
                await asyncio.sleep(_DEFECT_S)
            self.changes.all()

    async def _begin(self) -> None:
        """Seed the cluster; where it is seeded that changes nothing, but it brings this leader's epoch into the log."""
        settings = self._core.settings
        await self._core.propose(
            [
                SeedCluster(
                    cluster=settings.cluster,
                    cluster_id=settings.cluster_id,
                    admin_token_sha256=settings.admin_token_sha256,
                    node_down_after_ms=round(settings.node_down_after_s * 1000),
                    heartbeat_ms=round(settings.heartbeat_s * 1000),
                    leader=self._core.name,
                )
            ]
        )
        self.began = True

    async def _reconcile(self) -> None:
        """Services into tasks, one that changed at a time; one whose plan takes long rests before the next."""
        clock, tables = self._core.clock, self._core.tables
        pace = Pace()
        full_pass_at = clock.monotonic() + _FULL_PASS_S
        is_full = False
        while True:
            began = clock.monotonic()
            marked = self.changes.take_services()
            for place, service_id in enumerate(marked):
                self.placing.more_come(more=place < len(marked) - 1)
                await asyncio.sleep(0)  # each service is a slice of its own: heartbeats and clients come between
                if pace.rests(service_id, clock.monotonic()):
                    self.changes.services[service_id] = None  # marked still, and nobody is woken for it
                else:
                    await self.placing.keep_up()
                    await self._reconcile_one(service_id, pace)
            await self._propose(plan_orphans(tables))
            if is_full:
                full_pass_at = clock.monotonic() + max(_FULL_PASS_S, _REST_OF_PASS * (clock.monotonic() - began))
            waits = [full_pass_at - clock.monotonic(), pace.next_s(clock.monotonic())]
            await _wait(self.changes.services_changed, min(wait for wait in waits if wait is not None))
            is_full = clock.monotonic() >= full_pass_at
            if is_full:
                self.changes.all_services()

    async def _reconcile_one(self, service_id: str, pace: Pace) -> None:
        clock, tables = self._core.clock, self._core.tables
        service = tables.services.get(service_id)
        if service is None:
            return
        began = clock.monotonic()
        plan = await in_turns(plan_service_in_slices(tables, service, clock.time_ms(), self._core.new_id))
        pace.worked(service_id, began, clock.monotonic())
        if tables.services.get(service_id) is not service:  # it is marked, and planned anew
            return
        await self._propose(plan.commands)
        if plan.again_in_ms is not None:
            asyncio.get_running_loop().call_later(plan.again_in_ms / 1000, self.changes.mark_service, service_id)

    async def _propose(self, commands: list[Command]) -> None:
        """Propose what a loop wants, in parts that are applied in one go each."""
        for batch in batches(commands):
            await self._core.propose(batch)

    async def _tend_nodes(self) -> None:
        """Draining nodes that are empty are drained, and nodes that were held get new tasks again."""
        tables = self._core.tables
        while True:
            self.changes.nodes_changed.clear()
            commands = plan_nodes(tables, self._core.clock.time_ms())
            await self._propose(commands)
            next_ms = next_release_ms(tables)
            pause_s = _FULL_PASS_S
            if next_ms is not None:
                pause_s = min(_FULL_PASS_S, max(_SOON_S, (next_ms - self._core.clock.time_ms()) / 1000 + 0.001))
            await _wait(self.changes.nodes_changed, pause_s)

    async def _tend_certificates(self) -> None:
        """The next step of a change of the CA, when all are ready for it; a warning for who did not renew in time.

        And what says whose certificates are worth nothing any more.
        """
        core, known = self._core, self.papers
        while True:
            await core.propose([*plan_noting(core)])
            now_ms, found = core.clock.time_ms(), core.tables.authorities
            present = [("manager", member.name) for member in core.raft.members]
            present += [("node", node.name) for node in core.tables.nodes.values()]
            warnings = known.warnings(core.authority.ends_ms, present, now_ms)
            if core.tables.settings.command_version >= version_of(TellOfCertificates((), (), ())):
                await core.propose([*warning(warnings)])
            step = None if found is None else ca_change.next_step(found, self.shown_papers())
            if step is not None:
                await core.propose([step])
            await asyncio.sleep(_CHANGING_S if found is not None and found.coming else _FULL_PASS_S)

    def shown_papers(self) -> dict[str, Papers | None]:
        """What all managers and the agents of all nodes show, down or not; None where that is not known."""
        known = self.papers
        shown = {member.name: known.managers.get(member.name) for member in self._core.raft.members}
        return shown | {name: known.nodes.get(name) for name in self._core.tables.nodes}

    async def _enable_versions(self) -> None:
        """A command version is enabled once all managers know it; also when the last that did not is removed."""
        core = self._core
        while True:
            core.versions_told.clear()
            await core.propose([*plan_enabling(core.tables.settings.command_version, core.raft.known_versions())])
            await core.propose([*plan_noting(core)])
            await core.propose([*plan_seeding(core.tables, core.settings)])
            await core.propose([*plan_seeding_topology(core.tables, core.settings)])
            self.changes.ring_changed.set()  # a version may be what the making of a key ring waited for
            await _wait(core.versions_told, _FULL_PASS_S)

    async def _tend_ring(self) -> None:
        """The key ring is made once, and the CA sealed with it; where it has a new data key, all is sealed anew."""
        while True:
            self.changes.ring_changed.clear()
            await self._turn_ring()
            await self._core.propose([*self._core.authority.plan_keeping(self._core.clock.time_ms())])
            await _wait(self.changes.ring_changed, _FULL_PASS_S)

    async def _turn_ring(self) -> None:
        """Step by step, so that a person who changes the ring meanwhile comes between; until nothing is left to do."""
        core, before = self._core, -1
        while before != core.tables.revision:  # else a step was refused, and would be again
            before = core.tables.revision
            async with core.vault.turning:
                command = next_step(core.tables, core.vault, core.new_id, core.clock.time_ms())
                if command is None:
                    return
                await core.propose([command])


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    # Not asyncio.wait_for: before Python 3.12 it can swallow a cancellation that comes at the same moment.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, timeout_s)):
            await event.wait()
