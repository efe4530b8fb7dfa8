"""One machine with an agent on virtual time: engine and disk outlive the agent, managers are played by the test."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from okube.model.commands import TaskReport
from okube.model.epoch import Epoch
from okube.model.errors import Unreachable
from okube.model.mounts import MountKind
from okube.model.spec import ServiceSpec, decode_spec
from okube.model.task import Reason
from okube.model.wire import (
    AssignedTask,
    Assignment,
    AssignmentAnswer,
    Heartbeat,
    HeartbeatAnswer,
    Registration,
    RegistrationAnswer,
    Usage,
)
from okube.worker.agent import Agent
from okube.worker.capacity import Capacity
from okube.worker.conditions import MachineState
from okube.worker.secretplace import NoPlace
from okube.worker.secrets import Secrets
from okube.worker.settings import WorkerSettings
from okube.worker.store import Store
from tests.simulation.loop import Process, run_virtual, virtual_loop
from tests.unit.worker.fake_runtime import FakeEngine, FakeRuntime, Gate

__all__ = ["FakeManagers", "Machine", "MemoryDisk", "VirtualClock", "a_machine", "a_task", "settings", "with_machine"]

P = ParamSpec("P")
T = TypeVar("T")
START_MS = 1_800_000_000_000


class VirtualClock:
    """The calendar runs with the virtual loop; ``jump_ms`` sets it wrong."""

    def __init__(self) -> None:
        self.jump_ms = 0

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def time_ms(self) -> int:
        return START_MS + self.jump_ms + round((virtual_loop().now - 1000.0) * 1000)


class MemoryDisk:
    """Files that survive agents; ``full`` makes every write fail."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.writes: list[str] = []
        self.full = False

    def through(self, gate: Gate) -> "GatedDisk":
        return GatedDisk(self, gate)

    async def read(self, path: Path) -> bytes:
        try:
            return self.files[path.name]
        except KeyError:
            raise FileNotFoundError(path) from None

    async def replace(self, path: Path, chunks: Iterable[bytes]) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        self.files[path.name] = b"".join(chunks)
        self.writes.append(path.name)


class GatedDisk:
    """One agent's view of the disk."""

    def __init__(self, disk: MemoryDisk, gate: Gate) -> None:
        self._disk = disk
        self._gate = gate

    async def read(self, path: Path) -> bytes:
        return await self._disk.read(path)

    async def replace(self, path: Path, chunks: Iterable[bytes]) -> None:
        self._gate(f"write {path.name}")
        await asyncio.sleep(0.001)
        self._gate(f"sync {path.name}")
        await self._disk.replace(path, chunks)
        self._gate(f"wrote {path.name}")


class FakeManagers:
    """Whoever leads: answers heartbeats, keeps what was reported."""

    def __init__(self) -> None:
        self.epoch = Epoch(1, 1)
        self.up = True
        self.accepts = True
        self.refusal = "another instance has this name"
        self.knows = True
        self.addresses: tuple[str, ...] = ()
        self.registrations: list[Registration] = []
        self.heartbeats: list[tuple[float, Heartbeat]] = []
        self.reports: dict[str, TaskReport] = {}
        self.history: list[TaskReport] = []
        self.learned: tuple[str, ...] = ()
        self.values: dict[tuple[MountKind, str, int], bytes] = {}
        self.asked: list[tuple[str, int]] = []  # names and versions of values that were given

    async def register(self, registration: Registration) -> RegistrationAnswer:
        self._reach()
        self.registrations.append(registration)
        self.knows = self.knows or self.accepts
        message = "" if self.accepts else self.refusal
        return RegistrationAnswer(self.accepts, self.epoch, message, managers=self.addresses)

    async def heartbeat(self, heartbeat: Heartbeat) -> HeartbeatAnswer:
        self._reach()
        self.heartbeats.append((virtual_loop().now, heartbeat))
        if self.knows:
            for report in heartbeat.reports:
                self.reports[report.id] = report
                self.history.append(report)
        return HeartbeatAnswer(self.epoch, self.knows, managers=self.addresses)

    async def value(self, kind: MountKind, name: str, version: int) -> bytes:
        self._reach()
        if (kind, name, version) not in self.values:
            raise Unreachable(f"no manager answers: there is no {name} in version {version}")
        self.asked.append((name, version))
        return self.values[kind, name, version]

    def learn(self, managers: Sequence[str]) -> None:
        self.learned = tuple(managers)

    def _reach(self) -> None:
        if not self.up:
            raise Unreachable("no manager answers: all are down")


async def _at_once(func: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Threads have no place on virtual time."""
    return func(*args, **kwargs)


class Machine:
    """Where an agent lives; ``boot`` starts one, ``crash`` kills it as SIGKILL does."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.engine = FakeEngine(self.clock)
        self.disk = MemoryDisk()
        self.managers = FakeManagers()
        self.epoch = Epoch(1, 1)
        self.revision = 0
        self.state = MachineState()
        self.living: set[str] = set()
        self.place: Path | None = None
        self._life: Process | None = None
        self._lives = 0
        self._agent: Agent | None = None
        self._stop = asyncio.Event()
        self._main: asyncio.Task[None] | None = None

    @property
    def agent(self) -> Agent:
        assert self._agent is not None
        return self._agent

    @property
    def reports(self) -> dict[str, TaskReport]:
        return self.managers.reports

    def _where(self) -> Path:
        if self.place is None:
            raise NoPlace("this machine has no file system in memory")
        return self.place

    async def _look(self) -> MachineState:
        return self.state

    async def _living(self) -> set[str]:
        return self.living

    async def boot(self, gate: Gate | None = None) -> Agent:
        self._lives += 1
        life = self._life = Process(f"agent {self._lives}")

        def checked(call: str) -> None:
            if not life.alive:
                raise asyncio.CancelledError
            if gate is not None:
                gate(call)

        self._stop = asyncio.Event()
        booted = asyncio.Event()
        self._main = life.start(self._run(life, checked, booted))
        waiting = asyncio.ensure_future(booted.wait())
        await asyncio.wait({waiting, self._main}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._main.done() and not self._main.cancelled():
            self._main.result()
        return self.agent

    async def shut_down(self) -> None:
        """SIGTERM, and wait for the end."""
        assert self._main is not None
        self._stop.set()
        await self._main

    def crash(self) -> None:
        """SIGKILL."""
        assert self._life is not None
        self._life.kill()

    @property
    def crashed(self) -> bool:
        return self._life is None or not self._life.alive

    async def assign(
        self, *tasks: AssignedTask, ended: Iterable[str] = (), epoch: Epoch | None = None
    ) -> AssignmentAnswer:
        """The leader sends the whole assignment."""
        self.revision += 1
        self.epoch = epoch or self.epoch
        return await self.agent.accept(Assignment("w1", "i1", self.epoch, self.revision, None, tasks, (), tuple(ended)))

    async def until(self, condition: Callable[[], object], within_s: float = 60.0) -> None:
        """Let time pass until the condition holds."""
        deadline = virtual_loop().now + within_s
        while not condition():
            assert virtual_loop().now < deadline, f"it did not come to pass; {self.reports}; {self.engine.containers}"
            await asyncio.sleep(0.01)

    def ran(self, task_id: str, times: int) -> Callable[[], bool]:
        """Whether a task was started so often by now; to be waited for."""
        return lambda: self.engine.runs[task_id] == times

    async def _run(self, life: Process, gate: Gate, booted: asyncio.Event) -> None:
        agent = Agent(
            settings=settings(),
            clock=self.clock,
            rng=random.Random(self._lives),
            runtime=FakeRuntime(self.engine, gate),
            calls=self.managers,
            store=Store(self.disk.through(gate), Path("/state")),
            capacity=Capacity(4.0, 8 << 30, 50 << 30),
            usage=Usage,
            look=self._look,
            living=self._living,
            secrets=Secrets(self.managers, self._where, _at_once),
        )
        await agent.load()
        self._agent = agent
        booted.set()
        await agent.run(self._stop)


@contextlib.asynccontextmanager
async def a_machine() -> AsyncIterator[Machine]:
    """A machine with its agent booted; nothing is left behind."""
    machine = Machine()
    await machine.boot()
    yield machine
    if not machine.crashed:
        machine.crash()


def with_machine(test: Callable[[Machine], Awaitable[None]]) -> Callable[[], None]:
    """The test on virtual time, on a machine with its agent booted."""

    async def main() -> None:
        async with a_machine() as machine:
            await test(machine)

    def run() -> None:
        run_virtual(main())

    run.__name__ = test.__name__
    return run


def settings(**fields: Any) -> WorkerSettings:
    """An agent's settings, as a test needs them."""
    made: dict[str, Any] = {
        "cluster_id": "c1",
        "name": "w1",
        "instance": "i1",
        "directory": Path("/w1"),
        "host": "127.0.0.1",
        "port": 0,
        "address": "192.0.2.1:7201",
        "managers": ("192.0.2.10:7101",),
    }
    return WorkerSettings(**{**made, **fields})


def a_task(
    task_id: str = "t1",
    *,
    desired: str = "run",
    stop_reason: Reason | None = None,
    restart: str = "always",
    image: str = "example/web:1",
    **spec: Any,
) -> AssignedTask:
    """A task as the leader assigns it."""
    made: ServiceSpec = decode_spec({"name": "web", "image": image, "restart": restart, **spec})
    return AssignedTask(task_id, "web", 1, made, None, (), desired, stop_reason)  # type: ignore[arg-type]  # a literal
