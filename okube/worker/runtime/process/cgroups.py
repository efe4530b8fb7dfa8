"""Limits for process tasks, and the certainty of catching all their processes, where the machine's cgroups allow it.

Both versions are served: in version 1 a task has a group in the hierarchies that it needs, in version 2 one group. All
are below ``okube`` at the root, as those of an engine are below ``docker``. Where groups cannot be made (no root, a
read-only /sys), ``create`` gives none, and the memory limit falls back to RLIMIT_DATA of each process.
"""

import contextlib
import logging
import os
import time
from pathlib import Path

import msgspec

__all__ = ["Cgroups", "Limits"]

log = logging.getLogger(__name__)
_PARENT = "okube"
_PERIOD_US = 100_000
_LINGER_S = 1.0
_LEAST_QUOTA_US = 1000


class Limits(msgspec.Struct, frozen=True):
    """What the shim needs: the files that a process enters its groups by, the first naming all processes of the task.

    ``oom_file`` counts kills for lack of memory. ``data_bytes`` is a limit that no group takes care of.
    """

    procs_files: tuple[str, ...] = ()
    oom_file: str = ""
    data_bytes: int = 0


class Cgroups:
    """The groups of tasks below ``root``."""

    def __init__(self, root: Path = Path("/sys/fs/cgroup")) -> None:
        self._root = root
        self._unified = (root / "cgroup.controllers").exists()

    def create(self, name: str, *, memory: int, cpus: float) -> Limits:
        """Groups for a task, limits set; also where it has some already. 0 is no limit."""
        try:
            return self._create_v2(name, memory, cpus) if self._unified else self._create_v1(name, memory, cpus)
        except OSError as error:
            log.debug("no cgroups for %s: %s", name, error)
            self.remove(name)
            return Limits(data_bytes=memory)

    def entrance(self, name: str, *, memory: int) -> Limits:
        """How another process gets into a task's groups as they are; where there are none, its own limit."""
        procs = tuple(str(folder / "cgroup.procs") for folder in self._folders(name) if folder.is_dir())
        return Limits(procs, data_bytes=0 if procs else memory)

    def pids(self, name: str) -> list[int]:
        """All processes of a task, those included that left its process group."""
        for folder in self._folders(name):
            with contextlib.suppress(OSError):
                return [int(line) for line in (folder / "cgroup.procs").read_text().split()]
        return []

    def remove(self, name: str) -> None:
        """Remove the task's groups; the kernel needs a moment after the last process. One that holds any stays."""
        until = time.monotonic() + _LINGER_S
        while left := [folder for folder in self._folders(name) if folder.is_dir()]:
            for folder in left:
                with contextlib.suppress(OSError):
                    folder.rmdir()
            if time.monotonic() > until:
                return
            time.sleep(0.005)

    def _folders(self, name: str) -> list[Path]:
        if self._unified:
            return [self._root / _PARENT / name]
        return [self._root / controller / _PARENT / name for controller in ("pids", "memory", "cpu")]

    def _create_v1(self, name: str, memory: int, cpus: float) -> Limits:
        tracker, memory_group, cpu_group = self._folders(name)
        wanted = [tracker, *([memory_group] if memory else []), *([cpu_group] if cpus else [])]
        for folder in wanted:
            if not folder.parents[1].is_dir():
                raise FileNotFoundError(f"{folder.parents[1]} is not mounted")
            folder.mkdir(parents=True, exist_ok=True)
        if memory:
            _set(memory_group / "memory.limit_in_bytes", memory)
            with contextlib.suppress(OSError):  # a kernel that does not account swap has no such file
                _set(memory_group / "memory.memsw.limit_in_bytes", memory)
        if cpus:
            _set(cpu_group / "cpu.cfs_period_us", _PERIOD_US)
            _set(cpu_group / "cpu.cfs_quota_us", _quota_us(cpus))
        procs = tuple(str(folder / "cgroup.procs") for folder in wanted)
        return Limits(procs, str(memory_group / "memory.oom_control") if memory else "")

    def _create_v2(self, name: str, memory: int, cpus: float) -> Limits:
        (folder,) = self._folders(name)
        wanted = ["+pids", *(["+memory"] if memory else []), *(["+cpu"] if cpus else [])]
        folder.parent.mkdir(exist_ok=True)
        for level in (self._root, folder.parent):
            _set(level / "cgroup.subtree_control", " ".join(wanted))
        folder.mkdir(exist_ok=True)
        if memory:
            _set(folder / "memory.max", memory)
            with contextlib.suppress(OSError):
                _set(folder / "memory.swap.max", 0)
        if cpus:
            _set(folder / "cpu.max", f"{_quota_us(cpus)} {_PERIOD_US}")
        return Limits((str(folder / "cgroup.procs"),), str(folder / "memory.events") if memory else "")


def _quota_us(cpus: float) -> int:
    return max(_LEAST_QUOTA_US, int(cpus * _PERIOD_US))


def _set(file: Path, value: object) -> None:
    fd = os.open(file, os.O_WRONLY)  # never made: a controller that has no such file cannot keep the limit
    try:
        os.write(fd, str(value).encode())
    finally:
        os.close(fd)
