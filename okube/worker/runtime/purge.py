"""Ending what a node holds when its agent cannot do it any more."""

import asyncio
import logging

from okube.model.errors import OkubeError
from okube.seams.clock import Clock, SystemClock
from okube.worker.runtime.base import Container, Runtime
from okube.worker.runtime.choose import RuntimeKind, as_kind, kept_choice, make_runtime
from okube.worker.settings import WorkerSettings

__all__ = ["remove_all", "remove_containers"]

log = logging.getLogger(__name__)
_AT_ONCE = 8


def remove_all(settings: WorkerSettings, *, grace_s: float = 10.0) -> int:
    """Stop and remove every container of this cluster and node, in parallel; returns how many there were.

    For ``okube down``, when the agent is dead. Images and named volumes stay. A node whose agent never ran has none.

    Raises:
        RuntimeUnavailable: the engine does not answer; its containers stay.
    """
    return asyncio.run(_remove_all(settings, SystemClock(), grace_s))


async def remove_containers(runtime: Runtime, *, grace_s: float) -> int:
    """The same for a runtime that is started; all are tried before an error is raised."""
    turns = asyncio.Semaphore(_AT_ONCE)
    containers = await runtime.list()

    async def end(container: Container) -> None:
        async with turns:
            await runtime.stop(container.id, signal=container.stop_signal, grace_s=grace_s)
            await runtime.remove(container.id)

    ends = await asyncio.gather(*(end(container) for container in containers), return_exceptions=True)
    failures = [failure for failure in ends if isinstance(failure, BaseException)]
    for failure in failures:
        log.warning("a container stays: %s", failure)
    if failures:
        raise failures[0]
    return len(containers)


async def _remove_all(settings: WorkerSettings, clock: Clock, grace_s: float) -> int:
    count, failures = 0, []
    for kind in sorted(_kinds(settings)):
        runtime = make_runtime(kind, settings, clock)
        try:
            await runtime.start()
            count += await remove_containers(runtime, grace_s=grace_s)
        except OkubeError as error:
            failures.append(error)
        finally:
            await runtime.close()
    if failures:
        raise failures[0]
    return count


def _kinds(settings: WorkerSettings) -> set[RuntimeKind]:
    """The runtimes that may hold something: the one that ran last, and the one that settings ask for."""
    found = (kept_choice(settings.state_directory), as_kind(settings.runtime))
    return {kind for kind in found if kind is not None}
