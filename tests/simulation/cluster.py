"""A cluster of simulated processes, each with a disk that outlives it. What a process runs is given by a factory."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from okube.seams.clock import SystemClock
from okube.seams.disk import NoRoom
from tests.simulation.disk import MountedDisk, SimulatedDisk
from tests.simulation.loop import Process
from tests.simulation.network import SimulatedNetwork, SimulatedTransport

__all__ = ["Program", "SimulatedCluster", "Site", "until"]


class Program(Protocol):
    """What runs in a simulated process: a Raft member with a tiny state machine, or a whole manager."""

    async def start(self) -> None:
        """Begin."""

    @property
    def fatal(self) -> "asyncio.Future[Exception]":
        """Done when the process must end."""


class Site:
    """One machine: its name, what a program may use there, and the program of the present life."""

    def __init__(self, name: str, rng: random.Random, network: SimulatedNetwork) -> None:
        self.name = name
        self.instance = f"{name}-i"
        self.directory = Path("/data") / name
        self.rng = rng
        self.network = network
        self.platter = SimulatedDisk(rng)
        self.clock = SystemClock()
        self.process: Process | None = None
        self.disk: MountedDisk | None = None
        self.transport: SimulatedTransport | None = None
        self.program: Program | None = None
        self.kills = 0

    @property
    def alive(self) -> bool:
        """Whether a process runs here."""
        return self.process is not None

    @property
    def paused_for_s(self) -> float:
        """How long its process will still be paused; 0 if it is not, or if there is none."""
        if self.process is None:
            return 0.0
        return max(0.0, self.process.paused_until - asyncio.get_running_loop().time())

    @property
    def responsive(self) -> bool:
        """Whether its process runs and is not paused."""
        return self.process is not None and self.paused_for_s == 0.0

    def pause(self, duration_s: float) -> None:
        """Stop the process for a while, as SIGSTOP or a sleeping virtual machine does."""
        if self.process is not None and self.transport is not None:
            until = asyncio.get_running_loop().time() + duration_s
            self.process.pause(until)
            self.transport.pause(until)

    def kill(self) -> None:
        """SIGKILL and power loss in one: unsynced bytes are gone."""
        if self.process is None:
            return
        self.kills += 1
        if self.disk is not None:
            self.disk.crash()
        if self.transport is not None:
            self.transport.kill()
        self.process.kill()
        self.process = self.disk = self.transport = self.program = None


class SimulatedCluster:
    """Sites ``m1`` to ``mN`` on one network. ``program(site)`` makes what runs in a new process of a site."""

    def __init__(self, size: int, rng: random.Random, program: Callable[[Site], Program]) -> None:
        self.rng = rng
        self.network = SimulatedNetwork(random.Random(rng.random()))
        self.sites = [Site(f"m{number}", random.Random(rng.random()), self.network) for number in range(1, size + 1)]
        self.fatal: list[tuple[str, Exception]] = []
        self._program = program

    @property
    def names(self) -> list[str]:
        """All names."""
        return [site.name for site in self.sites]

    @property
    def alive(self) -> list[Site]:
        """Sites with a process."""
        return [site for site in self.sites if site.alive]

    def start(self, site: Site) -> None:
        """Start a process at a site; it runs when the loop next turns."""
        assert not site.alive
        site.process = Process(site.name)
        site.process.start(self._run(site))

    async def _run(self, site: Site) -> None:
        site.disk = site.platter.mount()
        site.transport = SimulatedTransport(self.network, site.name, site.instance)
        site.program = program = self._program(site)
        try:
            await program.start()
            error = await program.fatal
        except NoRoom:  # told to who started it, and that is all: once it runs, it waits for room by itself
            asyncio.get_running_loop().call_soon(site.kill)
            return
        except Exception as problem:
            error = problem
        self.fatal.append((site.name, error))
        asyncio.get_running_loop().call_soon(site.kill)


async def until(condition: Callable[[], bool], *, within_s: float, every_s: float = 0.02) -> bool:
    """Whether a condition comes true in time (virtual)."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    while not condition():
        if loop.time() > deadline:
            return False
        await asyncio.sleep(every_s)
    return True
