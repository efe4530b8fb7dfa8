"""What this machine has, and what it uses now."""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import msgspec
import psutil

from okube.model.wire import Usage
from okube.worker.conditions import DiskState, MachineState
from okube.worker.settings import WorkerSettings

__all__ = ["Capacity", "UsageMeter", "look_at_machine", "measure_capacity", "measure_machine"]

_METER_EVERY_S = 5.0


class Capacity(msgspec.Struct, frozen=True):
    """Cores, and bytes of memory and disk."""

    cores: float
    memory: int
    disk: int


def measure_capacity(settings: WorkerSettings) -> Capacity:
    """What the settings say, and where they say nothing, what the machine has without the reserve, half at least."""
    machine = measure_machine(settings.directory)
    cores, memory, disk = settings.cores, settings.memory, settings.disk
    return Capacity(
        cores=max(machine.cores - settings.reserved_cores, machine.cores / 2) if cores is None else cores,
        memory=max(machine.memory - settings.reserved_memory, machine.memory // 2) if memory is None else memory,
        disk=machine.disk if disk is None else disk,
    )


def measure_machine(directory: Path) -> Capacity:
    """What the machine has, whatever of it is offered; the disk is that of ``directory``."""
    return Capacity(
        cores=float(psutil.cpu_count() or 1),
        memory=psutil.virtual_memory().total,
        disk=psutil.disk_usage(str(_existing(directory))).total,
    )


def look_at_machine(paths: Iterable[Path]) -> MachineState:
    """The disks of ``paths``, each once, and memory; what is not there is passed over."""
    disks: dict[int, DiskState] = {}
    for path in paths:
        with suppress(OSError):
            there = _existing(path)
            device = there.stat().st_dev
            if device not in disks:
                now = os.statvfs(there)
                disks[device] = DiskState(
                    path=str(path),
                    total=now.f_blocks * now.f_frsize,
                    available=now.f_bavail * now.f_frsize,
                    inodes=now.f_files,
                    inodes_free=now.f_favail,
                )
    memory = psutil.virtual_memory()
    return MachineState(tuple(disks.values()), memory.total, memory.available)


class UsageMeter:
    """The machine's usage, measured at most every 5 s: a heartbeat must cost nothing.

    Args:
        directory: a path on the disk that counts.
        monotonic: seconds that never jump.
    """

    def __init__(self, directory: Path, monotonic: Callable[[], float]) -> None:
        self._directory = directory
        self._monotonic = monotonic
        self._measured_at: float | None = None
        self._usage = Usage()

    def read(self) -> Usage:
        """Cores and bytes in use, of all that runs on the machine."""
        now = self._monotonic()
        if self._measured_at is None or now - self._measured_at >= _METER_EVERY_S:
            self._measured_at = now
            self._usage = self._measure()
        return self._usage

    def _measure(self) -> Usage:
        memory = psutil.virtual_memory()
        return Usage(
            cpus=round(psutil.cpu_percent(interval=None) / 100 * (psutil.cpu_count() or 1), 2),
            memory=memory.total - memory.available,
            disk=psutil.disk_usage(str(_existing(self._directory))).used,
        )


def _existing(path: Path) -> Path:
    """``path``, or the nearest of its parents that is there."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path
