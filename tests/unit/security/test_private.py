import os
from pathlib import Path

import pytest

from okube.model.errors import BadFile
from okube.security.private import ensure_folder, read_private, require_private, write_private, write_public


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> object:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_modes_do_not_hang_on_the_umask(tmp_path: Path) -> None:
    write_private(tmp_path / "a" / "b" / "key", b"secret")
    write_public(tmp_path / "a" / "b" / "certificate", b"known")
    assert (tmp_path / "a" / "b" / "key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "a" / "b" / "certificate").stat().st_mode & 0o777 == 0o644
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in ("a", "a/b")} == {0o700}


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert ensure_folder(tmp_path) == tmp_path
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_a_write_replaces_the_whole_file(tmp_path: Path) -> None:
    write_private(tmp_path / "key", b"a long first secret")
    write_private(tmp_path / "key", b"short")
    assert read_private(tmp_path / "key") == b"short"
    assert os.listdir(tmp_path) == ["key"]


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_private(tmp_path / "key", b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_private(tmp_path / "key", b"new")
    assert (tmp_path / "key").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777, 0o610, 0o602])
def test_a_secret_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    write_private(tmp_path / "key", b"secret")
    (tmp_path / "key").chmod(mode)
    with pytest.raises(BadFile, match=f"mode {mode:04o}"):
        require_private(tmp_path / "key")


def test_a_secret_that_is_a_folder_is_named(tmp_path: Path) -> None:
    ensure_folder(tmp_path / "key")
    with pytest.raises(BadFile, match="Is a directory"):
        read_private(tmp_path / "key")
