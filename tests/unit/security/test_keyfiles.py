"""The unlock key on a disk: for its owner alone, and never lost by a new one."""

from pathlib import Path

import pytest

from okube.model.errors import BadFile
from okube.security.keyfiles import KeyFiles
from okube.security.keyring import UnlockKey
from tests.unit.security.dice import Dice


@pytest.fixture
def files(tmp_path: Path) -> KeyFiles:
    return KeyFiles(tmp_path / "keys")


def test_what_is_written_is_read_by_its_owner_alone(files: KeyFiles) -> None:
    key = UnlockKey.new(Dice())
    assert files.read() is None
    files.write(key)
    assert files.read() == key
    assert files.unlock_key.stat().st_mode & 0o777 == 0o600
    assert files.root.stat().st_mode & 0o777 == 0o700


def test_a_key_that_is_replaced_is_kept_for_the_snapshots_of_its_time(files: KeyFiles) -> None:
    dice = Dice()
    old, new = UnlockKey.new(dice), UnlockKey.new(dice)
    files.write(old)
    files.write(new)
    assert files.read() == new
    assert files.find(old.id) == old
    assert files.find(new.id) == new
    assert files.find("0" * 16) is None


def test_none_is_left_where_the_cluster_locks_itself(files: KeyFiles) -> None:
    dice = Dice()
    for _ in range(2):
        files.write(UnlockKey.new(dice))
    files.forget()
    assert list(files.root.iterdir()) == []


def test_a_file_that_others_may_read_is_refused(files: KeyFiles) -> None:
    files.write(UnlockKey.new(Dice()))
    files.unlock_key.chmod(0o640)
    with pytest.raises(BadFile, match="chmod 600"):
        files.read()


@pytest.mark.parametrize("content", [b"", b"okube-unlock-abc\n", b"\xff\xfe"])
def test_a_file_that_was_cut_off_is_told_as_damaged(files: KeyFiles, content: bytes) -> None:
    files.write(UnlockKey.new(Dice()))
    files.unlock_key.write_bytes(content)
    with pytest.raises(BadFile, match="holds no unlock key"):
        files.read()
