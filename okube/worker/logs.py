"""A task's output as a stream: of its container, and with ``follow`` also of the runs that come after a restart."""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from okube.model.errors import NotFound
from okube.model.wire import LogLine
from okube.worker.runtime.base import Container, Runtime

__all__ = ["LogSource", "task_logs"]

_LOOK_AGAIN_S = 0.2


class LogSource(Protocol):
    """Who knows the tasks' containers; the runner."""

    def container(self, task_id: str) -> Container | None:
        """The task's container as it was seen last."""

    def has_ended(self, task_id: str) -> bool:
        """Whether no more output will come of the task."""


async def task_logs(
    runtime: Runtime, source: LogSource, task_id: str, *, follow: bool, tail: int | None, since_ms: int | None
) -> AsyncIterator[LogLine]:
    """The lines, oldest first; following ends with the task, not with one run of it.

    Raises:
        NotFound: there is no container of this task here.
        RuntimeUnavailable: the engine does not answer.
    """
    container = source.container(task_id)
    if container is None:
        raise NotFound(f"this node has no output of task {task_id}: its container is not made yet, or removed")
    while True:
        async for line in runtime.logs(container.id, follow=follow, tail=tail, since_ms=since_ms):
            since_ms = line.time_ms + 1  # the next run of the container begins after the last line of this one
            yield line
        if not follow:
            return
        later = await _next_run(source, task_id, container)
        if later is None:
            return
        container, tail = later, None


async def _next_run(source: LogSource, task_id: str, last: Container) -> Container | None:
    """The container once it runs again; None if it never will."""
    while not source.has_ended(task_id):
        container = source.container(task_id)
        if container is not None and container.state == "running" and _run(container) != _run(last):
            return container
        await asyncio.sleep(_LOOK_AGAIN_S)
    return None


def _run(container: Container) -> tuple[str, int | None]:
    return container.id, container.started_ms
