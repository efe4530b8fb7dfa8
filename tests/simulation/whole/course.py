"""The course of a run: everything begins, faults happen, everything ends as it should, and nothing is left."""

import asyncio

from okube.raft import Member, RaftNode
from tests.checker import check
from tests.simulation.cluster import until
from tests.simulation.loop import virtual_loop
from tests.simulation.report import Report
from tests.simulation.whole.leftovers import leftovers
from tests.simulation.whole.people import Operator
from tests.simulation.whole.reach import LOOK_S
from tests.simulation.whole.settled import unsettled
from tests.simulation.whole.world import World

__all__ = ["FAULTS_S", "Course"]

FAULTS_S = 25.0
SETTLE_S = 90.0
ABSENCE_S = 60.0
"""A node that said it would be back, and is not, is taken for down only after this."""
STAYS_S = 8.0
UNDERWAY_S = 12.0
_CATCH_UP_S = 60
"""For how long a request that its caller has given up may still be carried out."""


class Course:
    """One run in one world, from its beginning to its end."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rng = world.rng
        self._operator = Operator(
            managers=world.cluster.names,
            clients=world.clients,
            machines=world.machines,
            network=world.network,
            rng=world.rng,
            note=world.note,
        )

    async def run(self, duration_s: float = FAULTS_S) -> Report:
        """The whole of it."""
        sites = self._world.sites
        members = [Member(site.name, site.instance, f"{site.name}:1", f"{site.name}:7101") for site in sites]
        for site in sites:
            await RaftNode.bootstrap(site.directory, site.platter.mount(), members, "c1")
            self._world.cluster.start(site)
        for machine in self._world.machines:
            machine.boot()
        looking = asyncio.ensure_future(self._look())
        roaming = [asyncio.create_task(roamer.run()) for roamer in self._world.roamers]
        pause_s = (0.0, 0.3) if self._rng.random() < 0.3 else (0.1, 3.0)  # in haste, a verb meets any moment of a task
        clients = [asyncio.create_task(client.run(pause_s)) for client in self._world.clients]
        contenders = [asyncio.create_task(contender.run(pause_s)) for contender in self._world.contenders]
        operator = asyncio.ensure_future(self._operator.run())
        await self._world.faults.run(duration_s)
        await self._end(clients, operator, contenders)
        await self._end_roaming(roaming)
        violation = check(self._world.recorder.operations)
        if violation is not None:
            self._world.violate(f"not linearizable: {violation}")
        looking.cancel()
        for machine in self._world.machines:
            machine.crash()
        for site in sites:
            site.kill()
        await asyncio.sleep(0.1)
        return self._world.report()

    async def _look(self) -> None:
        while True:
            self._world.reach.look()
            await asyncio.sleep(LOOK_S)

    async def _end_roaming(self, roaming: "list[asyncio.Task[None]]") -> None:
        for _ in range(_CATCH_UP_S):  # of virtual time; without faults, each of its looks brings it on
            if not any(roamer.is_behind for roamer in self._world.roamers):
                break
            await asyncio.sleep(1.0)
        for task in roaming:
            task.cancel()
        await asyncio.wait(roaming)
        for task in roaming:
            if not task.cancelled():
                self._world.violate(f"a reader ended: {task.exception()!r}")
        for roamer in self._world.roamers:
            if roamer.is_behind:
                self._world.violate(f"the reader of {roamer.kind} does not come to the end")

    async def _end(
        self,
        clients: "list[asyncio.Task[None]]",
        operator: "asyncio.Future[None]",
        contenders: "list[asyncio.Task[None]]",
    ) -> None:
        """No more faults: everything comes to be as it should."""
        self._world.note("healed")
        self._world.faults.heal()
        patience_s = SETTLE_S
        if self._rng.random() < 0.3:
            lost = self._rng.choice(self._world.machines)
            lost.lose_power(wiped=False)
            patience_s += ABSENCE_S
            self._world.note(f"{lost.name} is lost for good")
        for client in self._world.clients:
            client.end()
        operator.cancel()
        await asyncio.wait([operator])
        await asyncio.sleep(UNDERWAY_S)
        await self._end_contenders(contenders)
        began = virtual_loop().now
        for machine in self._world.machines:
            await self._operator.set_availability(machine.name, "active")
        _, late = await asyncio.wait(clients, timeout=30.0)
        if late:
            self._world.violate(f"{len(late)} clients have no answer 30 s after the last fault")
            for task in late:
                task.cancel()
            await asyncio.wait(late)
        for task in clients:
            if not task.cancelled() and task.exception() is not None:
                self._world.violate(f"a client ended: {task.exception()!r}")
        if await until(lambda: not self._unsettled(), within_s=patience_s, every_s=0.1):
            self._world.settled_s = virtual_loop().now - began
            await self._stays()
        else:
            for what in self._unsettled():
                self._world.violate(f"{patience_s:g} s after the last fault: {what}")
        self._compare()
        await self._leave()

    async def _end_contenders(self, contenders: "list[asyncio.Task[None]]") -> None:
        for task in contenders:
            task.cancel()
        await asyncio.wait(contenders)
        for task in contenders:
            if not task.cancelled():
                self._world.violate(f"a contender ended: {task.exception()!r}")

    async def _stays(self) -> None:
        """What is as it should be stays so: nothing is started or stopped without a reason."""
        starts = dict(self._world.checks.starts)
        await asyncio.sleep(STAYS_S)
        for what in self._unsettled():
            self._world.violate(f"it was settled, and then: {what}")
        if self._world.checks.starts != starts:
            self._world.violate("containers are started although all is settled")

    def _unsettled(self) -> list[str]:
        programs = self._world.programs()
        if len(programs) < len(self._world.sites):
            return ["a manager does not run"]
        positions = {p.raft.applied_index for p in programs} | {p.raft.last_index for p in programs}
        if len(positions) > 1:
            return ["the managers are not level"]
        return unsettled(programs[0].core.tables, self._world.machines)

    def _compare(self) -> None:
        """What was acknowledged is there, once, at all managers."""
        for program in self._world.programs():
            tables = program.core.tables
            for client in self._world.clients:
                service = tables.service_named(client.name)
                wanted = client.wanted
                if service is None or wanted is None:
                    if (service is None) != (wanted is None):
                        there = "gone" if service is None else "there"
                        self._world.violate(f"{program.core.name}: {client.name} is {there}")
                    continue
                found = (service.spec, service.version, service.stopped)
                if found != (wanted.spec, wanted.version, wanted.stopped):
                    self._world.violate(
                        f"{program.core.name}: {client.name} is {found}, and "
                        f"{(wanted.spec, wanted.version, wanted.stopped)} was acknowledged"
                    )
            if program.machine.defects:
                self._world.violate(f"{program.core.name} met {program.machine.defects} defects")

    async def _leave(self) -> None:
        """All services are removed, all machines are back: nothing is left anywhere."""
        self._world.note("everything is removed")
        await asyncio.gather(*(client.leave() for client in self._world.clients), self._world.contenders[0].leave())
        await asyncio.sleep(self._rng.choice([0.0, 10.0]))
        for machine in self._world.machines:
            machine.boot()
        if not await until(lambda: not self._left(), within_s=SETTLE_S, every_s=0.1):
            for what in self._left():
                self._world.violate(f"{SETTLE_S:g} s after all services were removed: {what}")

    def _left(self) -> list[str]:
        programs = self._world.programs()
        return [what for program in programs for what in leftovers(program.core.tables, self._world.machines)]
