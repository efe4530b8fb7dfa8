import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from okube.model.errors import BadFile
from okube.security import ANY_MANAGER, Identity, TlsFiles, anonymous_context, client_context, server_context
from okube.security.ca import Authority
from okube.security.issue import install
from tests.unit.security.conftest import NOW_MS, Cluster
from tests.unit.security.meeting import Meeting, meet

DAY_MS = 86_400_000


def refused(meeting: Meeting) -> bool:
    return isinstance(meeting.answer, Exception) and isinstance(meeting.caller, Exception)


def test_parties_of_one_cluster_know_each_other(cluster: Cluster) -> None:
    manager = cluster.identity("manager", "m1")
    meeting = meet(
        server_context(cluster.party("manager", "m1"), client_certificate="required"),
        client_context(cluster.party("worker", "w1")),
        manager.server_name,
    )
    assert meeting == Meeting(b"hello", Identity(cluster.cluster_id, "worker", "w1"), "TLSv1.3")


@pytest.mark.parametrize("name", [ANY_MANAGER, "localhost", "127.0.0.1", "::1", "server-1.example.com"])
def test_a_manager_is_known_by_each_of_its_names(cluster: Cluster, name: str) -> None:
    server = server_context(
        cluster.party("manager", "m1", "127.0.0.1", "::1", "server-1.example.com"), client_certificate="optional"
    )
    meeting = meet(server, client_context(cluster.party("admin", "admin")), name)
    assert meeting.answer == b"hello"
    assert meeting.caller == Identity(cluster.cluster_id, "admin", "admin")


@pytest.mark.parametrize("name", ["m2.manager.k3v9xk3v9xk3.okube", "m1.worker.k3v9xk3v9xk3.okube", "192.0.2.1"])
def test_a_wrong_server_name_is_refused(cluster: Cluster, name: str) -> None:
    server = server_context(cluster.party("manager", "m1", "192.0.2.9"), client_certificate="optional")
    meeting = meet(server, client_context(cluster.party("worker", "w1")), name)
    assert refused(meeting)
    assert isinstance(meeting.answer, ssl.SSLCertVerificationError)


def test_a_worker_cannot_pass_for_a_manager(cluster: Cluster) -> None:
    server = server_context(cluster.party("worker", "w1", "192.0.2.1"), client_certificate="required")
    client = client_context(cluster.party("worker", "w2"))
    for name in (ANY_MANAGER, "localhost", "192.0.2.1", "m1.manager.k3v9xk3v9xk3.okube"):
        assert refused(meet(server, client, name))


def test_an_admin_cannot_serve(cluster: Cluster) -> None:
    folder = cluster.party("admin", "admin")
    (folder / "admin.crt").rename(folder / "node.crt")
    (folder / "admin.key").rename(folder / "node.key")
    server = server_context(folder, client_certificate="optional")
    meeting = meet(server, client_context(cluster.party("worker", "w1")), "admin.admin.k3v9xk3v9xk3.okube")
    assert refused(meeting)
    assert "purpose" in str(meeting.answer)


def test_who_has_no_certificate_is_refused_where_one_is_required(cluster: Cluster) -> None:
    server = server_context(cluster.party("manager", "m1"), client_certificate="required")
    assert refused(meet(server, anonymous_context(cluster.files.ca_certificate), ANY_MANAGER))


def test_who_has_no_certificate_is_nobody_where_it_is_optional(cluster: Cluster) -> None:
    server = server_context(cluster.party("manager", "m1"), client_certificate="optional")
    meeting = meet(server, anonymous_context(cluster.files.ca_certificate), ANY_MANAGER)
    assert meeting.answer == b"hello"
    assert meeting.caller is None


@pytest.mark.parametrize("client_certificate", ["required", "optional"])
def test_a_client_of_a_foreign_ca_is_refused(
    cluster: Cluster, foreign_cluster: Cluster, client_certificate: str
) -> None:
    server = server_context(
        cluster.party("manager", "m1"),
        client_certificate="required" if client_certificate == "required" else "optional",
    )
    foreigner = foreign_cluster.party("admin", "admin")
    (foreigner / "ca.crt").write_bytes(cluster.files.ca_certificate.read_bytes())
    assert refused(meet(server, client_context(foreigner), ANY_MANAGER))


def test_a_server_of_a_foreign_ca_is_refused(cluster: Cluster, foreign_cluster: Cluster) -> None:
    server = server_context(foreign_cluster.party("manager", "m1"), client_certificate="optional")
    meeting = meet(server, client_context(cluster.party("worker", "w1")), ANY_MANAGER)
    assert refused(meeting)
    assert isinstance(meeting.answer, ssl.SSLCertVerificationError)


def test_a_client_with_tls_1_2_is_refused(cluster: Cluster) -> None:
    server = server_context(cluster.party("manager", "m1"), client_certificate="optional")
    old = anonymous_context(cluster.files.ca_certificate)
    old.minimum_version = ssl.TLSVersion.TLSv1_2
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    meeting = meet(server, old, ANY_MANAGER)
    assert refused(meeting)
    assert "version" in str(meeting.answer)


def test_a_server_with_tls_1_2_is_refused(cluster: Cluster) -> None:
    old = server_context(cluster.party("manager", "m1"), client_certificate="optional")
    old.minimum_version = ssl.TLSVersion.TLSv1_2
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert refused(meet(old, client_context(cluster.party("worker", "w1")), ANY_MANAGER))


def test_an_expired_certificate_is_refused(cluster: Cluster) -> None:
    server = server_context(cluster.party("manager", "m1"), client_certificate="required")
    expired = client_context(cluster.party("worker", "w1", now_ms=NOW_MS - 366 * DAY_MS))
    assert refused(meet(server, expired, ANY_MANAGER))


def test_a_leaf_cannot_make_further_leaves(cluster: Cluster, tmp_path: Path) -> None:
    """A stolen worker's key signs a certificate for a manager: nobody believes it."""
    stolen = TlsFiles(cluster.party("worker", "w1"))
    key = serialization.load_pem_private_key(stolen.key.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    forger = Authority(x509.load_pem_x509_certificate(stolen.certificate.read_bytes()), key)
    forged = TlsFiles(tmp_path / "forged")
    install(forger, cluster.identity("manager", "m1"), forged, now_ms=NOW_MS)
    forged.certificate.write_bytes(forged.certificate.read_bytes() + stolen.certificate.read_bytes())
    forged.ca.write_bytes(cluster.files.ca_certificate.read_bytes())
    server = server_context(forged.root, client_certificate="optional")
    assert refused(meet(server, client_context(cluster.party("worker", "w2")), ANY_MANAGER))


def test_a_key_that_others_may_read_is_refused(cluster: Cluster) -> None:
    folder = cluster.party("worker", "w1")
    (folder / "node.key").chmod(0o640)
    with pytest.raises(BadFile, match=r"node\.key .*mode 0640.*chmod 600"):
        client_context(folder)
    with pytest.raises(BadFile, match=r"node\.key .*mode 0640.*chmod 600"):
        server_context(folder, client_certificate="required")


def test_a_missing_certificate_is_named_with_where_to_get_it(tmp_path: Path, cluster: Cluster) -> None:
    (tmp_path / "ca.crt").write_bytes(cluster.files.ca_certificate.read_bytes())
    with pytest.raises(BadFile, match=r"no certificate .*node\.crt.*okube up"):
        client_context(tmp_path)


def test_a_missing_ca_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"ca\.crt, cannot be used: No such file or directory"):
        client_context(tmp_path)


def test_a_damaged_ca_is_named(cluster: Cluster) -> None:
    folder = cluster.party("worker", "w1")
    (folder / "ca.crt").write_text("nothing")
    with pytest.raises(BadFile, match=r"ca\.crt, cannot be used: "):
        client_context(folder)


def test_a_key_of_another_certificate_is_refused(cluster: Cluster) -> None:
    folder, other = cluster.party("worker", "w1"), cluster.party("worker", "w2")
    (folder / "node.key").write_bytes((other / "node.key").read_bytes())
    with pytest.raises(BadFile, match=r"cannot be used together: key values mismatch"):
        client_context(folder)
