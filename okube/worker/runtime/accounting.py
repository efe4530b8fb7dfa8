"""What processes use of processors and memory, as the kernel counts it: a control group, or a set of processes."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

__all__ = ["Consumption", "Groups", "consumption_of"]

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
_CGROUPS = Path("/sys/fs/cgroup")


class Consumption(msgspec.Struct, frozen=True):
    """Seconds of processor time since it began, and bytes of memory now (without files that are only cached)."""

    cpu_s: float
    memory: int


class Groups(msgspec.Struct, frozen=True):
    """The folders of one control group that count processor time and memory; both versions are read."""

    cpu: Path
    memory: Path

    @classmethod
    def of(cls, pid: int, *, mark: str, root: Path = _CGROUPS) -> "Groups | None":
        """The groups of a process; None where they cannot be read, or do not bear ``mark`` in their path.

        The mark makes sure that the number is of the process that is meant: an engine may run on another machine, or in
        a name space of its own.
        """
        with suppress(OSError):
            lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
            paths = {tuple(kinds.split(",")): path for _, kinds, path in (line.split(":", 2) for line in lines)}
            if (root / "cgroup.controllers").exists():
                folder = root / paths.get(("",), "").lstrip("/")
                found = cls(folder, folder)
            else:
                found = cls(_folder(root, paths, "cpuacct"), _folder(root, paths, "memory"))
            if mark in str(found.cpu) and found.read() is not None:
                return found
        return None

    def read(self) -> Consumption | None:
        """What the group uses; None if it is gone."""
        with suppress(OSError, ValueError, KeyError):
            unified = (self.cpu / "cpu.stat").exists() and not (self.cpu / "cpuacct.usage").exists()
            if unified:
                cpu_s = _counters(self.cpu / "cpu.stat")["usage_usec"] / 1e6
                used, cached = "memory.current", "inactive_file"
            else:
                cpu_s = int((self.cpu / "cpuacct.usage").read_text()) / 1e9
                used, cached = "memory.usage_in_bytes", "total_inactive_file"
            memory = int((self.memory / used).read_text()) - _counters(self.memory / "memory.stat").get(cached, 0)
            return Consumption(cpu_s, max(0, memory))
        return None


def consumption_of(pids: Iterable[int]) -> Consumption:
    """What these processes use together, and what those of their children used that have ended.

    Memory is what each has for itself, and what they share, once.
    """
    ticks = memory = shared_most = 0
    for pid in pids:
        with suppress(OSError, ValueError, IndexError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
            ticks += sum(int(field) for field in fields[11:15])
            memory += (int(resident) - int(shared)) * _PAGE
            shared_most = max(shared_most, int(shared) * _PAGE)
    return Consumption(ticks / _TICKS, memory + shared_most)


def _folder(root: Path, paths: dict[tuple[str, ...], str], kind: str) -> Path:
    kinds = next(kinds for kinds in paths if kind in kinds) if any(kind in kinds for kinds in paths) else (kind,)
    mounted = root / ",".join(kinds)
    return (mounted if mounted.is_dir() else root / kind) / paths.get(kinds, "").lstrip("/")


def _counters(file: Path) -> dict[str, int]:
    return {name: int(value) for name, value in (line.split() for line in file.read_text().splitlines())}
