"""An agent in this process, on a real runtime, with managers that the test plays: what it is told, and what it says."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from okube.model.commands import TaskReport
from okube.model.epoch import Epoch
from okube.model.errors import Unreachable
from okube.model.mounts import MountKind
from okube.model.wire import (
    AssignedTask,
    Assignment,
    Heartbeat,
    HeartbeatAnswer,
    NodeCondition,
    Registration,
    RegistrationAnswer,
    Usage,
)
from okube.seams.clock import SystemClock
from okube.seams.disk import FileDisk
from okube.worker.agent import Agent
from okube.worker.ballast import Ballasted
from okube.worker.capacity import Capacity, look_at_machine
from okube.worker.runtime.base import Runtime
from okube.worker.settings import WorkerSettings
from okube.worker.store import Store
from tests.lab.runtime.site import until

__all__ = ["LabAgent", "an_agent"]

EPOCH = Epoch(1, 1)


class LabAgent:
    """The agent of node w1, and the managers it talks to."""

    def __init__(self, runtime: Runtime, cluster_id: str, directory: Path) -> None:
        self.runtime = runtime
        self.reports: dict[str, TaskReport] = {}
        self.history: list[TaskReport] = []
        self.conditions: dict[str, str] = {}
        self.living: set[str] = set()
        self.watched = [directory]
        self._revision = 0
        self._directory = directory
        settings = WorkerSettings(
            cluster_id=cluster_id,
            name="w1",
            instance="i1",
            directory=directory,
            host="127.0.0.1",
            port=0,
            address="127.0.0.1:0",
            managers=(),
            heartbeat_s=0.2,
        )
        self._disk = FileDisk()
        (directory / "agent").mkdir(parents=True, exist_ok=True)
        self.files = Ballasted(self._disk, directory / "agent" / "ballast")
        self.agent = Agent(
            settings=settings,
            clock=SystemClock(),
            rng=random.Random(1),
            runtime=runtime,
            calls=self,
            store=Store(self.files, directory / "agent"),
            capacity=Capacity(4.0, 8 << 30, 50 << 30),
            usage=Usage,
            look=lambda: asyncio.to_thread(look_at_machine, (*self.watched, *runtime.places())),
            living=self._living,
        )

    async def hold(self, *tasks: AssignedTask, ended: Sequence[str] = ()) -> None:
        """The leader sends the whole assignment."""
        self._revision += 1
        answer = await self.agent.accept(Assignment("w1", "i1", EPOCH, self._revision, None, tasks, (), tuple(ended)))
        assert answer.accepted, answer

    async def until(self, task: AssignedTask, state: str, *, restarts: int | None = None) -> TaskReport:
        """Wait until a task is reported in a state, ready where it runs."""

        async def is_so() -> bool:
            report = self.reports.get(task.id)
            return (
                report is not None
                and report.state == state
                and report.ready == (state == "running")
                and (restarts is None or report.restarts >= restarts)
            )

        await until(is_so, f"task {task.id} is {state}: {self.reports.get(task.id)}")
        return self.reports[task.id]

    async def until_condition(self, kind: str, *, holds: bool = True) -> str:
        """Wait until a condition is told, or is over; answers its sentence."""

        async def is_so() -> bool:
            return (kind in self.conditions) == holds

        await until(is_so, f"condition {kind} is {holds}: {self.conditions}")
        return self.conditions.get(kind, "")

    async def close(self) -> None:
        """Let go of the disk."""
        await self._disk.close()

    async def _living(self) -> set[str]:
        return self.living

    # What managers answer.

    async def register(self, registration: Registration) -> RegistrationAnswer:
        del registration
        return RegistrationAnswer(True, EPOCH, heartbeat_ms=200)

    async def heartbeat(self, heartbeat: Heartbeat) -> HeartbeatAnswer:
        for report in heartbeat.reports:
            self.reports[report.id] = report
            self.history.append(report)
        if heartbeat.conditions is not None:
            self.conditions = {found.kind: found.message for found in _unique(heartbeat.conditions)}
        return HeartbeatAnswer(EPOCH, heartbeat_ms=200)

    async def value(self, kind: MountKind, name: str, version: int) -> bytes:
        raise Unreachable(f"no manager answers: there is no {kind} {name} {version}")

    def learn(self, managers: Sequence[str]) -> None:
        del managers


def _unique(conditions: tuple[NodeCondition, ...]) -> tuple[NodeCondition, ...]:
    assert len({found.kind for found in conditions}) == len(conditions)
    return conditions


@asynccontextmanager
async def an_agent(runtime: Runtime, cluster_id: str, directory: Path) -> AsyncIterator[LabAgent]:
    """An agent that runs, and stops in order at the end; the runtime is not started, and closed by the caller."""
    lab = LabAgent(runtime, cluster_id, directory)
    await lab.files.load()
    await lab.agent.load()
    stop = asyncio.Event()
    running = asyncio.ensure_future(lab.agent.run(stop))
    try:
        yield lab
    finally:
        stop.set()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await lab.close()
