"""The agent's files in memory: a thousand agents on one machine would measure its disk instead of the managers."""

from collections.abc import Iterable
from pathlib import Path

__all__ = ["MemoryFiles"]


class MemoryFiles:
    """See ``okube.worker.store.StateFiles``."""

    def __init__(self) -> None:
        self._kept: dict[Path, bytes] = {}

    async def read(self, path: Path) -> bytes:
        """The whole file; raises FileNotFoundError."""
        if path not in self._kept:
            raise FileNotFoundError(path)
        return self._kept[path]

    async def replace(self, path: Path, chunks: Iterable[bytes]) -> None:
        """Replace the whole file."""
        self._kept[path] = b"".join(chunks)
