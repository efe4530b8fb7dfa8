"""One simulated node: Okube's own agent with its sockets, certificate and heart, without a disk or containers."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from okube.bench.files import MemoryFiles
from okube.bench.places import PlacedMeter, address_of, zone_of
from okube.bench.runtime import SimulatedRuntime
from okube.model.wire import Assignment, AssignmentAnswer, Usage
from okube.seams.clock import Clock
from okube.security.living import Credentials
from okube.worker.agent import Agent
from okube.worker.calls import HttpManagerCalls
from okube.worker.capacity import Capacity
from okube.worker.conditions import MachineState
from okube.worker.probes import Survey
from okube.worker.server import AgentServer
from okube.worker.settings import WorkerSettings
from okube.worker.store import Store

__all__ = ["CORES", "NodePlan", "run_agent"]

CORES = 64.0
_MEMORY = 256 << 30
_DISK = 2 << 40


class NodePlan(msgspec.Struct, frozen=True):
    """One node to simulate: its number, who it is, and the folder of its certificate."""

    number: int
    cluster_id: str
    name: str
    instance: str
    directory: str
    managers: tuple[str, ...]
    port: int

    @property
    def settings(self) -> WorkerSettings:
        """What its agent is told."""
        host = address_of(self.number)
        return WorkerSettings(
            cluster_id=self.cluster_id,
            name=self.name,
            instance=self.instance,
            directory=Path(self.directory),
            host=host,
            port=self.port,
            address=f"{host}:{self.port}",
            managers=self.managers,
            zone=zone_of(self.number),
            cores=CORES,
            memory=_MEMORY,
            disk=_DISK,
        )


async def run_agent(plan: NodePlan, clock: Clock, rng: random.Random, joined: Callable[[], None]) -> None:
    """Take part until cancelled; that it ends is not announced. ``joined`` is called once it was told what to hold.

    Raises:
        OkubeError: its certificate cannot be used.
        OSError: its port is in use.
    """
    settings = plan.settings
    credentials = Credentials(settings.tls_directory)
    calls = HttpManagerCalls(
        node=settings.name,
        managers=settings.managers,
        context=credentials.client,
        left=lambda: agent.left_managers,
        source=settings.host,
    )
    agent = _Agent(
        settings=settings,
        clock=clock,
        rng=rng,
        runtime=SimulatedRuntime(clock),
        calls=calls,
        store=Store(MemoryFiles(), settings.state_directory),
        capacity=Capacity(CORES, _MEMORY, _DISK),
        usage=Usage,
        look=_look,
        living=_living,
        survey=Survey(PlacedMeter(plan.number, rng), clock, rng),
    )
    server = AgentServer(
        agent,
        cluster_id=settings.cluster_id,
        instance=settings.instance,
        context=credentials.server("required"),
        epoch=lambda: agent.obeys,
        learn=agent.learn_managers,
        left=lambda: agent.left_managers,
    )
    try:
        await agent.load()
        await server.start(settings.host, settings.port)
        async with asyncio.TaskGroup() as group:
            group.create_task(agent.run(asyncio.Event()), name=f"{plan.name}: agent")
            await agent.told.wait()
            joined()
    finally:
        await server.close()
        await calls.close()


class _Agent(Agent):
    """Knows that it was told what to hold."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self.told = asyncio.Event()

    async def accept(self, assignment: Assignment) -> AssignmentAnswer:
        """Obey an assignment, or refuse it."""
        answer = await super().accept(assignment)
        if answer.accepted:
            self.told.set()
        return answer


async def _look() -> MachineState:
    return MachineState()


async def _living() -> set[str]:
    return set()
