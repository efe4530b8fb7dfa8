"""The task folders of one cluster and node, and what is done to them; everything here blocks and belongs in threads."""

import contextlib
import logging
import shutil
import signal as signals
import tempfile
from pathlib import Path

from okube.model.errors import Conflict
from okube.model.exec import ExecRequest
from okube.model.wire import AssignedTask
from okube.seams.clock import Clock
from okube.worker.runtime.accounting import Consumption, consumption_of
from okube.worker.runtime.lines import LogBounds
from okube.worker.runtime.naming import TASK_VARIABLE, container_name
from okube.worker.runtime.pids import is_alive, kill_each, kill_group, processes_of, signal_session
from okube.worker.runtime.process.cgroups import Cgroups
from okube.worker.runtime.process.execute import Entered, enter
from okube.worker.runtime.process.folder import Exit, Record, Sighting, TaskFolder
from okube.worker.runtime.process.launch import launch, lay_out
from okube.worker.runtime.process.workdir import Images, Volumes
from okube.worker.runtime.provided import NOTHING, Provided

__all__ = ["Tasks"]

log = logging.getLogger(__name__)
_KILLED = 128 + signals.SIGKILL
_LOST = "its supervisor ended before it, killed or with the machine, and so it was killed too"


class Tasks:
    """The folders below ``directory`` that belong to one cluster and node; others are seen by nobody here."""

    def __init__(
        self,
        cluster_id: str,
        node: str,
        directory: Path,
        clock: Clock,
        *,
        images: Images,
        volumes: Volumes,
        cgroups: Cgroups,
        logs: LogBounds,
    ) -> None:
        self.directory = directory
        self._cluster_id = cluster_id
        self._node = node
        self._clock = clock
        self._images = images
        self._volumes = volumes
        self._cgroups = cgroups
        self._logs = logs
        self._prefix = container_name(cluster_id, "")
        self._containers, self._making, self._trash = (directory / name for name in ("containers", "making", "trash"))

    def folder(self, container_id: str) -> TaskFolder:
        """Where a task is, or would be."""
        return TaskFolder(self._containers / container_id)

    def task_id(self, container_id: str) -> str:
        """The task of a container."""
        return container_id.removeprefix(self._prefix)

    def make_directories(self) -> None:
        """Make what is missing, and remove what a crash left half made or half removed."""
        for folder in (self._containers, self._making, self._trash):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for leftover in (*self._making.glob(f"{self._prefix}*"), *self._trash.glob(f"{self._prefix}*")):
            shutil.rmtree(leftover, ignore_errors=True)

    def see_all(self) -> list[tuple[str, Sighting | None]]:
        """All of ours by container id; None for one whose shim was lost."""
        folders = [self.folder(path.name) for path in sorted(self._containers.glob(f"{self._prefix}*"))]
        return [(folder.id, folder.see()) for folder in folders if self._is_ours(folder)]

    def see(self, container_id: str) -> Sighting | None:
        """One of ours as it is; None if it is gone, or its shim was lost."""
        folder = self.folder(container_id)
        return folder.see() if self._is_ours(folder) else None

    def check(self, task: AssignedTask) -> None:
        """Refuse a task whose image or volumes are not on the node.

        Raises:
            RuntimeFailure: ``image-pull``, ``volume-missing``.
        """
        self._images.locate(task.spec.image)
        self._volumes.check(task.spec)

    def lay_out(self, task: AssignedTask, container_id: str, provided: Provided = NOTHING) -> None:
        """Make a task's folder, whole or not at all.

        Raises:
            RuntimeFailure: ``image-pull``, ``volume-missing``, ``start-failed``.
        """
        making = self._making / container_id
        try:
            lay_out(
                task,
                self._containers / container_id,
                making,
                cluster_id=self._cluster_id,
                node=self._node,
                images=self._images,
                volumes=self._volumes,
                provided=provided,
            )
        finally:
            shutil.rmtree(making, ignore_errors=True)

    def launch(self, folder: TaskFolder, record: Record) -> str:
        """Start the command; what its shim says."""
        limits = self._cgroups.create(folder.id, memory=record.memory, cpus=record.cpus)
        folder.forget_run()
        return launch(folder, limits, self._logs)

    def enter(self, container_id: str, request: ExecRequest) -> Entered:
        """Start another command within a task that runs.

        Raises:
            Conflict: it does not run.
            CannotExec: there is no such command, or it is no program.
        """
        folder = self.folder(container_id)
        record, run = folder.record(), folder.run()
        if record is None or run is None or not is_alive(run.shim):
            raise Conflict("the task has ended")
        entered = enter(folder.path, self._cgroups.entrance(container_id, memory=record.memory), request)
        if not is_alive(run.leader) and entered.leader is not None:  # it came too late to be ended with the task
            signal_session(entered.leader, signals.SIGKILL)
        return entered

    def consumptions(self) -> dict[str, tuple[str, Consumption]]:
        """What the processes of each running task use, by container id, with the task's id."""
        found = {}
        for container_id, seen in self.see_all():
            if seen is None or seen.run is None or seen.container.state != "running":
                continue
            mark = f"{TASK_VARIABLE}={seen.container.task_id}"
            pids = self._cgroups.pids(container_id) or processes_of(seen.run.leader.pid, mark)
            found[container_id] = (seen.container.task_id, consumption_of(pids))
        return found

    def signal(self, container_id: str, number: int) -> None:
        """A signal to the task's process group; SIGKILL reaches those that left it as well."""
        run = self.folder(container_id).run()
        if run is not None:
            kill_group(run.leader, number)
        if number == signals.SIGKILL:
            kill_each(self._cgroups.pids(container_id))

    def kill_shim(self, container_id: str) -> None:
        """SIGKILL to a shim that does not do its work."""
        run = self.folder(container_id).run()
        if run is not None and is_alive(run.shim):
            kill_each([run.shim.pid])

    def settle(self, container_id: str) -> bool:
        """End what a lost shim left behind, and write down its end; whether there was such a thing."""
        folder = self.folder(container_id)
        run = folder.run()
        if not self._is_ours(folder) or run is None or not folder.is_orphan():
            return False
        task_id = self.task_id(container_id)
        log.warning("task %s lost its supervisor (pid %d); its processes are killed", task_id, run.shim.pid)
        kill_group(run.leader, signals.SIGKILL)
        kill_each(self._cgroups.pids(container_id))
        kill_each(processes_of(run.leader.pid, f"{TASK_VARIABLE}={task_id}"))
        folder.write_exit(Exit(_KILLED, self._clock.time_ms(), False), _LOST)
        return True

    def discard(self, container_id: str) -> None:
        """Remove the folder in one step, then what is in it; named volumes are elsewhere."""
        trash = Path(tempfile.mkdtemp(prefix=f"{container_id}.", dir=self._trash))
        with contextlib.suppress(FileNotFoundError):
            (self._containers / container_id).rename(trash / container_id)
        shutil.rmtree(trash, ignore_errors=True)
        self._cgroups.remove(container_id)

    def _is_ours(self, folder: TaskFolder) -> bool:
        record = folder.record()
        return record is not None and (record.cluster_id, record.node) == (self._cluster_id, self._node)
