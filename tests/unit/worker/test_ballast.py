"""Room that the agent keeps for a full disk."""

import errno
from collections.abc import Iterable
from pathlib import Path

import pytest

from okube.worker.ballast import Ballasted


class Disk:
    """Full while the ballast is there, and then some."""

    def __init__(self, ballast: Path) -> None:
        self.ballast = ballast
        self.full = False
        self.stuffed = False
        self.files: dict[str, bytes] = {}

    async def read(self, path: Path) -> bytes:
        return self.files[path.name]

    async def replace(self, path: Path, chunks: Iterable[bytes]) -> None:
        if self.stuffed or (self.full and self.ballast.exists()):
            raise OSError(errno.ENOSPC, "No space left on device")
        self.files[path.name] = b"".join(chunks)


async def test_a_write_to_a_full_disk_takes_the_ballasts_place(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "ballast")
    files = Ballasted(disk, tmp_path / "ballast", 1000)
    await files.load()
    assert (tmp_path / "ballast").stat().st_size == 1000
    disk.full = True
    await files.replace(Path("state"), (chunk for chunk in (b"a", b"b")))
    assert await files.read(Path("state")) == b"ab"
    assert not (tmp_path / "ballast").exists()


async def test_the_ballast_comes_back_with_the_room(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "ballast")
    files = Ballasted(disk, tmp_path / "ballast", 1000)
    await files.load()
    disk.full = True
    await files.replace(Path("state"), [b"a"])
    disk.full = False
    await files.replace(Path("state"), [b"b"])
    assert (tmp_path / "ballast").exists()


async def test_a_disk_that_is_full_all_the_same_is_told(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "ballast")
    files = Ballasted(disk, tmp_path / "ballast", 1000)
    await files.load()
    disk.stuffed = True
    for _ in range(2):
        with pytest.raises(OSError, match="No space left"):
            await files.replace(Path("state"), [b"a"])
