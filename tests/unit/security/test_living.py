import ssl
from pathlib import Path

import pytest

from okube.model.errors import BadFile
from okube.security import ANY_MANAGER, Identity
from okube.security.ca import create_ca
from okube.security.issue import issue
from okube.security.living import Credentials
from okube.security.renewed import put_renewed
from tests.unit.security.conftest import NOW_MS, Cluster
from tests.unit.security.meeting import meet


def renew(cluster: Cluster, folder: Path, identity: Identity, trusted: bytes | None = None) -> bytes:
    issued = issue(cluster.authority, identity, now_ms=NOW_MS)
    put_renewed(
        folder,
        key=issued.key,
        certificate=issued.certificate,
        trusted=trusted or cluster.authority.certificate_pem,
    )
    return issued.certificate


def test_a_server_shows_its_new_certificate_from_the_next_handshake_on(cluster: Cluster) -> None:
    credentials = Credentials(cluster.party("manager", "m1"))
    server = credentials.server("required")
    client = Credentials(cluster.party("worker", "w1")).client
    assert meet(server, client, "m1.manager.k3v9xk3v9xk3.okube").answer == b"hello"
    renew(cluster, credentials.folder, cluster.identity("manager", "m9"))
    assert meet(server, client, "m1.manager.k3v9xk3v9xk3.okube").answer == b"hello", "not before it is told"
    credentials.reload()
    assert meet(server, client, "m9.manager.k3v9xk3v9xk3.okube").answer == b"hello"
    assert isinstance(meet(server, client, "m1.manager.k3v9xk3v9xk3.okube").answer, ssl.SSLCertVerificationError)


def test_a_client_shows_its_new_certificate_from_the_next_handshake_on(cluster: Cluster) -> None:
    server = Credentials(cluster.party("manager", "m1")).server("required")
    credentials = Credentials(cluster.party("worker", "w1"))
    renew(cluster, credentials.folder, Identity(cluster.cluster_id, "worker", "w1", "i2"))
    credentials.reload()
    assert meet(server, credentials.client, ANY_MANAGER).caller == Identity(cluster.cluster_id, "worker", "w1", "i2")


def test_what_is_trusted_no_more_is_refused_from_the_next_handshake_on(cluster: Cluster) -> None:
    credentials = Credentials(cluster.party("manager", "m1"))
    server = credentials.server("required")
    former = Credentials(cluster.party("worker", "w1"))
    cluster.authority = create_ca("lab", cluster.cluster_id, now_ms=NOW_MS)
    renew(cluster, credentials.folder, cluster.identity("manager", "m1"))
    credentials.reload()
    assert isinstance(meet(server, former.client, ANY_MANAGER).caller, Exception)


def test_both_cas_are_trusted_while_both_are_in_the_file(cluster: Cluster) -> None:
    credentials = Credentials(cluster.party("manager", "m1"))
    server = credentials.server("required")
    former, both = Credentials(cluster.party("worker", "w1")), cluster.authority.certificate_pem
    cluster.authority = create_ca("lab", cluster.cluster_id, now_ms=NOW_MS)
    both += cluster.authority.certificate_pem
    renewed = Credentials(cluster.party("worker", "w2"))
    for each in (former, renewed, credentials):
        (each.folder / "ca.crt").write_bytes(both)
        each.reload()
    for each in (former, renewed):
        assert meet(server, each.client, ANY_MANAGER).answer == b"hello"


def test_what_cannot_be_used_changes_nothing(cluster: Cluster) -> None:
    credentials = Credentials(cluster.party("manager", "m1"))
    server = credentials.server("required")
    (credentials.folder / "node.crt").write_text("nothing")
    with pytest.raises(BadFile):
        credentials.reload()
    client = Credentials(cluster.party("worker", "w1")).client
    assert meet(server, client, ANY_MANAGER).answer == b"hello"


def test_a_renewal_that_was_cut_off_before_its_certificate_is_undone(cluster: Cluster) -> None:
    folder = cluster.party("manager", "m1")
    key = (folder / "node.key").read_bytes()
    issued = issue(cluster.authority, cluster.identity("manager", "m1"), now_ms=NOW_MS)
    (folder / "node.key.coming").write_bytes(issued.key)
    Credentials(folder)
    assert (folder / "node.key").read_bytes() == key
    assert not (folder / "node.key.coming").exists()


def test_a_renewal_that_was_cut_off_after_its_certificate_is_finished(cluster: Cluster) -> None:
    folder = cluster.party("manager", "m1")
    issued = issue(cluster.authority, cluster.identity("manager", "m1"), now_ms=NOW_MS)
    (folder / "node.key.coming").write_bytes(issued.key)
    (folder / "node.key.coming").chmod(0o600)
    (folder / "node.crt").write_bytes(issued.certificate)
    Credentials(folder)
    assert (folder / "node.key").read_bytes() == issued.key
    assert not (folder / "node.key.coming").exists()


def test_a_renewed_key_is_for_its_owner_alone(cluster: Cluster) -> None:
    folder = cluster.party("worker", "w1")
    renew(cluster, folder, cluster.identity("worker", "w1"))
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "ca.crt": 0o644,
        "node.crt": 0o644,
        "node.key": 0o600,
    }
