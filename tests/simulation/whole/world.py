"""Who and what there is in a run: whole managers, whole agents, clients, faults, and what must hold."""

import itertools
import random
from collections.abc import Collection

from okube.manager.settings import ManagerMember, ManagerSettings
from okube.state.feed import KINDS
from tests.checker import Recorder
from tests.simulation.cluster import SimulatedCluster, Site
from tests.simulation.loop import virtual_loop
from tests.simulation.report import Report, Story
from tests.simulation.whole.calls import CallNetwork
from tests.simulation.whole.checks import Checks
from tests.simulation.whole.client import Client
from tests.simulation.whole.contenders import Contender
from tests.simulation.whole.faults import WholeFaults
from tests.simulation.whole.machine import Machine
from tests.simulation.whole.manager import ManagerProgram
from tests.simulation.whole.reach import Reach
from tests.simulation.whole.streams import Roamer, Truth
from tests.unit.worker.machine import VirtualClock

__all__ = ["World"]


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
        self.rng = random.Random(rng.random())
        self.settled_s = 0.0

    def note(self, event: str) -> None:
        """Remember what happened, for the trace."""
        self.story.note(virtual_loop().now - 1000, event)

    def violate(self, what: str) -> None:
        """Something happened that must not."""
        self.note(f"VIOLATION {what}")
        self.violations.append(what)

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
            "crashes": sum(site.kills for site in self.sites) + sum(machine.crashes for machine in self.machines),
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
            settled_s=self.settled_s,
            trace=self.story.trace,
            story=self.story.lines,
        )

    @property
    def sites(self) -> list[Site]:
        """The machines of the managers."""
        return self.cluster.sites

    def programs(self) -> list[ManagerProgram]:
        """The managers that run."""
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
            members=tuple(ManagerMember(s.name, s.instance, f"{s.name}:1", f"{s.name}:7101") for s in self.sites),
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
