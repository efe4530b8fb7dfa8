from pathlib import Path

import pytest

from okube.model.errors import BadFile
from okube.security.seed import (
    Member,
    ProcessIdentity,
    Seed,
    read_process_identity,
    read_seed,
    write_process_identity,
    write_seed,
)


def test_a_seed_is_the_same_after_reading(tmp_path: Path) -> None:
    seed = Seed("lab", "c1", "ab" * 32, (Member("m1", "i1", "192.0.2.1", 7101, 8101),))
    write_seed(tmp_path / "cluster.json", seed)
    assert read_seed(tmp_path / "cluster.json") == seed


def test_an_identity_is_the_same_after_reading(tmp_path: Path) -> None:
    identity = ProcessIdentity("worker", "c1", "w1", "i1")
    write_process_identity(tmp_path / "w1" / "identity.json", identity)
    assert read_process_identity(tmp_path / "w1" / "identity.json") == identity


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"cluster\.json cannot be read: No such file"):
        read_seed(tmp_path / "cluster.json")


@pytest.mark.parametrize("held", ["", "{", "{}", '{"role": "king", "cluster_id": "c", "name": "n", "instance": "i"}'])
def test_a_damaged_file_is_named(tmp_path: Path, held: str) -> None:
    (tmp_path / "identity.json").write_text(held)
    with pytest.raises(BadFile, match=r"identity\.json is damaged"):
        read_process_identity(tmp_path / "identity.json")
