"""Finding and ending what processes of the lab left behind: by pid, by cgroup, by mount; never by a program's name."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

__all__ = ["kill_all", "pids_below", "pids_mentioning", "remove_cgroups", "unmount_below"]


def pids_mentioning(text: str) -> list[int]:
    """Processes with ``text`` (a path that only the lab uses) in their command line, this one excepted."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if text.encode() in (folder / "cmdline").read_bytes() and int(folder.name) != os.getpid():
                found.append(int(folder.name))
    return found


def pids_below(cgroup: Path) -> list[int]:
    """Processes in a cgroup and those below it."""
    found: list[int] = []
    for listing in cgroup.rglob("cgroup.procs"):
        with contextlib.suppress(OSError):
            found += [int(line) for line in listing.read_text().split()]
    return found


def kill_all(pids: Iterable[int], *, seconds: float = 10.0) -> None:
    """SIGKILL to each, and wait until they are gone (a zombie is)."""
    pids = list(pids)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + seconds
    while any(_alive(pid) for pid in pids) and time.monotonic() < end:
        time.sleep(0.02)


def unmount_below(folder: Path) -> None:
    """Lazily unmount everything at or below ``folder``, the deepest first."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    points = [line.split()[1].encode().decode("unicode_escape") for line in lines]
    for point in sorted((p for p in points if p.startswith(f"{folder}/")), key=len, reverse=True):
        subprocess.run(["umount", "-l", point], capture_output=True, check=False)


def remove_cgroups(root: Path) -> None:
    """Remove a cgroup and those below it; the kernel needs a moment after the last process has gone."""
    end = time.monotonic() + 5
    while root.is_dir() and time.monotonic() < end:
        for folder in sorted((p for p in [root, *root.rglob("*")] if p.is_dir()), reverse=True):
            with contextlib.suppress(OSError):
                folder.rmdir()
        if root.is_dir():
            time.sleep(0.05)
    with contextlib.suppress(OSError):
        root.parent.rmdir()  # shared by all engines: goes with the last


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
