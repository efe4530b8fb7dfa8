"""Room that the agent keeps for itself: on a full disk it can still store that it should stop what fills it."""

import asyncio
import errno
import logging
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from okube.worker.store import StateFiles

__all__ = ["BALLAST_BYTES", "Ballasted"]

logger = logging.getLogger(__name__)

BALLAST_BYTES = 4 << 20
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Ballasted:
    """State files beside a file of no use, which is given up when a write finds the disk full.

    Without it the agent could not obey the very assignment that would make room, for it obeys nothing that it cannot
    store. The file is made again by the first write after the disk has room.

    Args:
        disk: where the files are.
        path: of the file, on the same disk.
        size: its bytes: a few times what the agent stores.
    """

    def __init__(self, disk: StateFiles, path: Path, size: int = BALLAST_BYTES) -> None:
        self._disk = disk
        self._path = path
        self._size = size

    async def load(self) -> None:
        """Make the file unless it is there; a disk that has no room for it has none."""
        await asyncio.to_thread(self._make)

    async def read(self, path: Path) -> bytes:
        """The whole file; raises FileNotFoundError."""
        return await self._disk.read(path)

    async def replace(self, path: Path, chunks: Iterable[bytes]) -> None:
        """Replace the whole file; raises OSError."""
        kept = list(chunks)
        try:
            await self._disk.replace(path, kept)
        except OSError as error:
            if error.errno not in _FULL or not await asyncio.to_thread(self._drop):
                raise
            logger.warning("The disk of %s is full; %d bytes kept for this case are given up", path, self._size)
            await self._disk.replace(path, kept)
            return
        if not self._path.exists():
            await asyncio.to_thread(self._make)

    def _make(self) -> None:
        if self._path.exists():
            return
        new = self._path.with_suffix(".new")
        try:
            with new.open("wb") as file:
                file.write(bytes(self._size))
                os.fsync(file.fileno())
            new.rename(self._path)
        except OSError as error:
            logger.debug("No room for the ballast: %s", error)
            with suppress(OSError):
                new.unlink(missing_ok=True)

    def _drop(self) -> bool:
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        return True
