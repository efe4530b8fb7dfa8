"""Making a task's folder and starting its shim; everything here blocks and belongs in a thread."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec

from okube.model.wire import AssignedTask
from okube.worker.runtime import refusals
from okube.worker.runtime.base import RuntimeFailure
from okube.worker.runtime.lines import LogBounds
from okube.worker.runtime.naming import TASK_VARIABLE
from okube.worker.runtime.process import shim
from okube.worker.runtime.process.cgroups import Limits
from okube.worker.runtime.process.folder import Record, TaskFolder
from okube.worker.runtime.process.hostports import free_port, variables
from okube.worker.runtime.process.workdir import Images, Volumes, command_of
from okube.worker.runtime.provided import NOTHING, Provided

__all__ = ["launch", "lay_out", "start_refused"]

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PATIENCE_S = 30.0


def lay_out(
    task: AssignedTask,
    place: Path,
    making: Path,
    *,
    cluster_id: str,
    node: str,
    images: Images,
    volumes: Volumes,
    provided: Provided = NOTHING,
) -> None:
    """Make the task's folder at ``place``, whole or not at all; ``making`` is where it is made."""
    spec = task.spec
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    images.copy(spec.image, making / "work")
    volumes.link(spec, making / "work", provided.links)
    if provided.folder is not None:
        (making / "given").symlink_to(provided.folder)
    command = command_of(spec, making / "work")
    assigned = (*task.host_ports, *(port.host for port in spec.ports[len(task.host_ports) :]))
    host_ports = tuple(host or free_port(port.protocol) for port, host in zip(spec.ports, assigned, strict=True))
    environ = {
        "PATH": _PATH,
        "HOME": str(place / "work"),
        **variables(spec.ports, host_ports),
        **spec.env,
        TASK_VARIABLE: task.id,
    }
    record = Record(
        cluster_id=cluster_id,
        node=node,
        task_id=task.id,
        image=spec.image,
        command=command,
        stop_signal=spec.stop.signal,
        memory=spec.resources.most_memory,
        cpus=spec.resources.most_cpus,
        ports=tuple((host, port.protocol) for port, host in zip(spec.ports, host_ports, strict=True)),
    )
    (making / "argv").write_bytes(_terminated(command))
    (making / "environ").write_bytes(_terminated(f"{key}={value}" for key, value in environ.items()))
    (making / "task.json").write_bytes(msgspec.json.encode(record))
    making.rename(place)


def launch(folder: TaskFolder, limits: Limits, logs: LogBounds) -> str:
    """Start the folder's command under a shim of its own; what the shim says of it (see `shim`)."""
    arguments = [folder.path, logs.bytes, logs.files, limits.data_bytes, limits.oom_file, *limits.procs_files]
    with subprocess.Popen(
        [sys.executable, "-I", "-S", shim.__file__, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={},
        cwd="/",
        start_new_session=True,
    ) as started:
        try:
            said, _ = started.communicate(timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            return f"nothing within {_PATIENCE_S:.0f} s"
    return said.decode(errors="replace")


def start_refused(said: str, record: Record, node: str) -> RuntimeFailure:
    """Why the shim did not start the command."""
    command = record.command[0]
    if not said.startswith("errno "):
        return RuntimeFailure(
            "start-failed", f'command "{command}" cannot be started on node {node}: its supervisor said: {said[-500:]}'
        )
    number = int(said.removeprefix("errno "))
    if number in (errno.ENOENT, errno.ENOTDIR):
        return refusals.no_such_command(command, record.image)
    if number in (errno.EACCES, errno.EISDIR):
        return refusals.not_executable(command, record.image)
    if number == errno.ENOEXEC:
        return refusals.wrong_processor(record.image, node)
    return RuntimeFailure(
        "start-failed",
        f'command "{command}" of image {record.image} cannot be started on node {node}: {os.strerror(number)}',
    )


def _terminated(items: Iterable[str]) -> bytes:
    return b"".join(item.encode() + b"\0" for item in items)
