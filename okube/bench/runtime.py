"""A runtime without containers: whatever is started runs at once, and until it is stopped."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from okube.model.errors import NotFound
from okube.model.exec import ExecRequest
from okube.model.wire import AssignedTask, LogLine
from okube.seams.clock import Clock
from okube.worker.runtime.accounting import Consumption
from okube.worker.runtime.base import Container, ExecSession
from okube.worker.runtime.provided import NOTHING, Provided

__all__ = ["SimulatedRuntime"]

_STOPPED = 143  # ended by SIGTERM


class SimulatedRuntime:
    """Containers as rows of a table; see ``okube.worker.runtime.base.Runtime``."""

    name = "simulated"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._containers: dict[str, Container] = {}  # by id, which is that of the task
        self._changed: asyncio.Queue[str] = asyncio.Queue()

    async def start(self) -> None:
        """Nothing is connected to."""

    async def close(self) -> None:
        """Nothing is held."""

    async def ping(self) -> None:
        """It answers."""

    def places(self) -> tuple[Path, ...]:
        """Nothing lies anywhere."""
        return ()

    async def foreign(self) -> dict[str, tuple[int, int]]:
        """Nobody else uses it."""
        return {}

    async def list(self) -> list[Container]:
        """All containers."""
        return list(self._containers.values())

    async def prepare(self, task: AssignedTask) -> None:
        """Every image is there."""

    async def create(self, task: AssignedTask, provided: Provided = NOTHING) -> Container:
        """Make the task's container."""
        del provided
        return self._containers.setdefault(task.id, Container(id=task.id, task_id=task.id, state="created"))

    async def run(self, container_id: str) -> Container:
        """Start a container."""
        return self._put(container_id, state="running", exit_code=None, started_ms=self._clock.time_ms(), ended_ms=None)

    async def signal(self, container_id: str, name: str) -> None:
        """Nobody hears it."""

    async def stop(self, container_id: str, *, signal: str, grace_s: float) -> None:
        """End it at once."""
        found = self._containers.get(container_id)
        if found is not None and found.state == "running":
            self._put(container_id, state="exited", exit_code=_STOPPED, ended_ms=self._clock.time_ms())

    async def remove(self, container_id: str) -> None:
        """Remove it."""
        if self._containers.pop(container_id, None) is not None:
            self._changed.put_nowait(container_id)

    async def inspect(self, container_id: str) -> Container | None:
        """One container."""
        return self._containers.get(container_id)

    async def changes(self) -> AsyncIterator[str]:
        """Tasks whose container changed."""
        while True:
            yield await self._changed.get()

    async def logs(
        self, container_id: str, *, follow: bool, tail: int | None, since_ms: int | None
    ) -> AsyncIterator[LogLine]:
        """Nothing is ever written."""
        del container_id, follow, tail, since_ms
        nothing: tuple[LogLine, ...] = ()
        for line in nothing:
            yield line

    async def exec(self, container_id: str, request: ExecRequest) -> ExecSession:
        """Nothing can be run in it: raises NotFound."""
        raise NotFound(f"container {container_id} is simulated: nothing can be run in it")

    async def usage(self) -> dict[str, tuple[str, Consumption]]:
        """Nothing is used."""
        return {}

    def _put(self, container_id: str, **changes: object) -> Container:
        made = msgspec.structs.replace(self._containers[container_id], **changes)
        self._containers[container_id] = made
        self._changed.put_nowait(made.task_id)
        return made
