"""A disk that ends at a chosen step: an operation is the steps that a kill -9 or a loss of power can come between."""

from collections.abc import Iterable
from pathlib import Path

from okube.seams.disk import UNFINISHED

__all__ = ["Cut", "CutDisk"]


class Cut(Exception):
    """The machine is gone: this step, and all after it, do not happen."""


class CutDisk:
    """Satisfies ``okube.seams.disk.Disk``. ``files`` is what survives; after ``steps`` steps nothing happens any more.

    A file that is written whole appears under its unfinished name first, half and then whole, and takes its own name in
    a step of its own; a sync of appended bytes may stop half-way.
    """

    def __init__(self, files: dict[Path, bytes], steps: int | None = None) -> None:
        self.files = files
        self.taken = 0
        self._left = steps

    def step(self) -> None:
        """Before anything changes."""
        if self._left is not None:
            if self._left == 0:
                raise Cut
            self._left -= 1
        self.taken += 1

    async def list(self, directory: Path) -> list[str]:
        return sorted(path.name for path in self.files if path.parent == directory)

    async def read(self, path: Path) -> bytes:
        if path not in self.files:
            raise FileNotFoundError(path)
        return self.files[path]

    async def open_append(self, path: Path) -> "_File":
        if path not in self.files:
            raise FileNotFoundError(path)
        return _File(self, path)

    async def replace(self, path: Path, chunks: Iterable[bytes]) -> None:
        data, temporary = b"".join(chunks), path.with_name(path.name + UNFINISHED)
        for part in (data[: len(data) // 2], data):
            self.step()
            self.files[temporary] = part
        await self.rename(temporary, path)

    async def rename(self, source: Path, target: Path) -> None:
        self.step()
        self.files[target] = self.files.pop(source)

    async def truncate(self, path: Path, size: int) -> None:
        self.step()
        self.files[path] = self.files[path][:size]

    async def remove(self, path: Path) -> None:
        if path in self.files:
            self.step()
            del self.files[path]

    async def try_room(self, directory: Path, size: int) -> None:
        pass

    async def close(self) -> None:
        pass


class _File:
    def __init__(self, disk: CutDisk, path: Path) -> None:
        self._disk = disk
        self._path = path
        self._was = disk.files[path]
        self._waiting: list[bytes] = []

    def append(self, data: bytes) -> None:
        self._waiting.append(data)

    async def sync(self) -> None:
        data, self._waiting = b"".join(self._waiting), []
        path = self._here()
        before = self._disk.files[path]
        for length in (len(data) // 2, len(data)):
            self._disk.step()
            self._was = self._disk.files[path] = before + data[:length]

    def _here(self) -> Path:
        """An open file keeps its content when its name changes."""
        if self._path not in self._disk.files:
            self._path = next(path for path, data in self._disk.files.items() if data is self._was)
        return self._path

    async def close(self) -> None:
        self._waiting = []
