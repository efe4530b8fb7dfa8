"""A disk that loses at a crash what was not synced, may leave a torn tail, and can be slow, full or broken."""

import asyncio
import errno
import random
from collections.abc import Iterable
from pathlib import Path

from okube.seams.disk import NoRoom

__all__ = ["DiskFault", "MountedDisk", "SimulatedDisk"]


class DiskFault(OSError):
    """The error that a fault plan asked for."""


class SimulatedDisk:
    """What survives: the durable bytes of each file. A process works on it through ``mount``."""

    def __init__(self, rng: random.Random, *, sync_s: tuple[float, float] = (0.0005, 0.003)) -> None:
        self.rng = rng
        self.sync_s = sync_s
        self.files: dict[Path, bytearray] = {}
        self.fail_syncs = False
        self.limit_bytes: int | None = None
        self.syncs = 0

    @property
    def used_bytes(self) -> int:
        """What all files take."""
        return sum(map(len, self.files.values()))

    def take(self, size: int) -> None:
        """Raise ``NoRoom`` if so much more is too much."""
        if self.limit_bytes is not None and self.used_bytes + size > self.limit_bytes:
            raise NoRoom(errno.ENOSPC, "no room on the simulated disk")

    def mount(self) -> "MountedDisk":
        """The disk as one life of a process has it."""
        return MountedDisk(self)


class MountedDisk:
    """Satisfies ``okube.seams.disk.Disk``, until the crash; afterwards nothing that is asked of it ever ends."""

    def __init__(self, disk: SimulatedDisk) -> None:
        self.disk = disk
        self._alive = True
        self._open: list[_SimulatedFile] = []

    def crash(self) -> None:
        """Lose what is not durable; of what was being written, any part may have arrived."""
        self._alive = False
        for file in self._open:
            file.lose()

    async def list(self, directory: Path) -> list[str]:
        return sorted(path.name for path in self.disk.files if path.parent == directory)

    async def read(self, path: Path) -> bytes:
        await self.work(0.1)
        if path not in self.disk.files:
            raise FileNotFoundError(path)
        return bytes(self.disk.files[path])

    async def open_append(self, path: Path) -> "_SimulatedFile":
        await self.work(0.1)
        if path not in self.disk.files:
            raise FileNotFoundError(path)
        file = _SimulatedFile(self, self.disk.files[path])
        self._open.append(file)
        return file

    async def replace(self, path: Path, chunks: Iterable[bytes]) -> None:
        data = bytearray().join(chunks)
        await self.work(1 + len(data) / 100_000)
        self.disk.take(len(data))
        self.disk.files[path] = data

    async def rename(self, source: Path, target: Path) -> None:
        await self.work()
        self.disk.files[target] = self.disk.files.pop(source)

    async def truncate(self, path: Path, size: int) -> None:
        await self.work()
        del self.disk.files[path][size:]

    async def remove(self, path: Path) -> None:
        await self.work(0.1)
        self.disk.files.pop(path, None)

    async def try_room(self, directory: Path, size: int) -> None:
        await self.work(0.1)
        self.disk.take(size)

    async def close(self) -> None:
        pass

    async def work(self, factor: float = 1.0) -> None:
        """Take time, and fail if the disk is broken."""
        await asyncio.sleep(self.disk.rng.uniform(*self.disk.sync_s) * factor)
        if not self._alive:
            await asyncio.get_running_loop().create_future()
        if self.disk.fail_syncs:
            raise DiskFault("the disk is broken")


class _SimulatedFile:
    """An open file; bytes reach it with ``sync`` only."""

    def __init__(self, mounted: MountedDisk, durable: bytearray) -> None:
        self._mounted = mounted
        self._durable = durable
        self._waiting: list[bytes] = []
        self._writing = b""
        self._busy = False

    def append(self, data: bytes) -> None:
        self._waiting.append(data)

    async def sync(self) -> None:
        assert not self._busy, "two syncs at once"
        self._busy = True
        self._writing, self._waiting = b"".join(self._waiting), []
        self._mounted.disk.syncs += 1
        await self._mounted.work()
        writing, self._writing, self._busy = self._writing, b"", False
        self._mounted.disk.take(len(writing))
        self._durable += writing

    async def close(self) -> None:
        self._waiting = []

    def lose(self) -> None:
        """The crash: a part of what was being written arrived, and a torn write may end in garbage."""
        rng = self._mounted.disk.rng
        arrived = self._writing[: rng.randint(0, len(self._writing))]
        if arrived and rng.random() < 0.3:
            kept = len(arrived) // 2
            arrived = arrived[:kept] + rng.randbytes(len(arrived) - kept)
        self._durable += arrived
        self._writing, self._waiting = b"", []
