"""Files of keys that were cut off, or that others may read: each is refused, and named."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from okube.model.errors import BadFile
from okube.security import client_context, read_token, server_context, write_token
from okube.security.ca import load_ca
from okube.security.keyfiles import KeyFiles
from okube.security.keyring import UnlockKey
from tests.unit.security.conftest import Cluster

Reading = tuple[Path, Callable[[], object]]


def _ca_key(cluster: Cluster, folder: Path) -> Reading:
    return cluster.ca.key, lambda: load_ca(cluster.ca)


def _ca_certificate(cluster: Cluster, folder: Path) -> Reading:
    return cluster.ca.certificate, lambda: load_ca(cluster.ca)


def _key_of_a_manager(cluster: Cluster, folder: Path) -> Reading:
    tls = cluster.party("manager", "m1")
    return tls / "node.key", lambda: server_context(tls, client_certificate="required")


def _certificate_of_a_worker(cluster: Cluster, folder: Path) -> Reading:
    tls = cluster.party("worker", "w1")
    return tls / "node.crt", lambda: client_context(tls)


def _trust_of_a_worker(cluster: Cluster, folder: Path) -> Reading:
    tls = cluster.party("worker", "w1")
    return tls / "ca.crt", lambda: client_context(tls)


def _key_of_the_admin(cluster: Cluster, folder: Path) -> Reading:
    admin = cluster.party("admin", "admin")
    return admin / "admin.key", lambda: client_context(admin)


def _token(cluster: Cluster, folder: Path) -> Reading:
    write_token(folder / "token", "a-token-of-many-letters-and-digits-0123456789")
    return folder / "token", lambda: read_token(folder / "token")


def _unlock_key(cluster: Cluster, folder: Path) -> Reading:
    files = KeyFiles(folder / "keys")
    files.write(UnlockKey(bytes(range(32))))
    return files.unlock_key, files.read


_PRIVATE = [_ca_key, _key_of_a_manager, _key_of_the_admin, _token, _unlock_key]
_CHECKED = [*_PRIVATE, _ca_certificate, _certificate_of_a_worker, _trust_of_a_worker]
_CHECKED.remove(_token)  # any text may be one; the managers know whether it is theirs


@pytest.mark.parametrize("which", _CHECKED)
def test_a_file_that_was_cut_off_anywhere_is_refused_by_name(
    cluster: Cluster, tmp_path: Path, which: Callable[[Cluster, Path], Reading]
) -> None:
    path, read = which(cluster, tmp_path)
    whole = path.read_bytes()
    read()
    for length in [0, 1, *sorted(random.Random(7).sample(range(2, len(whole.rstrip()) - 1), 12))]:
        path.write_bytes(whole[:length])
        with pytest.raises(BadFile) as refused:
            read()
        assert path.name in str(refused.value) or str(path.parent) in str(refused.value), (length, refused.value)
    path.write_bytes(whole)
    read()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666])
@pytest.mark.parametrize("which", _PRIVATE)
def test_a_secret_that_others_may_touch_is_refused_with_what_to_do(
    cluster: Cluster, tmp_path: Path, which: Callable[[Cluster, Path], Reading], mode: int
) -> None:
    path, read = which(cluster, tmp_path)
    path.chmod(mode)
    with pytest.raises(BadFile, match=rf"{path}.* \(mode {mode:04o}\).*chmod 600"):
        read()
