"""What this machine has, and what it uses now."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import psutil

from okube.model.wire import Usage
from okube.worker.settings import WorkerSettings

__all__ = ["Capacity", "UsageMeter", "measure_capacity", "measure_machine"]

_METER_EVERY_S = 5.0


class Capacity(msgspec.Struct, frozen=True):
    """Cores, and bytes of memory and disk."""

    cores: float
    memory: int
    disk: int


def measure_capacity(settings: WorkerSettings) -> Capacity:
    """What the settings say, and where they say nothing, what the machine has."""
    machine = measure_machine(settings.directory)
    cores, memory, disk = settings.cores, settings.memory, settings.disk
    return Capacity(
        cores=machine.cores if cores is None else cores,
        memory=machine.memory if memory is None else memory,
        disk=machine.disk if disk is None else disk,
    )


def measure_machine(directory: Path) -> Capacity:
    """What the machine has, whatever of it is offered; the disk is that of ``directory``."""
    return Capacity(
        cores=float(psutil.cpu_count() or 1),
        memory=psutil.virtual_memory().total,
        disk=psutil.disk_usage(str(_existing(directory))).total,
    )


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
