"""An engine in memory that obeys the Runtime protocol, on whatever loop runs; it outlives the agents that use it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec

from okube.model.exec import NOT_FOUND, ExecRequest
from okube.model.task import Reason
from okube.model.wire import AssignedTask, LogLine
from okube.seams.clock import Clock
from okube.worker.runtime.accounting import Consumption
from okube.worker.runtime.base import CannotExec, Container, ExecSession, RuntimeFailure, RuntimeUnavailable
from okube.worker.runtime.provided import NOTHING, Provided

__all__ = ["FakeEngine", "FakeRuntime", "Gate"]

Gate = Callable[[str], None]
"""Called before and after each call's effect with its name; may raise, to end the caller there."""


class FakeEngine:
    """Containers, and what tests do to them.

    ``refusals`` maps (call, image) to the reason with which it fails. ``latency_s`` is how long each call takes, and
    ``slow_images`` how long prepare takes more. ``stubborn`` tasks end only by SIGKILL. ``deaf`` drops all news.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.containers: dict[str, Container] = {}
        self.calls: list[tuple[str, str]] = []
        self.refusals: dict[tuple[str, str], Reason] = {}
        self.slow_images: dict[str, float] = {}
        self.stubborn: set[str] = set()
        self.latency_s = 0.001
        self.latency_by_call: dict[str, float] = {}
        self.up = True
        self.deaf = False
        self.silent_calls: set[str] = set()
        self.defects: set[tuple[str, str]] = set()  # calls (and what they are about) that fail as nobody foresaw
        self.short_lived: dict[str, tuple[float, int]] = {}  # image → seconds it runs, exit code
        self.runs: dict[str, int] = {}  # task → how often its container was started
        self.signals: list[tuple[str, str, float]] = []
        self.told: list[tuple[str, str]] = []  # tasks, and the signals that are not to end them
        self.provided: dict[str, Provided] = {}
        self.lines: dict[str, list[LogLine]] = {}
        self.foreign: dict[str, tuple[int, int]] = {}
        self.consumed: dict[str, Consumption] = {}
        self._images: dict[str, str] = {}
        self._made = 0
        self._timers: list[asyncio.TimerHandle] = []
        self._listeners: set[asyncio.Queue[str]] = set()

    def of(self, task_id: str) -> Container:
        (container,) = [c for c in self.containers.values() if c.task_id == task_id]
        return container

    def tasks(self, *states: str) -> set[str]:
        return {c.task_id for c in self.containers.values() if not states or c.state in states}

    def end(self, task_id: str, exit_code: int | None = 0, *, oom: bool = False) -> None:
        """The program ends by itself."""
        container = self.of(task_id)
        if container.state == "running":
            self._put(container, state="exited", exit_code=exit_code, oom_killed=oom, ended_ms=self.clock.time_ms())

    def vanish(self, task_id: str) -> None:
        """Somebody removes the container by hand."""
        container = self.of(task_id)
        del self.containers[container.id]
        self.tell(task_id)

    def add_stray(self, task_id: str) -> None:
        """Somebody makes a second container with the labels of the first."""
        stray = Container(id=f"stray-{task_id}", task_id=task_id, state="running", started_ms=self.clock.time_ms())
        self.containers[stray.id] = stray

    def create(self, task: AssignedTask) -> Container:
        for container in self.containers.values():
            if container.task_id == task.id:
                return container
        self._made += 1
        container = Container(id=f"c{self._made}-{task.id}", task_id=task.id, state="created")
        self.containers[container.id] = container
        self._images[container.id] = task.spec.image
        return container

    def run(self, container_id: str) -> Container:
        container = self.containers[container_id]
        if container.state == "running":
            return container
        self.runs[container.task_id] = self.runs.get(container.task_id, 0) + 1
        now_ms = self.clock.time_ms()
        made = self._put(container, state="running", exit_code=None, oom_killed=False, started_ms=now_ms, ended_ms=None)
        image = self._images[container_id]
        if image in self.short_lived:
            seconds, code = self.short_lived[image]
            loop = asyncio.get_running_loop()
            self._timers.append(loop.call_later(seconds, self._expire, made, code))
        return made

    def image_of(self, container_id: str) -> str:
        return self._images.get(container_id, "")

    def finish(self, container_id: str, exit_code: int) -> None:
        container = self.containers.get(container_id)
        if container is not None and container.state == "running":
            self._put(container, state="exited", exit_code=exit_code, ended_ms=self.clock.time_ms())

    def remove(self, container_id: str) -> None:
        container = self.containers.pop(container_id, None)
        if container is not None:
            self.tell(container.task_id)

    def listen(self) -> "asyncio.Queue[str]":
        queue: asyncio.Queue[str] = asyncio.Queue()
        self._listeners.add(queue)
        return queue

    def tell(self, task_id: str) -> None:
        for queue in self._listeners:
            if not self.deaf:
                queue.put_nowait(task_id)

    def _expire(self, run: Container, code: int) -> None:
        if self.containers.get(run.id) == run:
            self.finish(run.id, code)

    def _put(self, container: Container, **changes: object) -> Container:
        made = msgspec.structs.replace(container, **changes)
        self.containers[container.id] = made
        self.tell(container.task_id)
        return made


class FakeRuntime:
    """One agent's connection to the engine."""

    name = "fake"

    def __init__(self, engine: FakeEngine, gate: Gate | None = None) -> None:
        self._engine = engine
        self._gate = gate or (lambda call: None)

    async def start(self) -> None:
        await self._call("start", "")

    async def close(self) -> None:
        return

    async def ping(self) -> None:
        await asyncio.sleep(self._engine.latency_by_call.get("ping", self._engine.latency_s))
        if not self._engine.up or "ping" in self._engine.silent_calls:
            raise RuntimeUnavailable("the engine does not answer")

    def places(self) -> tuple[Path, ...]:
        return ()

    async def foreign(self) -> dict[str, tuple[int, int]]:
        return dict(self._engine.foreign)

    async def list(self) -> list[Container]:
        containers = list(self._engine.containers.values())
        await self._call("list", "")
        return containers  # as they were when the call began: a slow look is an old one

    async def prepare(self, task: AssignedTask) -> None:
        await self._call("prepare", task.id)
        await asyncio.sleep(self._engine.slow_images.get(task.spec.image, 0.0))
        self._refuse("prepare", task.spec.image)

    async def create(self, task: AssignedTask, provided: Provided = NOTHING) -> Container:
        self._engine.provided[task.id] = provided
        await self._call("create", task.id)
        self._refuse("create", task.spec.image)
        container = self._engine.create(task)
        await self._return("created")
        return container

    async def run(self, container_id: str) -> Container:
        await self._call("run", container_id)
        if container_id not in self._engine.containers:
            raise RuntimeFailure("start-failed", "no such container")
        self._refuse("run", self._engine.image_of(container_id))
        container = self._engine.run(container_id)
        await self._return("ran")
        return container  # as it was when it was started: it may have ended since

    async def signal(self, container_id: str, name: str) -> None:
        await self._call("signal", container_id)
        container = self._engine.containers.get(container_id)
        if container is not None and container.state == "running":
            self._engine.told.append((container.task_id, name))

    async def stop(self, container_id: str, *, signal: str, grace_s: float) -> None:
        await self._call("stop", container_id)
        container = self._engine.containers.get(container_id)
        if container is None or container.state != "running":
            return
        self._engine.signals.append((container.task_id, signal, grace_s))
        if container.task_id in self._engine.stubborn:
            await asyncio.sleep(grace_s)
            self._engine.finish(container_id, 137)
        else:
            self._engine.finish(container_id, 143)
        await self._return("stopped")

    async def remove(self, container_id: str) -> None:
        await self._call("remove", container_id)
        self._engine.remove(container_id)
        await self._return("removed")

    async def inspect(self, container_id: str) -> Container | None:
        await self._call("inspect", container_id)
        return self._engine.containers.get(container_id)

    async def changes(self) -> AsyncIterator[str]:
        queue = self._engine.listen()
        while True:
            task_id = await queue.get()
            if not self._engine.up:
                raise RuntimeUnavailable("the engine is gone")
            if ("changes", "") in self._engine.defects:
                raise ZeroDivisionError("a defect of the runtime")
            yield task_id

    async def logs(
        self, container_id: str, *, follow: bool, tail: int | None, since_ms: int | None
    ) -> AsyncIterator[LogLine]:
        await self._call("logs", container_id)
        lines = [line for line in self._engine.lines.get(container_id, []) if line.time_ms >= (since_ms or 0)]
        for line in lines if tail is None else lines[max(0, len(lines) - tail) :]:
            yield line
        changes = self._engine.listen()
        while follow and self._engine.containers[container_id].state == "running":
            await changes.get()

    async def exec(self, container_id: str, request: ExecRequest) -> ExecSession:
        await self._call("exec", container_id)
        raise CannotExec(NOT_FOUND, f'there is no command "{request.command[0]}" in memory')

    async def usage(self) -> dict[str, tuple[str, Consumption]]:
        await self._call("usage", "")
        running = [c for c in self._engine.containers.values() if c.state == "running"]
        return {c.id: (c.task_id, self._engine.consumed.get(c.task_id, Consumption(0.0, 0))) for c in running}

    async def _call(self, name: str, about: str) -> None:
        self._gate(name)
        self._engine.calls.append((name, about))
        if (name, about) in self._engine.defects:
            raise ZeroDivisionError("a defect of the runtime")
        await asyncio.sleep(self._engine.latency_by_call.get(name, self._engine.latency_s))
        if not self._engine.up or name in self._engine.silent_calls:
            raise RuntimeUnavailable("the engine does not answer")

    async def _return(self, effect: str) -> None:
        self._gate(effect)
        await asyncio.sleep(self._engine.latency_s)

    def _refuse(self, call: str, image: str) -> None:
        reason = self._engine.refusals.get((call, image))
        if reason is not None:
            raise RuntimeFailure(reason, f"{call} of {image} failed")
