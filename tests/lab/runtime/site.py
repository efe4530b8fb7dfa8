"""A place where one runtime runs tasks, so that one suite of tests serves both runtimes."""

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from okube.model.spec import ServiceSpec
from okube.model.wire import AssignedTask, LogLine
from okube.seams.clock import SystemClock
from okube.worker.runtime.base import Container, Runtime
from okube.worker.runtime.docker import DockerRuntime
from okube.worker.runtime.docker.transport import connect
from okube.worker.runtime.naming import CLUSTER_LABEL, volume_name
from okube.worker.runtime.process import ProcessRuntime
from okube.worker.runtime.purge import remove_containers

__all__ = ["DockerSite", "ProcessSite", "Site", "lines_of", "running", "until"]

DEADLINE_S = 30.0


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Polls until ``condition`` holds."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not await condition():  # noqa: ASYNC110  # what is waited for is in another process
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"waited {DEADLINE_S:.0f} s in vain until {what}") from None


class Site:
    """What differs between the runtimes as a test sees them."""

    image = ""

    def __init__(self) -> None:
        self.cluster_id = secrets.token_hex(16)
        self._runtimes: dict[Runtime, tuple[str, str]] = {}

    async def runtime(self, *, cluster_id: str | None = None, node: str = "w1") -> Runtime:
        """A runtime that is started, as an agent would have it; closed at the end of the test."""
        runtime = self.make(cluster_id or self.cluster_id, node)
        self._runtimes[runtime] = (cluster_id or self.cluster_id, node)
        await runtime.start()
        return runtime

    def task(self, script: str, **spec: Any) -> AssignedTask:
        """A task that runs a shell script."""
        return self.command_task("sh", "-c", script, **spec)

    def command_task(self, *command: str, host_ports: tuple[int, ...] = (), **spec: Any) -> AssignedTask:
        """A task that runs a command."""
        task_id = secrets.token_hex(6)
        made = ServiceSpec(**{"name": "web", "image": self.image, "command": command, **spec})
        return AssignedTask(task_id, "web", 1, made, app="shop", host_ports=host_ports)

    async def close(self) -> None:
        """Remove what the test made and let go of everything."""
        for runtime in self._runtimes:
            await runtime.close()
        for cluster_id, node in set(self._runtimes.values()):
            remover = self.make(cluster_id, node)
            await remover.start()
            await remove_containers(remover, grace_s=0)
            await remover.close()

    def make(self, cluster_id: str, node: str) -> Runtime:
        """A runtime that is not started."""
        raise NotImplementedError

    def inside(self, path: str) -> str:
        """How the task itself finds a volume."""
        raise NotImplementedError

    def listening(self, port: int) -> str:
        """The port that a task listens on, as its script writes it."""
        raise NotImplementedError


class DockerSite(Site):
    """An engine, shared with other tests."""

    def __init__(self, base_url: str, image: str) -> None:
        super().__init__()
        self.base_url = base_url
        self.image = image

    def make(self, cluster_id: str, node: str) -> Runtime:
        return DockerRuntime(cluster_id, node, self.base_url, SystemClock())

    def inside(self, path: str) -> str:
        return path

    def listening(self, port: int) -> str:
        return str(port)

    async def close(self) -> None:
        await super().close()
        with contextlib.closing(connect(self.base_url, timeout_s=30)) as client:
            for volume in client.volumes(filters={"label": f"{CLUSTER_LABEL}={self.cluster_id}"})["Volumes"] or ():
                client.remove_volume(volume["Name"])

    def volume_name(self, name: str) -> str:
        return volume_name(self.cluster_id, name)


class ProcessSite(Site):
    """A directory."""

    image = "host"

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.directory = directory

    def make(self, cluster_id: str, node: str) -> Runtime:
        return ProcessRuntime(cluster_id, node, self.directory, SystemClock())

    def inside(self, path: str) -> str:
        return path.lstrip("/")

    def listening(self, port: int) -> str:
        return f"$PORT_{port}"


async def running(runtime: Runtime, task: AssignedTask) -> Container:
    """The task's container, made and started."""
    await runtime.prepare(task)
    made = await runtime.create(task)
    return await runtime.run(made.id)


async def ended(runtime: Runtime, task: AssignedTask) -> Container:
    """The task's container when it has run to its end."""
    container = await running(runtime, task)
    return await end_of(runtime, container.id)


async def end_of(runtime: Runtime, container_id: str) -> Container:
    """A container when it has ended."""
    seen: list[Container | None] = []

    async def has_ended() -> bool:
        seen.append(await runtime.inspect(container_id))
        return seen[-1] is None or seen[-1].state == "exited"

    await until(has_ended, f"{container_id} has ended")
    assert seen[-1] is not None
    return seen[-1]


async def lines_of(
    runtime: Runtime, container_id: str, *, follow: bool = False, tail: int | None = None, since_ms: int | None = None
) -> list[LogLine]:
    """All that `logs` gives."""
    async with contextlib.aclosing(_generator(runtime, container_id, follow, tail, since_ms)) as lines:
        return [line async for line in lines]


async def _generator(runtime: Runtime, container_id: str, follow: bool, tail: int | None, since_ms: int | None) -> Any:
    async for line in runtime.logs(container_id, follow=follow, tail=tail, since_ms=since_ms):
        yield line
