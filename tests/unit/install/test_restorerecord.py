"""What is remembered of a restore, so that it may be repeated."""

import os
from pathlib import Path

import msgspec
import pytest

from okube.config import ClusterConfig
from okube.install.restorerecord import Record, begun_with, read_record, sum_of, unlock_key_of, write_record
from okube.install.sowing import sow_for
from okube.model.errors import BadFile, Conflict
from okube.security import ClusterFiles
from okube.security.keyfiles import KeyFiles
from okube.security.keyring import UnlockKey
from okube.security.seed import read_seed, write_seed
from tests.unit.install.rack import a_cluster


@pytest.fixture
def config(tmp_path: Path) -> ClusterConfig:
    found = a_cluster(data_dir=tmp_path / "data", key_dir=tmp_path / "keys")
    sow_for(found, {})
    return found


def be_restored(config: ClusterConfig, incarnation: int) -> None:
    path = ClusterFiles(config.data_dir).seed
    write_seed(path, msgspec.structs.replace(read_seed(path), incarnation=incarnation))


def test_a_restore_is_remembered_as_long_as_the_cluster_is_the_one_that_it_made(config: ClusterConfig) -> None:
    assert read_record(config) is None
    record = Record(sum_of(b"a snapshot"), 2)
    write_record(config, record)
    assert read_record(config) is None, "it was interrupted before the cluster was made anew"
    be_restored(config, 2)
    assert read_record(config) == record
    be_restored(config, 3)
    assert read_record(config) is None, "another restore was made by hand since then"


def test_only_a_restore_of_the_same_snapshot_goes_on_and_only_with_the_same_managers(config: ClusterConfig) -> None:
    be_restored(config, 2)
    assert begun_with(config, b"a snapshot") is None
    record = Record(sum_of(b"a snapshot"), 2)
    write_record(config, record)
    assert begun_with(config, b"a snapshot") == record
    assert begun_with(config, b"another") is None
    moved = msgspec.structs.replace(config.managers[0], host="192.0.2.99")
    with pytest.raises(Conflict, match="--anew"):
        begun_with(msgspec.structs.replace(config, managers=(moved, *config.managers[1:])), b"a snapshot")


def test_a_damaged_record_is_told(config: ClusterConfig) -> None:
    be_restored(config, 2)
    (config.data_dir / "restored.json").write_bytes(b"{")
    with pytest.raises(BadFile, match="Take it away"):
        read_record(config)


def test_managers_get_the_unlock_key_that_the_restore_took_and_not_another(config: ClusterConfig) -> None:
    be_restored(config, 2)
    assert config.key_dir is not None
    keys, former, later = KeyFiles(config.key_dir), UnlockKey.new(os.urandom), UnlockKey.new(os.urandom)
    keys.write(former)
    keys.write(later)
    assert unlock_key_of(config) is None
    write_record(config, Record("", 2))
    assert unlock_key_of(config) is None, "managers lock themselves"
    write_record(config, Record("", 2, former.id))
    assert unlock_key_of(config) == f"{former.text}\n".encode()
