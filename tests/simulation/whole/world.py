"""One run from one seed: whole managers, whole agents, clients, faults, and what must hold."""

import asyncio
import contextlib
import itertools
import logging
import random
from collections.abc import Collection

import msgspec

from okube.manager.settings import ManagerMember, ManagerSettings
from okube.model.errors import OkubeError
from okube.raft import Member, RaftNode
from okube.state.feed import KINDS
from tests.checker import Recorder, check
from tests.simulation.cluster import SimulatedCluster, Site, until
from tests.simulation.loop import VirtualLoop, running_process, virtual_loop
from tests.simulation.report import Report, Story
from tests.simulation.whole.calls import CallNetwork, Silence
from tests.simulation.whole.checks import Checks
from tests.simulation.whole.client import Client
from tests.simulation.whole.contenders import Contender
from tests.simulation.whole.faults import WholeFaults
from tests.simulation.whole.leftovers import leftovers
from tests.simulation.whole.machine import Machine
from tests.simulation.whole.manager import ManagerProgram, Write
from tests.simulation.whole.reach import LOOK_S, Reach
from tests.simulation.whole.settled import unsettled
from tests.simulation.whole.streams import Roamer, Truth
from tests.unit.worker.machine import VirtualClock

__all__ = ["World", "simulate_whole"]

FAULTS_S = 25.0
SETTLE_S = 90.0
ABSENCE_S = 60.0
"""A node that said it would be back, and is not, is taken for down only after this."""
STAYS_S = 8.0
UNDERWAY_S = 12.0
_CATCH_UP_S = 60
"""For how long a request that its caller has given up may still be carried out."""
TURNS_AT_ONE_MOMENT = 20_000
LOGGERS = ("okube", "pysyncobj", "asyncio")
EXPECTED_ERRORS = (
    "The container engine does not answer",
    "The container engine gives no sign of life",
    "Cannot store",
    "The cluster refuses this node",
    "the disk of /data/",
)
"""Errors in the log that faults of the simulated machines ask for."""


class World:
    """Everything in one loop; its books are ``checks``, and ``recorder`` has what clients saw of their services."""

    def __init__(self, seed: int, *, only: Collection[int] | None = None) -> None:
        rng = random.Random(seed)
        self.seed = seed
        self.violations: list[str] = []
        self.story = Story()
        self.recorder = Recorder(lambda: virtual_loop().now - 1000)
        self.checks = Checks(self.violate, self.note)
        self.truth = Truth(self.violate)
        self.cluster = SimulatedCluster(3, random.Random(rng.random()), self._program)
        self.network = CallNetwork(random.Random(rng.random()), self.cluster.network.is_cut)
        self.clocks = {name: VirtualClock() for name in self.cluster.names}
        if rng.random() < 0.3:
            for clock in self.clocks.values():
                clock.jump_ms = rng.randint(-4000, 4000)
        of_agents = [VirtualClock() for _ in range(3)]
        managers = tuple(f"{name}:7101" for name in self.cluster.names)
        self.machines = [
            Machine(
                f"w{number}",
                clock=clock,
                rng=random.Random(rng.random()),
                network=self.network,
                managers=managers,
                watcher=self.checks,
            )
            for number, clock in enumerate(of_agents, 1)
        ]
        self.checks.machines = {machine.name: machine for machine in self.machines}
        self.reach = Reach(self.cluster, self.machines, self.network, self.violate)
        self.checks.taken_for_down = self.reach.taken_for_down
        self.clients = [
            Client(
                f"s{number}",
                number=number,
                rng=random.Random(rng.random()),
                network=self.network,
                managers=self.cluster.names,
                violate=self.violate,
                note=self.note,
            )
            for number in range(1, 5)
        ]
        numbers = itertools.count(1)
        of_contenders = random.Random(rng.random())
        self.contenders = [
            Contender(
                f"contender-{number}",
                rng=random.Random(of_contenders.random()),
                network=self.network,
                managers=self.cluster.names,
                recorder=self.recorder,
                numbers=numbers,
                note=self.note,
            )
            for number in range(1, 4)
        ]
        of_readers = random.Random(rng.random())
        self.roamers = [
            Roamer(
                kind,
                rng=random.Random(of_readers.random()),
                network=self.network,
                managers=self.cluster.names,
                truth=self.truth,
            )
            for kind in KINDS
        ]
        clocks = [*self.clocks.values(), *of_agents]
        self.faults = WholeFaults(
            self.cluster, self.machines, self.network, clocks, random.Random(rng.random()), self.note, only
        )
        self._rng = random.Random(rng.random())
        self._settled_s = 0.0

    def note(self, event: str) -> None:
        """Remember what happened, for the trace."""
        self.story.note(virtual_loop().now - 1000, event)

    def violate(self, what: str) -> None:
        """Something happened that must not."""
        self.note(f"VIOLATION {what}")
        self.violations.append(what)

    async def run(self, duration_s: float = FAULTS_S) -> Report:
        """The whole of it."""
        members = [Member(site.name, site.instance, f"{site.name}:1", f"{site.name}:7101") for site in self._sites]
        for site in self._sites:
            await RaftNode.bootstrap(site.directory, site.platter.mount(), members, "c1")
            self.cluster.start(site)
        for machine in self.machines:
            machine.boot()
        looking = asyncio.ensure_future(self._look())
        roaming = [asyncio.create_task(roamer.run()) for roamer in self.roamers]
        pause_s = (0.0, 0.3) if self._rng.random() < 0.3 else (0.1, 3.0)  # in haste, a verb meets any moment of a task
        clients = [asyncio.create_task(client.run(pause_s)) for client in self.clients]
        contenders = [asyncio.create_task(contender.run(pause_s)) for contender in self.contenders]
        operator = asyncio.ensure_future(self._operate())
        await self.faults.run(duration_s)
        await self._end(clients, operator, contenders)
        await self._end_roaming(roaming)
        violation = check(self.recorder.operations)
        if violation is not None:
            self.violate(f"not linearizable: {violation}")
        looking.cancel()
        for machine in self.machines:
            machine.crash()
        for site in self._sites:
            site.kill()
        await asyncio.sleep(0.1)
        return self.report()

    async def _end_roaming(self, roaming: "list[asyncio.Task[None]]") -> None:
        for _ in range(_CATCH_UP_S):  # of virtual time; without faults, each of its looks brings it on
            if not any(roamer.is_behind for roamer in self.roamers):
                break
            await asyncio.sleep(1.0)
        for task in roaming:
            task.cancel()
        await asyncio.wait(roaming)
        for task in roaming:
            if not task.cancelled():
                self.violate(f"a reader ended: {task.exception()!r}")
        for roamer in self.roamers:
            if roamer.is_behind:
                self.violate(f"the reader of {roamer.kind} does not come to the end")

    async def _look(self) -> None:
        while True:
            self.reach.look()
            await asyncio.sleep(LOOK_S)

    async def _end(
        self,
        clients: "list[asyncio.Task[None]]",
        operator: "asyncio.Future[None]",
        contenders: "list[asyncio.Task[None]]",
    ) -> None:
        """No more faults: everything comes to be as it should."""
        self.note("healed")
        self.faults.heal()
        patience_s = SETTLE_S
        if self._rng.random() < 0.3:
            lost = self._rng.choice(self.machines)
            lost.lose_power(wiped=False)
            patience_s += ABSENCE_S
            self.note(f"{lost.name} is lost for good")
        for client in self.clients:
            client.end()
        operator.cancel()
        await asyncio.wait([operator])
        await asyncio.sleep(UNDERWAY_S)
        await self._end_contenders(contenders)
        began = virtual_loop().now
        for machine in self.machines:
            await self._set_availability(machine.name, "active")
        _, late = await asyncio.wait(clients, timeout=30.0)
        if late:
            self.violate(f"{len(late)} clients have no answer 30 s after the last fault")
            for task in late:
                task.cancel()
            await asyncio.wait(late)
        for task in clients:
            if not task.cancelled() and task.exception() is not None:
                self.violate(f"a client ended: {task.exception()!r}")
        if await until(lambda: not self._unsettled(), within_s=patience_s, every_s=0.1):
            self._settled_s = virtual_loop().now - began
            await self._stays()
        else:
            for what in self._unsettled():
                self.violate(f"{patience_s:g} s after the last fault: {what}")
        self._compare()
        await self._leave()

    async def _end_contenders(self, contenders: "list[asyncio.Task[None]]") -> None:
        for task in contenders:
            task.cancel()
        await asyncio.wait(contenders)
        for task in contenders:
            if not task.cancelled():
                self.violate(f"a contender ended: {task.exception()!r}")

    async def _leave(self) -> None:
        """All services are removed, all machines are back: nothing is left anywhere."""
        self.note("everything is removed")
        await asyncio.gather(*(client.leave() for client in self.clients), self.contenders[0].leave())
        await asyncio.sleep(self._rng.choice([0.0, 10.0]))
        for machine in self.machines:
            machine.boot()
        if not await until(lambda: not self._left(), within_s=SETTLE_S, every_s=0.1):
            for what in self._left():
                self.violate(f"{SETTLE_S:g} s after all services were removed: {what}")

    def _left(self) -> list[str]:
        programs = self._programs()
        return [what for program in programs for what in leftovers(program.core.tables, self.machines)]

    async def _stays(self) -> None:
        """What is as it should be stays so: nothing is started or stopped without a reason."""
        starts = dict(self.checks.starts)
        await asyncio.sleep(STAYS_S)
        for what in self._unsettled():
            self.violate(f"it was settled, and then: {what}")
        if self.checks.starts != starts:
            self.violate("containers are started although all is settled")

    def _unsettled(self) -> list[str]:
        programs = self._programs()
        if len(programs) < len(self._sites):
            return ["a manager does not run"]
        positions = {p.raft.applied_index for p in programs} | {p.raft.last_index for p in programs}
        if len(positions) > 1:
            return ["the managers are not level"]
        return unsettled(programs[0].core.tables, self.machines)

    def _compare(self) -> None:
        """What was acknowledged is there, once, at all managers."""
        for program in self._programs():
            tables = program.core.tables
            for client in self.clients:
                service = tables.service_named(client.name)
                wanted = client.wanted
                if service is None or wanted is None:
                    if (service is None) != (wanted is None):
                        self.violate(f"{program.core.name}: {client.name} is {'gone' if service is None else 'there'}")
                    continue
                found = (service.spec, service.version, service.stopped)
                if found != (wanted.spec, wanted.version, wanted.stopped):
                    self.violate(
                        f"{program.core.name}: {client.name} is {found}, and "
                        f"{(wanted.spec, wanted.version, wanted.stopped)} was acknowledged"
                    )
            if program.machine.defects:
                self.violate(f"{program.core.name} met {program.machine.defects} defects")

    async def _operate(self) -> None:
        """Somebody drains, cordons and uncordons nodes, and ends single tasks."""
        while True:
            await asyncio.sleep(self._rng.uniform(0.3, 6.0))
            if self._rng.random() < 0.15:
                await self._hand_over()
                continue
            if self._rng.random() < 0.5:
                task = f"{self._rng.choice(self.clients).name}.{self._rng.randint(1, 4)}"
                await self._ask(Write(f"{task}-{virtual_loop().now}", "stop-task", task))
                continue
            availability = self._rng.choice(["active", "active", "cordoned", "draining"])
            await self._set_availability(self._rng.choice(self.machines).name, availability)

    async def _hand_over(self) -> None:
        """Whoever leads is to hand over; if it cannot, it goes on leading."""
        self.note("operator has the leader hand over")
        with contextlib.suppress(Silence, OkubeError):
            await self.network.call("client", self._rng.choice(self.cluster.names), "transfer", b"", timeout_s=3.0)

    async def _set_availability(self, name: str, availability: str) -> None:
        await self._ask(Write(f"{name}-{virtual_loop().now}", "node", name, {"availability": availability}))

    async def _ask(self, write: Write) -> None:
        """What the operator wants, asked for until it is done, or there is nothing to do it to."""
        self.note(f"operator {write.what} {write.name} {write.document or ''}")
        body = msgspec.msgpack.encode(write)
        for _ in range(200):
            try:
                manager = self._rng.choice(self.cluster.names)
                await self.network.call("client", manager, "write", body, timeout_s=3.0)
            except Exception as error:
                if getattr(error, "kind", "") == "not-found":
                    return
                await asyncio.sleep(0.2)
            else:
                return

    def report(self) -> Report:
        """What was seen so far."""
        for name, error in self.cluster.fatal:
            self.violate(f"{name} ended: {error!r}")
        counts = {
            "acknowledged": sum(client.acknowledged for client in self.clients)
            + sum(contender.done for contender in self.contenders),
            "unknown": sum(client.unknown for client in self.clients),
            "reads": sum(client.reads for client in self.clients),
            "epochs": len(self.checks.epochs),
            "dispatches": self.checks.dispatches,
            "tasks": len(self.checks.tasks),
            "lines": sum(roamer.lines for roamer in self.roamers),
            "anew": sum(roamer.begun_anew for roamer in self.roamers),
            "starts": sum(self.checks.starts.values()),
            "checked": len(self.recorder.operations),
            "elections": self.reach.last_term,
            "crashes": sum(site.kills for site in self._sites) + sum(machine.crashes for machine in self.machines),
            "frames": self.cluster.network.frames,
            "lost frames": self.cluster.network.lost_frames + self.network.lost_calls,
        }
        return Report(
            seed=self.seed,
            violations=self.violations,
            counts=counts,
            faults=dict(sorted(self.faults.counts.items())),
            happened=self.faults.happened,
            virtual_s=virtual_loop().now - 1000,
            settled_s=self._settled_s,
            trace=self.story.trace,
            story=self.story.lines,
        )

    @property
    def _sites(self) -> list[Site]:
        return self.cluster.sites

    def _programs(self) -> list[ManagerProgram]:
        programs = [site.program for site in self.cluster.alive]
        return [program for program in programs if isinstance(program, ManagerProgram) and program.started]

    def _program(self, site: Site) -> ManagerProgram:
        settings = ManagerSettings(
            cluster="sim",
            cluster_id="c1",
            name=site.name,
            instance=site.instance,
            directory=site.directory,
            host="127.0.0.1",
            port=7101,
            raft_port=8101,
            members=tuple(ManagerMember(s.name, s.instance, f"{s.name}:1", f"{s.name}:7101") for s in self._sites),
            admin_token_sha256="0" * 64,
            heartbeat_s=0.5,
            node_down_after_s=2.0,
            election_s=0.5,
        )
        return ManagerProgram(
            site,
            clock=self.clocks[site.name],
            settings=settings,
            network=self.network,
            watcher=self.checks,
            truth=self.truth,
        )


class _Listen(logging.Handler):
    """The log is a part of the story, and an error in it is a violation."""

    def __init__(self, world: World) -> None:
        super().__init__(logging.INFO)
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        process = running_process()
        where = process.name if process is not None else "-"
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text = f"{text} ({record.exc_info[1]!r})"
        self._world.note(f"{where} {record.levelname} {record.name}: {text}")
        if record.levelno >= logging.ERROR and not text.startswith(EXPECTED_ERRORS):
            self._world.violate(f"{where} logs {record.levelname}: {text}")


class _Livelock(Exception):
    """Something runs and runs, and no time passes."""


class _ImpatientLoop(VirtualLoop):
    """Ends a run in which no time passes any more; nothing real is that fast."""

    def __init__(self) -> None:
        super().__init__()
        self._turns = 0
        self._turned_at = 0.0

    def _run_once(self) -> None:
        super()._run_once()  # type: ignore[misc]  # it is there, and typeshed does not know it
        self._turns = self._turns + 1 if self.now == self._turned_at else 0
        self._turned_at = self.now
        if self._turns > TURNS_AT_ONE_MOMENT:
            self._turns = 0
            raise _Livelock("no time passes any more: some task runs in circles")


def simulate_whole(seed: int, *, duration_s: float = FAULTS_S, only: Collection[int] | None = None) -> Report:
    """Run one seed on a loop of its own. ``only``: with these of its faults."""
    made: list[World] = []

    async def main() -> Report:
        world = World(seed, only=only)
        made.append(world)
        listener = _Listen(world)
        for name in LOGGERS:
            logging.getLogger(name).addHandler(listener)
            logging.getLogger(name).setLevel(logging.INFO)
        try:
            return await world.run(duration_s)
        finally:
            for name in LOGGERS:
                logging.getLogger(name).removeHandler(listener)
                logging.getLogger(name).setLevel(logging.NOTSET)

    with asyncio.Runner(loop_factory=_ImpatientLoop) as runner:
        try:
            return runner.run(main())
        except _Livelock as trouble:
            (world,) = made
            world.violations.append(str(trouble))
            return world.report()
