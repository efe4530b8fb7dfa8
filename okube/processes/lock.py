"""Who runs in a process's folder: a lock that the kernel drops when its holder dies, and the holder's pid beside it.

The lock decides, so that two managers never share a folder. The pid file is how others find the process: it names the
moment of the process's start too, because pids are used again.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from okube.model.errors import Conflict
from okube.security import ProcessFiles

__all__ = ["Running", "hold", "living_in", "one_at_a_time", "running_as", "runs_in", "started_of", "write_pid"]


class Running(msgspec.Struct, frozen=True):
    """A process that cannot be mistaken for a later one with the same pid."""

    pid: int
    started: str

    @property
    def lives(self) -> bool:
        """Whether it still runs; one that ended and was not waited for does not."""
        return started_of(self.pid) == self.started


def started_of(pid: int) -> str | None:
    """When a living process started, in the kernel's words (boot and clock ticks since), or None if there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    if not fields or fields[0] in (b"Z", b"X"):
        return None
    return f"{boot}/{fields[19].decode()}"


def runs_in(files: ProcessFiles) -> Running | None:
    """The living process of a folder, or None."""
    return living_in(files.pid)


def living_in(pid_file: Path) -> Running | None:
    """The living process that a pid file of ours names, or None; a file that cannot be read names none."""
    try:
        pid, started = pid_file.read_text().split()
        found = Running(int(pid), started)
    except (OSError, ValueError):
        return None
    return found if found.lives else None


def running_as(pid: int) -> Running:
    """The process that has this pid now; where there is none, one that does not live."""
    return Running(pid, started_of(pid) or "ended")


def write_pid(pid_file: Path, pid: int) -> Running:
    """Name a living process in a pid file, which is whole or not there: a line with the pid, one with its start."""
    running = running_as(pid)
    temporary = pid_file.with_name(f".{pid_file.name}.{os.getpid()}")
    temporary.write_text(f"{running.pid}\n{running.started}\n")
    temporary.replace(pid_file)
    return running


@contextlib.contextmanager
def hold(files: ProcessFiles, *, what: str) -> Iterator[Running]:
    """Be the one process of a folder; the kernel lets go at this process's end, however it comes.

    Args:
        files: the folder, which is there.
        what: who asks, for the error: ``manager m1``.

    Raises:
        Conflict: another process is; nothing of it is touched.
    """
    with _locked(files.lock) as got:
        if not got:
            holder = runs_in(files)
            who = f" (pid {holder.pid})" if holder else ""
            raise Conflict(f"{what} runs already{who} in {files.root}.")
        running = write_pid(files.pid, os.getpid())
        try:
            yield running
        finally:
            files.pid.unlink(missing_ok=True)


@contextlib.contextmanager
def one_at_a_time(lock_file: Path, *, what: str) -> Iterator[None]:
    """Keep a second ``okube up`` or ``down`` off the same files.

    Raises:
        Conflict: another one is at work.
    """
    with _locked(lock_file) as got:
        if not got:
            raise Conflict(f"Another 'okube up' or 'okube down' is at work on {what}: wait until it is done.")
        yield


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[bool]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield _took(descriptor)
    finally:
        os.close(descriptor)


def _took(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
