"""The runtime on plain processes."""

import asyncio
import logging
import os
import signal as signals
import weakref
from collections.abc import AsyncIterator
from pathlib import Path

from okube.model.errors import Conflict, NotFound
from okube.model.exec import ExecRequest
from okube.model.wire import AssignedTask, LogLine
from okube.seams.clock import Clock
from okube.worker.runtime.accounting import Consumption
from okube.worker.runtime.base import Container, RuntimeFailure, RuntimeUnavailable
from okube.worker.runtime.changes import Changes, Listener
from okube.worker.runtime.lines import LogBounds
from okube.worker.runtime.naming import container_name
from okube.worker.runtime.process.cgroups import Cgroups
from okube.worker.runtime.process.execute import ProcessExec
from okube.worker.runtime.process.folder import Sighting, TaskFolder
from okube.worker.runtime.process.hostports import HostPorts
from okube.worker.runtime.process.launch import start_refused
from okube.worker.runtime.process.logfiles import LogReader
from okube.worker.runtime.process.tasks import Tasks
from okube.worker.runtime.process.watch import ShimWatch, has_ended
from okube.worker.runtime.process.workdir import Images, Volumes
from okube.worker.runtime.provided import NOTHING, Provided
from okube.worker.runtime.signals import check_signals, signal_number
from okube.worker.runtime.threads import Threads

__all__ = ["ProcessRuntime"]

log = logging.getLogger(__name__)
_LOOK_AGAIN_S = 1.0  # while waiting for an end that nobody tells
_FOLLOW_S = 0.1  # how often a follower looks for new output
_DYING_S = 15.0  # what a killed task may take to be gone


class ProcessRuntime:
    """Tasks of one cluster and one node as process groups below ``directory``; see `Runtime`.

    Args:
        cluster_id: the cluster's id; folders of others are never touched.
        node: the node's name; the same.
        directory: where task folders (``containers``), named volumes (``volumes``) and images (``images``) are.
        clock: for grace periods and the ends that no shim wrote down.
        images: where images are instead.
        cgroups: the machine's control groups; memory and cpu limits hold where they can be made.
        logs: how much output of a task is kept.
        threads: how many calls may block at a time.
    """

    name = "process"

    def __init__(
        self,
        cluster_id: str,
        node: str,
        directory: Path,
        clock: Clock,
        *,
        images: Path | None = None,
        cgroups: Cgroups | None = None,
        logs: LogBounds | None = None,
        threads: int = 4,
    ) -> None:
        directory = directory.absolute()
        self._cluster_id = cluster_id
        self._node = node
        self._clock = clock
        self._tasks = Tasks(
            cluster_id,
            node,
            directory,
            clock,
            images=Images(images or directory / "images", node),
            volumes=Volumes(directory / "volumes", cluster_id, node),
            cgroups=cgroups or Cgroups(),
            logs=logs or LogBounds(),
        )
        self._ports = HostPorts(node)
        self._threads = Threads(threads, "process")
        self._changes = Changes()
        self._watch = ShimWatch(self._shim_ended)
        self._sessions: dict[ProcessExec, str] = {}
        self._closings: set[asyncio.Task[None]] = set()
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    async def start(self) -> None:
        """Make the directories and adopt the tasks that run already."""
        if not hasattr(os, "pidfd_open"):
            raise RuntimeUnavailable(f"the process runtime of node {self._node} needs Linux 5.3 or later")
        try:
            await self._threads.run(self._tasks.make_directories)
        except OSError as error:
            raise RuntimeUnavailable(
                f"node {self._node} cannot keep its tasks below {self._tasks.directory}: {error.strerror}; "
                "make that directory writable for the agent"
            ) from error
        await self.list()

    async def close(self) -> None:
        """Let go of threads and file descriptors; tasks go on under their shims, and what was exec'd ends."""
        self._watch.close()
        await asyncio.gather(*(session.close() for session in list(self._sessions)), *self._closings)
        self._changes.close()
        await self._threads.close()

    async def ping(self) -> None:
        """Whether the directory of the tasks is there."""
        try:
            await self._threads.run(self._tasks.directory.stat)
        except OSError as error:
            raise RuntimeUnavailable(
                f"node {self._node} cannot reach its tasks below {self._tasks.directory}: {error.strerror}"
            ) from error

    def places(self) -> tuple[Path, ...]:
        """The directory of the tasks."""
        return (self._tasks.directory,)

    async def foreign(self) -> dict[str, tuple[int, int]]:
        """Nothing: each agent has a directory of its own."""
        return {}

    async def list(self) -> list[Container]:
        """All tasks of this cluster and node that have a folder."""
        found = []
        for container_id, seen in await self._threads.run(self._tasks.see_all):
            container = self._adopt(seen) if seen is not None else await self.inspect(container_id)
            if container is not None:
                found.append(container)
        return found

    async def prepare(self, task: AssignedTask) -> None:
        """Check the image, the volumes and the stop signal."""
        check_signals(task.spec)
        await self._threads.run(self._tasks.check, task)

    async def create(self, task: AssignedTask, provided: Provided = NOTHING) -> Container:
        """Make the task's folder, unless it is there."""
        container_id = container_name(self._cluster_id, task.id)
        async with self._lock(container_id):
            existing = await self._look(container_id)
            if existing is not None:
                return existing
            try:
                await self._threads.run(self._tasks.lay_out, task, container_id, provided)
            except OSError as error:
                raise RuntimeFailure(
                    "start-failed", f"node {self._node} cannot make the folder of task {task.id}: {error}"
                ) from error
        self._changes.publish(task.id)
        return Container(container_id, task.id, "created", stop_signal=task.spec.stop.signal)

    async def run(self, container_id: str) -> Container:
        """Start it under a shim of its own, also again; one that runs goes on."""
        async with self._lock(container_id):
            container = await self._look(container_id)
            if container is None:
                raise RuntimeFailure("start-failed", f"container {container_id} is gone from node {self._node}")
            if container.state == "running":
                return container
            await self._start(self._tasks.folder(container_id))
            started = await self._look(container_id)
        if started is None:
            raise RuntimeFailure("start-failed", f"container {container_id} was removed while it started")
        self._changes.publish(started.task_id)
        return started

    async def signal(self, container_id: str, name: str) -> None:
        """Send a signal to its process group; nothing happens where it does not run."""
        container = await self.inspect(container_id)
        number = signal_number(name)
        if container is not None and container.state == "running" and number is not None:
            await self._threads.run(self._tasks.signal, container_id, number)

    async def stop(self, container_id: str, *, signal: str, grace_s: float) -> None:
        """Send ``signal`` to its process group, and SIGKILL to all its processes after ``grace_s``."""
        container = await self.inspect(container_id)
        if container is None or container.state != "running":
            return
        ends = self._changes.listen(container.task_id)
        number = signal_number(signal) or int(signals.SIGTERM)
        await self._threads.run(self._tasks.signal, container_id, number)
        if await self._ended(container_id, ends, grace_s):
            return
        log.info("task %s did not end within %.1f s of %s: SIGKILL", container.task_id, grace_s, signal)
        await self._kill(container_id, ends)

    async def remove(self, container_id: str) -> None:
        """End it at once if it runs, and remove its folder with its logs; named volumes stay."""
        container = await self.inspect(container_id)
        if container is None:
            return
        if container.state == "running":
            await self._kill(container_id, self._changes.listen(container.task_id))
        async with self._lock(container_id):
            await self._threads.run(self._tasks.discard, container_id)
        self._ports.release(container_id)
        self._changes.publish(container.task_id)

    async def inspect(self, container_id: str) -> Container | None:
        """One task as it is now, or None if it is gone or not ours."""
        seen = await self._threads.run(self._tasks.see, container_id)
        if seen is not None:
            return self._adopt(seen)
        async with self._lock(container_id):
            return await self._look(container_id)

    def changes(self) -> Listener:
        """Ids of tasks whose container may have changed."""
        return self._changes.listen()

    async def logs(
        self, container_id: str, *, follow: bool, tail: int | None, since_ms: int | None
    ) -> AsyncIterator[LogLine]:
        """Its output as far as it is kept; nothing for a container that is gone."""
        if await self.inspect(container_id) is None:
            return
        reader = LogReader(self._tasks.folder(container_id).path, tail=tail, since_ms=since_ms)
        try:
            while True:
                container = await self.inspect(container_id)
                ended = container is None or container.state != "running"  # asked first: then all of it is written
                while lines := await self._threads.run(reader.read):
                    for line in lines:
                        yield line
                if ended or not follow:
                    return
                await asyncio.sleep(_FOLLOW_S)
        finally:
            reader.close()

    async def exec(self, container_id: str, request: ExecRequest) -> ProcessExec:
        """Run a command beside the task's own; it ends with the task."""
        container = await self.inspect(container_id)
        if container is None:
            raise NotFound(f"container {container_id} is gone from node {self._node}")
        if container.state != "running":
            raise Conflict(f"container {container_id} does not run now")
        try:
            entered = await self._threads.run(self._tasks.enter, container_id, request)
        except OSError as error:
            raise RuntimeUnavailable(f"node {self._node} cannot run a command now: {error}") from error
        session = ProcessExec(entered, self._threads, self._session_closed)
        self._sessions[session] = container_id
        return session

    async def usage(self) -> dict[str, tuple[str, Consumption]]:
        """What the processes of each running task use."""
        return await self._threads.run(self._tasks.consumptions)

    async def _start(self, folder: TaskFolder) -> None:
        """Start the command; the caller holds the lock."""
        record, before = await self._threads.run(lambda: (folder.record(), folder.run()))
        if record is None:
            raise RuntimeFailure("start-failed", f"container {folder.id} is gone from node {self._node}")
        if before is not None and not await has_ended(before.shim, within_s=_DYING_S):
            raise RuntimeUnavailable(
                f"the supervisor of the latest run of {folder.id} on node {self._node} does not end; "
                f"end it there with kill -9 {before.shim.pid}"
            )
        self._ports.reserve(folder.id, record.ports)
        said = await self._threads.run(self._tasks.launch, folder, record)
        if said != "ok":
            self._ports.release(folder.id)
            failure = start_refused(said, record, self._node)
            await self._threads.run(folder.write_error, str(failure))
            raise failure

    async def _look(self, container_id: str) -> Container | None:
        """As `inspect`, and puts an end to a task whose shim was lost; the caller holds the lock."""
        seen = await self._threads.run(self._tasks.see, container_id)
        if seen is None and await self._threads.run(self._tasks.settle, container_id):
            seen = await self._threads.run(self._tasks.see, container_id)
        return self._adopt(seen) if seen is not None else None

    async def _kill(self, container_id: str, ends: Listener) -> None:
        await self._threads.run(self._tasks.signal, container_id, int(signals.SIGKILL))
        if await self._ended(container_id, ends, _DYING_S):
            return
        await self._threads.run(self._tasks.kill_shim, container_id)
        if not await self._ended(container_id, ends, _DYING_S):
            raise RuntimeUnavailable(
                f"task {container_id} of node {self._node} lives {2 * _DYING_S:.0f} s after SIGKILL; "
                "its process hangs in the kernel (a dead disk or NFS mount?)"
            )

    async def _ended(self, container_id: str, changes: Listener, seconds: float) -> bool:
        end = self._clock.monotonic() + seconds
        while True:
            container = await self.inspect(container_id)
            if container is None or container.state != "running":
                return True
            left = end - self._clock.monotonic()
            if left <= 0:
                return False
            await changes.within(min(left, _LOOK_AGAIN_S))

    def _lock(self, container_id: str) -> asyncio.Lock:
        return self._locks.setdefault(container_id, asyncio.Lock())

    def _adopt(self, seen: Sighting) -> Container:
        """Watch over what runs, and hold its ports; let go of those of what does not."""
        container = seen.container
        if container.state != "running" or seen.run is None:
            self._ports.release(container.id)
            return container
        self._ports.adopt(container.id, seen.ports)
        if not self._watch.watch(container.id, seen.run.shim):
            self._changes.publish(container.task_id)  # it ended since it was seen
        return container

    def _session_closed(self, session: ProcessExec) -> None:
        self._sessions.pop(session, None)

    def _shim_ended(self, container_id: str) -> None:
        for session in [session for session, of in self._sessions.items() if of == container_id]:
            closing = asyncio.ensure_future(session.end())
            self._closings.add(closing)
            closing.add_done_callback(self._closings.discard)
        self._changes.publish(self._tasks.task_id(container_id))
