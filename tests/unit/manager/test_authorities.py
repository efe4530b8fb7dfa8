import time
from pathlib import Path

import pytest

from okube.manager.authorities import CurrentAuthority, kept_ca
from okube.manager.ca_files import follow
from okube.manager.signing import authority_in
from okube.manager.vault import Vault
from okube.model.authority import Authorities
from okube.model.commands import PutAuthorities, PutRing
from okube.model.errors import Conflict
from okube.security import ClusterFiles, Identity
from okube.security.authorityfiles import AuthorityFiles
from okube.security.ca import Authority, ca_id, create_ca, load_ca, mark_in, save_ca
from okube.security.issue import install
from okube.security.keyring import UnlockKey, new_ring
from tests.builders import Cluster

CLUSTER = "c1"
NOW_MS = int(time.time() * 1000)


def some_bytes(count: int) -> bytes:
    return bytes(count)


class Manager:
    """The state of one manager with a key ring, and a folder with the CA."""

    def __init__(self, folder: Path) -> None:
        self.cluster = Cluster()
        self.files = ClusterFiles(folder / "data")
        self.ca_files = AuthorityFiles(folder / "data", folder / "keys")
        self.ca = create_ca("lab", CLUSTER, now_ms=NOW_MS)
        save_ca(self.ca, self.ca_files)
        self.unlock = UnlockKey(b"u" * 32)
        self.vault = Vault(CLUSTER, lambda: self.cluster.tables)
        self.current = CurrentAuthority(lambda: self.cluster.tables, self.vault, authority_in(self.ca_files))

    def make_ring(self) -> None:
        self.vault.unlock(self.unlock)
        self.cluster.apply(PutRing(new_ring(CLUSTER, self.unlock, "k1", some_bytes, NOW_MS)))


@pytest.fixture
def manager(tmp_path: Path) -> Manager:
    return Manager(tmp_path)


def test_before_the_state_holds_one_the_ca_of_the_machine_signs(manager: Manager) -> None:
    assert manager.current.signing().certificate == manager.ca.certificate
    assert manager.current.mark == ""
    assert manager.current.plan_keeping(NOW_MS) == [], "there is no key ring to seal it with"


def test_the_leader_keeps_it_in_the_state_once(manager: Manager) -> None:
    manager.make_ring()
    settings = manager.cluster.tables.settings
    manager.cluster.tables.settings = type(settings)(command_version=3)
    (command,) = manager.current.plan_keeping(NOW_MS)
    manager.cluster.apply(command)
    assert manager.current.plan_keeping(NOW_MS) == []
    manager.ca_files.key.unlink()
    found = manager.current.signing()
    assert found.certificate == manager.ca.certificate
    assert found.key.public_key() == manager.ca.key.public_key()
    assert manager.current.trusted() == manager.ca.certificate_pem


def test_whoever_is_locked_cannot_sign(manager: Manager) -> None:
    manager.make_ring()
    kept = kept_ca(manager.ca, manager.vault, NOW_MS)
    manager.cluster.apply(PutAuthorities(Authorities(kept.id, (kept,)), "kept"))
    locked = CurrentAuthority(
        lambda: manager.cluster.tables, Vault(CLUSTER, lambda: manager.cluster.tables), lambda: manager.ca
    )
    with pytest.raises(Conflict, match="cannot be opened here"):
        locked.signing()
    assert locked.trusted() == manager.ca.certificate_pem, "that much is no secret"


def test_the_key_of_a_ca_is_nowhere_in_the_state(manager: Manager) -> None:
    manager.make_ring()
    kept = kept_ca(manager.ca, manager.vault, NOW_MS)
    manager.cluster.apply(PutAuthorities(Authorities(kept.id, (kept,)), "kept"))
    secret = manager.ca.key.private_numbers().private_value.to_bytes(32, "big")
    assert secret not in b"".join(manager.cluster.machine.snapshot())


def test_a_certificate_of_the_ca_that_signs_bears_the_mark_of_the_state(manager: Manager) -> None:
    manager.make_ring()
    kept = kept_ca(manager.ca, manager.vault, NOW_MS)
    manager.cluster.apply(PutAuthorities(Authorities(kept.id, (kept,)), "kept"))
    files = manager.files.process("w1").tls
    install(manager.ca, Identity(CLUSTER, "worker", "w1"), files, now_ms=NOW_MS)
    assert mark_in(files) == manager.current.mark
    install(create_ca("lab", CLUSTER, now_ms=NOW_MS), Identity(CLUSTER, "worker", "w1"), files, now_ms=NOW_MS)
    assert mark_in(files) not in ("", manager.current.mark)


def test_the_files_of_a_machine_follow_the_state(manager: Manager) -> None:
    admin = Identity(CLUSTER, "admin", "admin")
    install(manager.ca, admin, manager.files.admin, now_ms=NOW_MS)
    new = create_ca("lab", CLUSTER, now_ms=NOW_MS)
    both = manager.ca.certificate_pem + new.certificate_pem
    follow(manager.ca_files, CLUSTER, manager.ca, both, now_ms=NOW_MS)
    assert manager.files.admin.ca.read_bytes() == both
    assert ca_id(_of_admin(manager, (manager.ca, new)).certificate) == ca_id(manager.ca.certificate)
    follow(manager.ca_files, CLUSTER, new, both, now_ms=NOW_MS)
    assert load_ca(manager.ca_files).certificate == new.certificate
    assert ca_id(_of_admin(manager, (manager.ca, new)).certificate) == ca_id(new.certificate)
    assert manager.files.admin.ca.read_bytes() == both


def test_a_machine_without_such_files_gets_none(tmp_path: Path, manager: Manager) -> None:
    elsewhere = AuthorityFiles(tmp_path / "elsewhere", tmp_path / "keys-elsewhere")
    follow(elsewhere, CLUSTER, manager.ca, manager.ca.certificate_pem, now_ms=NOW_MS)
    assert not elsewhere.data_dir.exists()
    assert not elsewhere.key_dir.exists()


def test_a_machine_whose_key_of_the_ca_was_taken_away_gets_no_other(manager: Manager) -> None:
    manager.ca_files.key.unlink()
    new = create_ca("lab", CLUSTER, now_ms=NOW_MS)
    follow(manager.ca_files, CLUSTER, new, new.certificate_pem, now_ms=NOW_MS)
    assert manager.ca_files.certificate.read_bytes() == new.certificate_pem
    assert not manager.ca_files.key.exists()


def _of_admin(manager: Manager, cas: tuple[Authority, ...]) -> Authority:
    """Whose the admin's certificate is."""
    signer = mark_in(manager.files.admin).partition(".")[2]
    return next(each for each in cas if ca_id(each.certificate) == signer)
