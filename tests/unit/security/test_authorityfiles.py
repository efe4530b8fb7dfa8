import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from okube.model.errors import BadFile
from okube.security.authorityfiles import AuthorityFiles, move_key, put_key
from okube.security.ca import create_ca, load_ca, private_pem, save_ca
from okube.security.private import write_private
from tests.unit.security.conftest import NOW_MS, Cluster


@pytest.fixture
def earlier(cluster: Cluster) -> Cluster:
    """A machine on which an earlier version made the CA: its key is with the data."""
    cluster.ca.key.rename(cluster.ca.earlier_key)
    cluster.ca.key_dir.rmdir()
    return cluster


def test_a_key_with_the_data_is_moved_to_the_keys(earlier: Cluster) -> None:
    assert move_key(earlier.ca)
    assert not earlier.ca.earlier_key.exists()
    assert load_ca(earlier.ca).key.public_key() == earlier.authority.key.public_key()
    assert earlier.ca.key.stat().st_mode & 0o777 == 0o600
    assert earlier.ca.key_dir.stat().st_mode & 0o777 == 0o700


def test_where_there_is_none_nothing_is_moved(cluster: Cluster) -> None:
    before = cluster.ca.key.read_bytes()
    assert not move_key(cluster.ca)
    assert cluster.ca.key.read_bytes() == before


def test_a_move_that_was_interrupted_is_taken_to_its_end(earlier: Cluster) -> None:
    write_private(earlier.ca.key, earlier.ca.earlier_key.read_bytes())
    assert move_key(earlier.ca)
    assert not earlier.ca.earlier_key.exists()
    assert list(earlier.ca.key_dir.iterdir()) == [earlier.ca.key]


def test_of_two_keys_the_one_of_the_certificate_is_the_ca_and_the_other_is_put_aside(earlier: Cluster) -> None:
    other = private_pem(create_ca("lab", "c2", now_ms=NOW_MS).key)
    write_private(earlier.ca.key, other)
    assert move_key(earlier.ca)
    assert load_ca(earlier.ca).key.public_key() == earlier.authority.key.public_key()
    write_private(earlier.ca.earlier_key, other)
    assert move_key(earlier.ca)
    assert load_ca(earlier.ca).key.public_key() == earlier.authority.key.public_key()
    assert not earlier.ca.earlier_key.exists()
    (aside,) = earlier.ca.key_dir.glob("ca-*.key")
    assert aside.read_bytes() == other


def test_the_key_of_an_earlier_cluster_is_put_aside_where_another_is_made(tmp_path: Path) -> None:
    first, second = (create_ca("lab", name, now_ms=NOW_MS) for name in ("c1", "c2"))
    save_ca(first, AuthorityFiles(tmp_path / "before", tmp_path / "keys"))
    files = AuthorityFiles(tmp_path / "now", tmp_path / "keys")
    save_ca(second, files)
    put_key(files, private_pem(second.key))
    assert load_ca(files).certificate == second.certificate
    (aside,) = files.key_dir.glob("ca-*.key")
    assert aside.read_bytes() == private_pem(first.key)


def test_a_key_that_others_could_read_is_not_moved(earlier: Cluster) -> None:
    earlier.ca.earlier_key.chmod(0o644)
    with pytest.raises(BadFile, match="chmod 600"):
        move_key(earlier.ca)
    assert earlier.ca.earlier_key.exists()


def test_where_it_cannot_be_moved_it_stays_and_is_told_of(earlier: Cluster) -> None:
    earlier.ca.key_dir.write_text("a file is in the way")
    with pytest.raises(BadFile, match="Make key_dir writable"):
        move_key(earlier.ca)
    assert earlier.ca.earlier_key.exists()


def test_several_processes_may_move_it_at_once(earlier: Cluster) -> None:
    failures: list[BaseException] = []

    def run(move: Callable[[AuthorityFiles], bool]) -> None:
        try:
            move(earlier.ca)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(move_key,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert list(earlier.ca.key_dir.iterdir()) == [earlier.ca.key]
    assert load_ca(earlier.ca).key.public_key() == earlier.authority.key.public_key()
