import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from msgspec.structs import replace

from okube.config import ClusterConfig, load_cluster
from okube.manager.authorities import kept_ca
from okube.manager.main import bootstrap
from okube.manager.rebirth import begin_from
from okube.manager.vault import Vault
from okube.model.authority import Authorities
from okube.model.commands import PutAuthorities, PutRing
from okube.model.errors import BadFile, Conflict
from okube.processes.initial import make_cluster
from okube.processes.lock import hold
from okube.processes.renewing import renew_here
from okube.processes.seed import read_cluster
from okube.processes.settings import authority_files, key_folder
from okube.raft import Member
from okube.seams.disk import FileDisk
from okube.security import ClusterFiles, Identity, ProcessFiles
from okube.security.ca import create_ca, load_ca, save_ca
from okube.security.issue import install
from okube.security.keyfiles import KeyFiles
from okube.security.keyring import UnlockKey, new_ring
from okube.security.private import write_private
from okube.security.seed import read_process_identity
from tests.builders import Cluster
from tests.unit.processes.builders import write_cluster

LONG_AGO_MS = 1_600_000_000_000


class Made:
    """A cluster that was made, whose certificates ended long ago."""

    def __init__(self, folder: Path) -> None:
        self.path = write_cluster(folder, f"key_dir: {folder / 'keys'}\n", managers=1)
        make_cluster(self.path, lambda _: None, bootstrap=bootstrap)
        self.config: ClusterConfig = load_cluster(self.path)
        self.files = ClusterFiles(self.config.data_dir)
        self.seed = read_cluster(self.config)
        self.ca_files = authority_files(self.config, self.seed.cluster_id)
        self.ca = load_ca(self.ca_files)
        for name in ("m1", "w1"):
            who = read_process_identity(self.files.process(name).identity)
            self._expire(Identity(who.cluster_id, who.role, name, who.instance), self.files.process(name))
        install(self.ca, Identity(self.seed.cluster_id, "admin", "admin"), self.files.admin, now_ms=LONG_AGO_MS)

    def _expire(self, who: Identity, folder: ProcessFiles) -> None:
        install(self.ca, who, folder.tls, hosts=("127.0.0.1",), now_ms=LONG_AGO_MS)

    def ends(self) -> dict[str, datetime]:
        found = {"admin": self.files.admin.certificate}
        found |= {name: self.files.process(name).tls.certificate for name in ("m1", "w1")}
        return {
            name: x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc for name, path in found.items()
        }

    def put_ca_into_the_state(self, *, autolock: bool = False) -> UnlockKey:
        """As the leader does it; the files of the CA are gone then."""
        cluster_id, unlock = self.seed.cluster_id, UnlockKey.new(lambda count: b"u" * count)
        cluster = Cluster()
        vault = Vault(cluster_id, lambda: cluster.tables)
        ring = new_ring(cluster_id, unlock, "k1", lambda count: b"r" * count, 0)
        cluster.apply(PutRing(replace(ring, autolock=autolock)))
        vault.unlock(unlock)
        kept = kept_ca(self.ca, vault, 0)
        cluster.apply(PutAuthorities(Authorities(kept.id, (kept,)), "kept"))
        if not autolock:
            KeyFiles(key_folder(self.config, cluster_id)).write(unlock)
        folder = self.files.process("m1")
        instance = read_process_identity(folder.identity).instance
        for path in folder.raft.iterdir():
            path.unlink()
        members = (Member("m1", instance, "127.0.0.1:1", "127.0.0.1:2"),)
        state = list(cluster.machine.snapshot())

        async def write() -> None:
            disk = FileDisk()
            try:
                await begin_from(folder.raft, disk, cluster_id, members, state, index=1, term=1, incarnation=1)
            finally:
                await disk.close()

        asyncio.run(write())
        self.ca_files.key.unlink()
        self.ca_files.certificate.unlink()
        return unlock


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


def test_a_cluster_is_made_once(made: Made) -> None:
    with pytest.raises(Conflict, match="was made already"):
        make_cluster(made.path, lambda _: None, bootstrap=bootstrap)


def test_what_has_ended_is_renewed_without_any_manager(made: Made) -> None:
    said: list[str] = []
    renew_here(made.path, said.append)
    assert min(made.ends().values()) > datetime.now(UTC) + timedelta(days=80)
    assert [line.split()[0] for line in said[:3]] == ["m1", "w1", "admin"]


def test_a_renewed_certificate_names_the_instance(made: Made) -> None:
    renew_here(made.path, lambda _: None)
    certificate = x509.load_pem_x509_certificate(made.files.process("w1").tls.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    instance = read_process_identity(made.files.process("w1").identity).instance
    assert f"okube:instance:{instance}" in names.get_values_for_type(x509.UniformResourceIdentifier)


def test_what_runs_is_left_alone(made: Made) -> None:
    said: list[str] = []
    with hold(made.files.process("w1"), what="worker w1"):
        renew_here(made.path, said.append)
    assert made.ends()["w1"] < datetime.now(UTC)
    assert any(line.startswith("w1 ") and "by itself" in line for line in said)


def test_the_ca_is_taken_from_a_manager_s_state_where_its_files_are_gone(made: Made) -> None:
    made.put_ca_into_the_state()
    renew_here(made.path, lambda _: None)
    assert min(made.ends().values()) > datetime.now(UTC)
    found = load_ca(made.ca_files)
    assert found.certificate == made.ca.certificate
    assert found.key.public_key() == made.ca.key.public_key()
    assert made.ca_files.key.stat().st_mode & 0o777 == 0o600


def test_without_the_unlock_key_the_ca_in_the_state_is_of_no_use(made: Made) -> None:
    made.put_ca_into_the_state()
    KeyFiles(key_folder(made.config, made.seed.cluster_id)).forget()
    with pytest.raises(BadFile, match="does not have the cluster's unlock key"):
        renew_here(made.path, lambda _: None)
    assert max(made.ends().values()) < datetime.now(UTC)


def test_where_managers_lock_themselves_a_person_names_the_unlock_key_and_no_key_is_left_here(
    made: Made, tmp_path: Path
) -> None:
    unlock = made.put_ca_into_the_state(autolock=True)
    with pytest.raises(BadFile, match="--unlock-key"):
        renew_here(made.path, lambda _: None)
    write_private(tmp_path / "brought.key", f"{unlock.text}\n".encode())
    renew_here(made.path, lambda _: None, unlock_key=tmp_path / "brought.key")
    assert min(made.ends().values()) > datetime.now(UTC)
    assert not made.ca_files.key.exists()
    assert not list(made.ca_files.key_dir.glob("unlock*"))


def test_where_there_is_no_ca_it_says_where_to_look(made: Made) -> None:
    made.ca_files.key.unlink()
    with pytest.raises(BadFile, match=r"its state holds no CA.*Run this on the machine of a manager"):
        renew_here(made.path, lambda _: None)


def test_a_ca_that_has_ended_itself_renews_nobody(made: Made) -> None:
    made.ca_files.certificate.unlink()
    save_ca(create_ca("lab", made.seed.cluster_id, now_ms=LONG_AGO_MS - 3_700 * 86_400_000), made.ca_files)
    with pytest.raises(Conflict, match="CA has ended itself"):
        renew_here(made.path, lambda _: None)
