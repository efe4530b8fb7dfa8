"""Sees to a Docker Engine for the demo: the one that answers, else one of the distribution that is started here.

What is started here is remembered in the data directory, so that ``down`` ends that engine and no other.
"""

import contextlib
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import docker.errors

from okube.model.errors import OkubeError
from okube.processes.end import end
from okube.processes.engine_record import EngineRecord
from okube.processes.launch import let_go
from okube.processes.lock import running_as, write_pid
from okube.processes.packages import ENGINE_PACKAGES, can_install, install_packages
from okube.worker.runtime.docker.transport import connect

__all__ = [
    "DEFAULT_HOST",
    "EngineUnavailable",
    "end_engine",
    "engine_problem",
    "see_to_engine",
    "start_again",
]

DEFAULT_HOST = "unix:///var/run/docker.sock"
_RUN = Path("/var/run")
_DYING_S = 3.0  # what a daemon that was killed may take to be gone
_START_S = 60.0
_END_S = 30.0
_PING_S = 5
_POLL_S = 0.2
_TAIL_LINES = 3


class EngineUnavailable(OkubeError):
    """There is no Docker Engine here and none can be started; the message says why."""

    kind = "engine-unavailable"


def engine_problem(host: str) -> str | None:
    """Why no Docker Engine answers at ``host``, or None if one does."""
    try:
        with contextlib.closing(connect(host, timeout_s=_PING_S)) as client:
            client.ping()
    except (docker.errors.DockerException, OSError) as error:
        return str(error)
    return None


def see_to_engine(host: str, data_dir: Path) -> str:
    """Have a Docker Engine answer at ``host``; returns a sentence on which.

    Raises:
        EngineUnavailable: none answers, and none can be installed or started.
        InstallFailed: the package manager refused.
    """
    problem = engine_problem(host)
    if problem is None:
        return f"a Docker Engine answers at {host}"
    if host != DEFAULT_HOST:
        raise EngineUnavailable(f"No Docker Engine answers at {host}: {problem}")
    if not can_install():
        raise EngineUnavailable(
            f"No Docker Engine answers at {host} ({problem}), and only root on Debian or Ubuntu can have one "
            "installed or started here."
        )
    if shutil.which("dockerd") is None:
        install_packages(ENGINE_PACKAGES)
        if engine_problem(host) is None:
            return "installed the distribution's Docker Engine"
    return _start(host, EngineRecord(data_dir))


def start_again(host: str, data_dir: Path) -> str | None:
    """Start the engine that was started for this data directory before, if none answers.

    Returns:
        A sentence if one was started; None if there is nothing to start.

    Raises:
        EngineUnavailable: it does not start.
    """
    if not EngineRecord(data_dir).was_started or engine_problem(host) is None:
        return None
    return see_to_engine(host, data_dir)


def end_engine(data_dir: Path, echo: Callable[[str], None]) -> None:
    """End the engine that was started for this data directory, unless others have containers on it."""
    record = EngineRecord(data_dir)
    running = record.running
    if running is None:
        return
    others = _running_containers(DEFAULT_HOST)
    if others:
        echo(f"engine     left as it is: {others} containers that are not this cluster's run on it")
        return
    end([running], grace_s=_END_S)
    _end_containerd()
    record.pid.unlink(missing_ok=True)
    echo(f"engine     ended (pid {running.pid})")


def _start(host: str, record: EngineRecord) -> str:
    _forget_dead(_RUN / "docker.pid", "dockerd")
    _forget_dead(_RUN / "docker/containerd/containerd.pid", "containerd")
    record.folder.mkdir(parents=True, exist_ok=True)
    before = record.pid.read_bytes() if record.pid.exists() else None
    with record.log.open("wb") as output:
        process = subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    write_pid(record.pid, process.pid)
    deadline = time.monotonic() + _START_S
    while engine_problem(host) is not None:
        if process.poll() is not None or time.monotonic() > deadline:
            end([running_as(process.pid)], grace_s=_END_S)
            _restore(record, before)
            lines = record.log.read_text("utf-8", "replace").splitlines()[-_TAIL_LINES:]
            raise EngineUnavailable(f"dockerd does not start here; {record.log} ends with: {' / '.join(lines)}")
        time.sleep(_POLL_S)
    let_go(process)
    return f"started the distribution's Docker Engine (dockerd, pid {process.pid}; 'make down' ends it)"


def _restore(record: EngineRecord, before: bytes | None) -> None:
    """An engine that was killed and cannot be started again was not ended in order: what it left is still there."""
    if before is None:
        record.pid.unlink()
    else:
        record.pid.write_bytes(before)


def _forget_dead(pid_file: Path, program: str) -> None:
    """Remove the pid file of a daemon that was killed: dockerd would wait for whoever has that pid now.

    One that is just being killed takes a moment to be gone.
    """
    with contextlib.suppress(OSError, ValueError):
        pid = int(pid_file.read_text())
        deadline = time.monotonic() + _DYING_S
        while _program(pid) == program and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        if _program(pid) != program:
            pid_file.unlink()


def _end_containerd() -> None:
    """Its dockerd ends it as a rule; one that it left behind would hold its files."""
    with contextlib.suppress(OSError, ValueError):
        pid = int((_RUN / "docker/containerd/containerd.pid").read_text())
        if _program(pid) == "containerd":
            end([running_as(pid)], grace_s=_END_S)


def _program(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return None


def _running_containers(host: str) -> int:
    try:
        with contextlib.closing(connect(host, timeout_s=_PING_S)) as client:
            return len(client.containers())
    except (docker.errors.DockerException, OSError):
        return 0
