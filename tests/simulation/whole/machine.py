"""A machine with an agent on it: its engine and its disk outlive the agent, and it can lose its power."""

import asyncio
import contextvars
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import msgspec

from okube.model.epoch import Epoch
from okube.model.errors import NotFound
from okube.model.wire import Assignment, AssignmentAnswer, Usage
from okube.seams.clock import Clock
from okube.worker.agent import Agent
from okube.worker.capacity import Capacity
from okube.worker.conditions import MachineState
from okube.worker.probes import Survey
from okube.worker.runtime.base import Container
from okube.worker.settings import WorkerSettings
from okube.worker.store import Store
from tests.simulation.loop import Process
from tests.simulation.whole.agents import SimulatedManagerCalls
from tests.simulation.whole.calls import CallNetwork, Endpoint
from tests.simulation.whole.meter import SimulatedMeter
from tests.unit.worker.fake_runtime import FakeEngine, FakeRuntime
from tests.unit.worker.machine import MemoryDisk

__all__ = ["IMAGES", "Machine", "MachineWatcher"]

IMAGES = {"example/short:1": (1.5, 0), "example/crash:1": (1.0, 1)}
"""Images whose programs end by themselves: seconds, exit code."""
BROKEN_IMAGE = "example/broken:1"
CORES = 4.0


class MachineWatcher(Protocol):
    """Who is told what agents do."""

    def started(self, machine: str, container: Container) -> None:
        """A container began to run."""

    def stopped(self, machine: str, container: Container) -> None:
        """The agent ended a running container."""

    def in_contact(self, machine: str, epoch: Epoch) -> None:
        """The agent has taken note of an epoch."""

    def obeyed(self, machine: str, assignment: Assignment) -> None:
        """The agent has accepted an assignment."""

    def made_anew(self, machine: str) -> None:
        """There is another machine under this name."""

    def agent_failed(self, machine: str, error: BaseException) -> None:
        """An agent ended by an exception."""


class _Engine(FakeEngine):
    """Programs end on the machine's own time, not on that of the agent that started them."""

    def __init__(self, clock: Clock, machine: str, watcher: MachineWatcher) -> None:
        super().__init__(clock)
        self.refusals[("prepare", BROKEN_IMAGE)] = "image-pull"
        self._machine = machine
        self._watcher = watcher
        self._context = contextvars.copy_context()

    def run(self, container_id: str) -> Container:
        before = self.containers[container_id]
        made = super().run(container_id)
        if before.state != "running":
            self._watcher.started(self._machine, made)
            image = self.image_of(container_id)
            if image in IMAGES:
                seconds, code = IMAGES[image]
                loop = asyncio.get_running_loop()
                loop.call_later(seconds, self._expire, made, code, context=self._context)
        return made

    def finish(self, container_id: str, exit_code: int) -> None:
        container = self.containers.get(container_id)
        if container is not None and container.state == "running" and exit_code > 128:
            self._watcher.stopped(self._machine, container)
        super().finish(container_id, exit_code)

    def remove(self, container_id: str) -> None:
        container = self.containers.get(container_id)
        if container is not None and container.state == "running":
            self._watcher.stopped(self._machine, container)
        super().remove(container_id)

    def lose_power(self, *, wiped: bool) -> None:
        """All programs end at once; ``wiped``: the containers are gone too."""
        for container in list(self.containers.values()):
            if wiped:
                del self.containers[container.id]
            elif container.state == "running":
                now_ms = self.clock.time_ms()
                self.containers[container.id] = msgspec.structs.replace(
                    container, state="exited", exit_code=None, ended_ms=now_ms
                )


class _WatchedAgent(Agent):
    def __init__(self, *, machine: str, watcher: MachineWatcher, **parts: Any) -> None:
        super().__init__(**parts)
        self._machine = machine
        self._watcher = watcher

    async def accept(self, assignment: Assignment) -> AssignmentAnswer:
        answer = await super().accept(assignment)
        if answer.accepted:
            self._watcher.obeyed(self._machine, assignment)
        return answer

    async def observe_epoch(self, epoch: Epoch) -> None:
        await super().observe_epoch(epoch)
        self._watcher.in_contact(self._machine, epoch)


async def _look() -> MachineState:
    return MachineState()


async def _living() -> set[str]:
    return set()


class Machine:
    """Where an agent lives."""

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        rng: random.Random,
        network: CallNetwork,
        managers: tuple[str, ...],
        watcher: MachineWatcher,
    ) -> None:
        self.name = name
        self.engine = _Engine(clock, name, watcher)
        self.engine.latency_by_call = {
            "prepare": rng.choice([0.001, 0.05, 1.0]),
            "create": rng.choice([0.001, 0.05]),
            "run": rng.choice([0.001, 0.1]),
            "stop": rng.choice([0.001, 0.2, 1.5]),
            "list": rng.choice([0.001, 0.3]),
        }
        self.crashes = 0
        self.process: Process | None = None
        self.agent: Agent | None = None  # the one that was started last
        self.instance = f"{name}-i"
        self.disk = MemoryDisk()
        self._clock = clock
        self._rng = rng
        self._network = network
        self._managers = managers
        self._watcher = watcher
        self._stop = asyncio.Event()

    @property
    def running(self) -> list[Container]:
        """The containers that run."""
        return [c for c in self.engine.containers.values() if c.state == "running"]

    def boot(self) -> None:
        """Start the agent, on a machine that has power from now on."""
        self._network.off.pop(self.name, None)
        if self.process is not None:
            return
        process = self.process = Process(self.name)
        self._stop = asyncio.Event()

        def gate(call: str) -> None:
            if not process.alive:
                raise asyncio.CancelledError(call)

        main = process.start(self._run(process, gate))
        main.add_done_callback(lambda done: self._ended(process, done))

    def crash(self) -> None:
        """SIGKILL of the agent; its containers go on."""
        if self.process is not None:
            self.crashes += 1
            process, self.process = self.process, None
            self._network.detach(self.name)
            process.kill()

    def shut_down(self) -> None:
        """SIGTERM."""
        self._stop.set()

    def lose_power(self, *, wiped: bool) -> None:
        """The agent and all programs end, and the network knows nothing of it."""
        self._network.off[self.name] = None
        self.crash()
        self.engine.lose_power(wiped=wiped)

    def make_anew(self) -> None:
        """Another machine comes under the same name: it knows nothing."""
        assert self.process is None
        self.instance += "i"
        self.disk = MemoryDisk()
        self.engine.lose_power(wiped=True)
        self._watcher.made_anew(self.name)

    def pause(self, duration_s: float) -> None:
        """SIGSTOP of the agent for a while."""
        if self.process is not None:
            self.process.pause(asyncio.get_running_loop().time() + duration_s)

    async def _run(self, process: Process, gate: Callable[[str], None]) -> None:
        agent = _WatchedAgent(
            machine=self.name,
            watcher=self._watcher,
            settings=WorkerSettings(
                cluster_id="c1",
                name=self.name,
                instance=self.instance,
                directory=Path("/data") / self.name,
                host="127.0.0.1",
                port=0,
                address=f"{self.name}:7201",
                managers=self._managers,
            ),
            clock=self._clock,
            rng=random.Random(self._rng.random()),
            runtime=FakeRuntime(self.engine, gate),
            calls=SimulatedManagerCalls(self._network, self.name, self._managers),
            store=Store(self.disk.through(gate), Path("/state")),
            capacity=Capacity(CORES, 8 << 30, 50 << 30),
            usage=Usage,
            look=_look,
            living=_living,
            survey=Survey(SimulatedMeter(self._network, self.name), self._clock, random.Random(self.instance)),
        )
        await agent.load()
        self.agent = agent

        async def handle(what: str, body: bytes) -> bytes:
            if what == "probe":
                if body.decode() != self.instance:
                    raise NotFound(f"{self.name} is another instance")
                return b""
            return msgspec.msgpack.encode(await agent.accept(msgspec.msgpack.decode(body, type=Assignment)))

        self._network.attach(Endpoint(self.name, process, handle, hears_hang_up=False))
        await agent.run(self._stop)

    def _ended(self, process: Process, done: "asyncio.Task[None]") -> None:
        if self.process is process:
            self._network.detach(self.name)
            self.process = None
        if process.alive and not done.cancelled() and (error := done.exception()) is not None:
            self._watcher.agent_failed(self.name, error)
        process.alive = False
