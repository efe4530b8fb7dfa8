"""Where an agent finds memory that is a file system."""

import os
from pathlib import Path

import pytest

from okube.worker.secretplace import NoPlace, find_place, in_memory

TMPFS = "25 1 0:22 / {path} rw,nosuid shared:5 - tmpfs tmpfs rw,size=1000k"
DISK = "1 0 8:1 / / rw shared:1 - ext4 /dev/sda1 rw"


def _mounts(*paths: Path) -> str:
    return "\n".join([DISK, *(TMPFS.format(path=path) for path in paths)])


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "access", lambda path, how: True)


@pytest.mark.usefixtures("root")
def test_root_has_its_folder_below_run() -> None:
    place = find_place("0123456789", "w1", {}, mounts=_mounts(Path("/run"), Path("/dev/shm")))
    assert place == Path("/run/okube-0/01234567-w1")


@pytest.mark.usefixtures("root")
def test_where_run_is_on_a_disk_shared_memory_serves() -> None:
    assert find_place("0123456789", "w1", {}, mounts=_mounts(Path("/dev/shm"))).parent == Path("/dev/shm/okube-0")


@pytest.mark.usefixtures("root")
def test_without_a_file_system_in_memory_there_is_no_place() -> None:
    with pytest.raises(NoPlace, match="node w1 has no file system in memory for secrets: mount a tmpfs at /run"):
        find_place("0123456789", "w1", {}, mounts=DISK)


def test_another_user_has_it_in_the_folder_of_its_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    place = find_place("0123456789", "w1", {"XDG_RUNTIME_DIR": str(tmp_path)}, mounts=_mounts(tmp_path))
    assert place == tmp_path / "okube-1000" / "01234567-w1"


def test_a_disk_mounted_below_memory_is_no_memory(tmp_path: Path) -> None:
    inner = tmp_path / "disk"
    inner.mkdir()
    mounts = _mounts(tmp_path) + f"\n30 25 8:2 / {inner} rw - ext4 /dev/sdb1 rw"
    assert in_memory(tmp_path, mounts)
    assert not in_memory(inner, mounts)


def test_a_link_to_a_disk_is_no_memory(tmp_path: Path) -> None:
    memory, disk = tmp_path / "memory", tmp_path / "disk"
    for folder in (memory, disk):
        folder.mkdir()
    (memory / "link").symlink_to(disk)
    assert not in_memory(memory / "link", _mounts(memory))


def test_a_mount_point_with_a_blank_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "a b"
    folder.mkdir()
    assert in_memory(folder, _mounts(Path(str(folder).replace(" ", "\\040"))))


def test_this_machine_has_a_place() -> None:
    assert find_place("0123456789", "w1", os.environ).parent.name == f"okube-{os.geteuid()}"
