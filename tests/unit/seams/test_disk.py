import asyncio
import errno
import os
import random
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from okube.seams.disk import DirectoryInUse, Disk, FileDisk, NoRoom
from tests.simulation.disk import SimulatedDisk


@pytest_asyncio.fixture(params=["file", "simulated"])
async def disk(request: pytest.FixtureRequest) -> AsyncIterator[Disk]:
    """The real disk and the simulated one keep the same promises."""
    made: Disk = FileDisk() if request.param == "file" else SimulatedDisk(random.Random(1), sync_s=(0, 0.001)).mount()
    yield made
    await made.close()


async def test_a_replaced_file_has_its_new_content(disk: Disk, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    await disk.replace(path, [b"old"])
    await disk.replace(path, iter([b"new ", b"content"]))
    assert await disk.read(path) == b"new content"
    assert await disk.list(path.parent) == ["file"]


async def test_what_is_appended_is_there_after_the_sync_and_not_before(disk: Disk, tmp_path: Path) -> None:
    path = tmp_path / "file"
    await disk.replace(path, [b"start"])
    file = await disk.open_append(path)
    file.append(b" one")
    file.append(b" two")
    assert await disk.read(path) == b"start"
    await file.sync()
    assert await disk.read(path) == b"start one two"
    file.append(b" never")
    await file.close()
    assert await disk.read(path) == b"start one two"


async def test_an_open_file_keeps_its_content_under_a_new_name(disk: Disk, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    await disk.replace(old, [b"old"])
    await disk.replace(new, [b"new"])
    file = await disk.open_append(new)
    await disk.rename(new, old)
    file.append(b"er")
    await file.sync()
    assert await disk.read(old) == b"newer"
    assert await disk.list(tmp_path) == ["old"]
    await file.close()


async def test_a_truncated_file_is_appended_to_at_its_new_end(disk: Disk, tmp_path: Path) -> None:
    path = tmp_path / "file"
    await disk.replace(path, [b"0123456789"])
    file = await disk.open_append(path)
    await disk.truncate(path, 4)
    file.append(b"x")
    await file.sync()
    assert await disk.read(path) == b"0123x"
    await file.close()


async def test_what_is_missing_is_missing(disk: Disk, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await disk.read(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        await disk.open_append(tmp_path / "none")
    await disk.remove(tmp_path / "none")
    assert await disk.list(tmp_path / "none") == []


async def test_a_removed_file_is_gone(disk: Disk, tmp_path: Path) -> None:
    await disk.replace(tmp_path / "file", [b"x"])
    await disk.remove(tmp_path / "file")
    assert await disk.list(tmp_path) == []


async def test_two_processes_cannot_append_to_one_file(tmp_path: Path) -> None:
    disk = FileDisk()
    await disk.replace(tmp_path / "file", [b"x"])
    file = await disk.open_append(tmp_path / "file")
    with pytest.raises(DirectoryInUse, match="running already"):
        await disk.open_append(tmp_path / "file")
    await file.close()
    await (await disk.open_append(tmp_path / "file")).close()
    await disk.close()


async def test_a_slow_sync_stops_neither_the_loop_nor_is_it_held_up_by_bulky_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FileDisk()
    await disk.replace(tmp_path / "file", [b"x"])
    file = await disk.open_append(tmp_path / "file")
    monkeypatch.setattr(os, "fsync", lambda _descriptor: time.sleep(0.3))
    bulky = asyncio.create_task(disk.replace(tmp_path / "bulky", [b"y"]))
    loop = asyncio.get_running_loop()
    began = loop.time()
    await file.sync()
    assert loop.time() - began < 0.25
    assert not bulky.done()
    await bulky
    await file.close()
    await disk.close()


async def test_a_failed_replace_leaves_the_old_content_and_nothing_else(tmp_path: Path) -> None:
    disk = FileDisk()
    await disk.replace(tmp_path / "file", [b"old"])

    def chunks() -> "list[bytes]":
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        await disk.replace(tmp_path / "file", (chunk for _ in [0] for chunk in chunks()))
    assert await disk.read(tmp_path / "file") == b"old"
    assert await disk.list(tmp_path) == ["file"]
    await disk.close()


async def test_an_error_of_fdatasync_reaches_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    disk = FileDisk()
    await disk.replace(tmp_path / "file", [b"x"])
    file = await disk.open_append(tmp_path / "file")
    monkeypatch.setattr(os, "fdatasync", fail)
    file.append(b"y")
    with pytest.raises(OSError, match="Input/output"):
        await file.sync()
    await file.close()
    await disk.close()


@pytest.fixture(params=["file", "simulated"])
def small(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Disk, Path]]:
    """A disk with room for 64 KiB and a folder on it."""
    if request.param == "simulated":
        platter = SimulatedDisk(random.Random(1), sync_s=(0, 0.001))
        platter.limit_bytes = 65536
        yield platter.mount(), tmp_path
        return
    if os.geteuid() != 0:
        pytest.skip("only root can mount a disk")
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=True)
    try:
        yield FileDisk(), folder
    finally:
        subprocess.run(["umount", folder], check=True)


async def test_a_full_disk_takes_nothing_of_what_did_not_fit_and_all_of_what_fits_later(
    small: tuple[Disk, Path],
) -> None:
    disk, folder = small
    await disk.replace(folder / "other", [bytes(40000)])
    await disk.replace(folder / "file", [b"start"])
    file = await disk.open_append(folder / "file")
    file.append(bytes(40000))
    with pytest.raises(NoRoom):
        await file.sync()
    assert await disk.read(folder / "file") == b"start"
    await file.close()
    await disk.remove(folder / "other")
    file = await disk.open_append(folder / "file")
    file.append(b" again")
    await file.sync()
    assert await disk.read(folder / "file") == b"start again"
    await file.close()
    await disk.close()


async def test_a_file_that_does_not_fit_changes_nothing(small: tuple[Disk, Path]) -> None:
    disk, folder = small
    await disk.replace(folder / "file", [b"old"])
    with pytest.raises(NoRoom):
        await disk.replace(folder / "file", [bytes(30000)] * 3)
    assert await disk.read(folder / "file") == b"old"
    assert await disk.list(folder) == ["file"]
    await disk.close()


async def test_room_is_tried_and_given_back(small: tuple[Disk, Path]) -> None:
    disk, folder = small
    with pytest.raises(NoRoom):
        await disk.try_room(folder, 80000)
    await disk.try_room(folder, 40000)
    await disk.try_room(folder, 40000)
    assert await disk.list(folder) == []
    await disk.close()


async def test_what_a_killed_process_had_written_is_durable_when_the_next_one_opens_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads what the kernel still holds in memory only, and would promise on the strength of it."""
    disk = FileDisk()
    (tmp_path / "file").write_bytes(b"never synced")
    done: list[tuple[str, str]] = []
    true_fsync = os.fsync

    def fsync(descriptor: int) -> None:
        done.append(("sync", os.readlink(f"/proc/self/fd/{descriptor}")))
        true_fsync(descriptor)

    def forget(descriptor: int, _offset: int, _length: int, advice: int) -> None:
        assert advice == os.POSIX_FADV_DONTNEED
        done.append(("read anew", os.readlink(f"/proc/self/fd/{descriptor}")))

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "posix_fadvise", forget)
    await (await disk.open_append(tmp_path / "file")).close()
    file = str(tmp_path / "file")
    assert done == [("sync", file), ("read anew", file), ("sync", str(tmp_path))]
    await disk.close()


@pytest.mark.parametrize("call", ["fdatasync", "fsync"])
async def test_a_sync_that_says_there_is_no_room_is_an_error_as_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    disk = FileDisk()
    await disk.replace(tmp_path / "file", [b"x"])
    file = await disk.open_append(tmp_path / "file")
    file.append(b"y")
    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="No space") as failed:
        await (file.sync() if call == "fdatasync" else disk.replace(tmp_path / "other", [b"x"]))
    assert not isinstance(failed.value, NoRoom)
    await file.close()
    await disk.close()
