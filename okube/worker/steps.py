"""Carrying out one step at the runtime: thin, and bounded by kind, so that slow pulls hold up no stop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from okube.model.wire import AssignedTask
from okube.worker.actions import Action, Remove, Renew, Restart, Start, StopContainer
from okube.worker.observed import Observed
from okube.worker.runtime.base import Container, Runtime, RuntimeFailure
from okube.worker.secrets import Secrets

__all__ = ["Interruptible", "Steps"]

logger = logging.getLogger(__name__)

PREPARES_AT_ONCE = 8
STARTS_AT_ONCE = 4
STOPS_AT_ONCE = 32


class Interruptible:
    """Whether a step has touched nothing yet, so that it may be given up when its task is no longer wanted."""

    def __init__(self) -> None:
        self.now = False


class Steps:
    """Takes steps and notes in ``observed`` what they made of the containers.

    Args:
        runtime: where the containers are.
        observed: the cache that is kept up.
        remember_run: called with task and container before that container is run for the first time; when it returns,
            this is stored.
        secrets: lays ready what a task is given, before its container is made and whenever that is started again.
    """

    def __init__(
        self,
        runtime: Runtime,
        observed: Observed,
        remember_run: Callable[[str, str], Awaitable[None]],
        secrets: Secrets,
    ) -> None:
        self._runtime = runtime
        self._secrets = secrets
        self._observed = observed
        self._remember_run = remember_run
        self._prepares = asyncio.Semaphore(PREPARES_AT_ONCE)
        self._starts = asyncio.Semaphore(STARTS_AT_ONCE)
        self._stops = asyncio.Semaphore(STOPS_AT_ONCE)
        self._pulls: dict[str, asyncio.Lock] = {}

    async def take(self, action: Action, interruptible: Interruptible) -> None:
        """Carry out ``action``.

        Raises:
            RuntimeFailure: the container cannot be made or started.
            RuntimeUnavailable: the engine does not answer.
            NotGiven: a secret or config cannot be had now.
            OSError: the state could not be stored.
        """
        match action:
            case Start(task):
                await self._start(task, interruptible)
            case Restart(task, container_id):
                await self._restart(task, container_id)
            case Renew(task, container_id, signals):
                await self._secrets.ready(task)
                for name in signals:
                    await self._runtime.signal(container_id, name)
                logger.info("Task %s has other versions of its secrets or configs now", task.id)
            case StopContainer(task_id, container_id, stop):
                async with self._stops:
                    logger.info("Task %s: stopping container %s with %s", task_id, container_id, stop.signal)
                    await self._runtime.stop(container_id, signal=stop.signal, grace_s=stop.grace)
                    await self.look(task_id, container_id)
            case Remove(task_id, container_id):
                async with self._stops:
                    await self._runtime.remove(container_id)
                self._observed.drop(task_id, container_id)
                logger.info("Task %s: removed container %s", task_id, container_id)

    async def look(self, task_id: str, container_id: str) -> Container | None:
        """See how one container is now, unless a step changed it meanwhile; None if it is gone."""
        moment = self._observed.moment()
        container = await self._runtime.inspect(container_id)
        if not self._observed.unchanged_since(task_id, moment):
            return container
        if container is None:
            self._observed.drop(task_id, container_id)
        elif container not in self._observed.of(task_id):
            self._observed.put(container)
        return container

    async def _start(self, task: AssignedTask, interruptible: Interruptible) -> None:
        interruptible.now = True
        present = self._observed.of(task.id)
        if not present:
            await self._prepare(task)
        provided = await self._secrets.ready(task)
        async with self._starts:
            interruptible.now = False
            container = present[0] if present else await self._runtime.create(task, provided)
            self._observed.put(container)
            if container.state != "created":
                return  # it was there before, and the planner has not seen it yet
            await self._remember_run(task.id, container.id)
            await self._run(task, container.id)

    async def _restart(self, task: AssignedTask, container_id: str) -> None:
        await self._secrets.ready(task)  # what is in memory went with the machine's last boot
        async with self._starts:
            await self._run(task, container_id)

    async def _run(self, task: AssignedTask, container_id: str) -> None:
        try:
            container = await self._runtime.run(container_id)
        except RuntimeFailure:
            if await self.look(task.id, container_id) is None:
                return  # removed meanwhile: that is no fault of the task
            raise
        self._observed.put(container)
        logger.info("Task %s (%s.%s): container %s runs", task.id, task.service, task.slot, container_id)

    async def _prepare(self, task: AssignedTask) -> None:
        """Bring the image once, however many tasks wait for it; those of other images go on beside it."""
        image = task.spec.image
        first = image not in self._pulls
        lock = self._pulls.setdefault(image, asyncio.Lock())
        if first or lock.locked():
            async with lock, self._prepares:
                await self._runtime.prepare(task)
            return
        async with self._prepares:
            await self._runtime.prepare(task)
