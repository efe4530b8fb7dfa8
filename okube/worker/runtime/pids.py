"""Processes of which one can be sure: a pid alone may be somebody else's by now."""

import contextlib
import os
import signal
from pathlib import Path

import msgspec

__all__ = [
    "Identity",
    "boot_id",
    "identify",
    "is_alive",
    "kill_each",
    "kill_group",
    "open_pidfd",
    "processes_of",
    "session_of",
    "signal_session",
]

_PROC = Path("/proc")


class Identity(msgspec.Struct, frozen=True):
    """One process and no other: its number, its start in clock ticks, and the boot that these belong to."""

    boot: str
    pid: int
    start: int


def boot_id() -> str:
    """What is different after each boot of the machine."""
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def is_alive(process: Identity) -> bool:
    """Whether it runs; a zombie does not."""
    fields = _stat(process.pid)
    return bool(fields) and int(fields[19]) == process.start and fields[0] not in "ZX" and process.boot == boot_id()


def open_pidfd(process: Identity) -> int | None:
    """A file descriptor that becomes readable when exactly this process ends, or None if it has.

    Raises:
        OSError: there are no more file descriptors.
    """
    try:
        fd = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return None
    if is_alive(process):  # looked at with the descriptor open: it cannot become another process any more
        return fd
    os.close(fd)
    return None


def kill_group(leader: Identity, number: int) -> bool:
    """A signal to the group of ``leader``; False, and nothing sent, if it has ended."""
    if not is_alive(leader):
        return False
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader.pid, number)
    return True


def processes_of(session: int, mark: str) -> list[int]:
    """Processes of a session whose leader may be gone, known by an entry ``mark`` in their environment."""
    found = []
    for folder in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if session_of(int(folder.name)) == session and mark.encode() in (folder / "environ").read_bytes().split(
                b"\0"
            ):
                found.append(int(folder.name))
    return found


def kill_each(pids: list[int]) -> None:
    """SIGKILL to each that is still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def session_of(pid: int) -> int | None:
    """The session of a process, or None if it is gone."""
    fields = _stat(pid)
    return int(fields[3]) if fields else None


def identify(pid: int) -> Identity | None:
    """Who has this number now, or None."""
    fields = _stat(pid)
    return Identity(boot_id(), pid, int(fields[19])) if fields else None


def signal_session(leader: Identity, number: int) -> bool:
    """A signal to all processes in the session of ``leader``; False, and nothing sent, if it has ended."""
    if not is_alive(leader):
        return False
    pids = [int(folder.name) for folder in _PROC.glob("[0-9]*")]
    for pid in [pid for pid in pids if session_of(pid) == leader.pid and pid != leader.pid]:
        with contextlib.suppress(OSError):
            os.kill(pid, number)
    with contextlib.suppress(OSError):
        os.kill(leader.pid, number)
    return True


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name."""
    with contextlib.suppress(OSError):
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return []
