import ipaddress
import subprocess
import sys
from datetime import timedelta

import msgspec
import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from okube.model.errors import BadFile, InvalidInput
from okube.security import ANY_MANAGER, Identity, Role, TlsFiles
from okube.security.ca import create_ca
from okube.security.issue import install, is_due, issue
from tests.unit.security.conftest import NOW_MS, Cluster

DAY_MS = 86_400_000


def certificate_of(cluster: Cluster, identity: Identity, *hosts: str, now_ms: int = NOW_MS) -> x509.Certificate:
    return x509.load_pem_x509_certificate(issue(cluster.authority, identity, hosts=hosts, now_ms=now_ms).certificate)


def names_in(certificate: x509.Certificate) -> list[object]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [name.value for name in names]


def test_the_subject_says_cluster_role_and_name(cluster: Cluster) -> None:
    certificate = certificate_of(cluster, cluster.identity("worker", "w1"))
    assert certificate.subject.rfc4514_string() == f"CN=w1,OU=worker,O={cluster.cluster_id}"


def test_a_manager_answers_to_its_names_and_addresses(cluster: Cluster) -> None:
    certificate = certificate_of(cluster, cluster.identity("manager", "m1"), "192.0.2.1", "2001:db8::1", "localhost")
    assert names_in(certificate) == [
        f"m1.manager.{cluster.cluster_id}.okube",
        ANY_MANAGER,
        "localhost",
        ipaddress.ip_address("192.0.2.1"),
        ipaddress.ip_address("2001:db8::1"),
    ]


def test_a_worker_answers_to_its_own_name_alone(cluster: Cluster) -> None:
    certificate = certificate_of(cluster, cluster.identity("worker", "w1"), "192.0.2.1")
    assert names_in(certificate) == [f"w1.worker.{cluster.cluster_id}.okube"]


def test_an_admin_calls_and_the_others_serve_too(cluster: Cluster) -> None:
    def purposes(identity: Identity) -> set[object]:
        found = certificate_of(cluster, identity).extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        return set(found.value)

    both = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH}
    assert purposes(cluster.identity("admin", "admin")) == {ExtendedKeyUsageOID.CLIENT_AUTH}
    assert purposes(cluster.identity("manager", "m1")) == purposes(cluster.identity("worker", "w1")) == both


@pytest.mark.parametrize(("role", "days"), [("worker", 90), ("manager", 90), ("admin", 365), ("user", 365)])
def test_a_certificate_begins_in_the_past_and_lasts_as_its_role_has_it(cluster: Cluster, role: Role, days: int) -> None:
    certificate = certificate_of(cluster, cluster.identity(role, "m1"))
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    assert begin.timestamp() * 1000 < NOW_MS - 600_000
    assert end.timestamp() * 1000 == pytest.approx(NOW_MS + days * DAY_MS, abs=1000)


def test_a_short_life_begins_only_a_little_in_the_past(cluster: Cluster) -> None:
    issued = issue(cluster.authority, cluster.identity("worker", "w1"), now_ms=NOW_MS, life=timedelta(minutes=2))
    certificate = x509.load_pem_x509_certificate(issued.certificate)
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc <= timedelta(seconds=133)


def test_the_instance_is_a_name_of_its_own(cluster: Cluster) -> None:
    identity = Identity(cluster.cluster_id, "worker", "w1", "abc123")
    assert names_in(certificate_of(cluster, identity)) == [identity.server_name, "okube:instance:abc123"]


def test_no_certificate_outlives_its_ca(cluster: Cluster) -> None:
    late = certificate_of(cluster, cluster.identity("worker", "w1"), now_ms=NOW_MS + 3600 * DAY_MS)
    assert late.not_valid_after_utc == cluster.authority.certificate.not_valid_after_utc


@pytest.mark.parametrize("name", ["", "m1.manager", "M1", "a,OU=manager", "x" * 64, "*"])
def test_a_name_that_is_none_gets_no_certificate(cluster: Cluster, name: str) -> None:
    with pytest.raises(InvalidInput, match="name: "):
        issue(cluster.authority, cluster.identity("worker", name), now_ms=NOW_MS)


def test_the_longest_name_gets_one(cluster: Cluster) -> None:
    assert issue(cluster.authority, cluster.identity("manager", "x" * 63), now_ms=NOW_MS)


def test_files_are_installed_with_their_modes(cluster: Cluster) -> None:
    folder = cluster.party("manager", "m1")
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "ca.crt": 0o644,
        "node.crt": 0o644,
        "node.key": 0o600,
    }
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_renewal_keeps_the_key(cluster: Cluster) -> None:
    folder = cluster.party("manager", "m1")
    key, before = (folder / "node.key").read_bytes(), (folder / "node.crt").read_bytes()
    cluster.party("manager", "m1", now_ms=NOW_MS + 300 * DAY_MS)
    assert (folder / "node.key").read_bytes() == key
    assert (folder / "node.crt").read_bytes() != before


def test_a_renewal_refuses_a_key_that_others_may_have(cluster: Cluster) -> None:
    folder = cluster.party("manager", "m1")
    (folder / "node.key").chmod(0o644)
    with pytest.raises(BadFile, match="open to others"):
        cluster.party("manager", "m1")


def test_a_renewal_names_a_damaged_key(cluster: Cluster) -> None:
    folder = cluster.party("manager", "m1")
    (folder / "node.key").write_bytes(b"nothing")
    with pytest.raises(BadFile, match=r"node\.key is no private key in PEM: remove it"):
        cluster.party("manager", "m1")


class TestIsDue:
    HOSTS = ("192.0.2.1", "server-1.example.com")

    def due(self, cluster: Cluster, *hosts: str, name: str = "m1", now_ms: int = NOW_MS) -> bool:
        return is_due(
            cluster.authority,
            cluster.identity("manager", name),
            cluster.files.process("m1").tls,
            hosts=hosts,
            now_ms=now_ms,
        )

    def test_where_there_is_none(self, cluster: Cluster) -> None:
        assert self.due(cluster)

    def test_not_where_all_is_as_it_should_be(self, cluster: Cluster) -> None:
        cluster.party("manager", "m1", *self.HOSTS)
        assert not self.due(cluster, *self.HOSTS)
        assert not self.due(cluster, *self.HOSTS, now_ms=NOW_MS + 44 * DAY_MS)

    def test_in_the_second_half_of_its_life(self, cluster: Cluster) -> None:
        cluster.party("manager", "m1", *self.HOSTS)
        assert self.due(cluster, *self.HOSTS, now_ms=NOW_MS + 46 * DAY_MS)

    def test_where_the_host_has_moved(self, cluster: Cluster) -> None:
        cluster.party("manager", "m1", *self.HOSTS)
        assert self.due(cluster, "192.0.2.2")

    def test_where_the_folder_was_made_anew(self, cluster: Cluster) -> None:
        cluster.party("manager", "m1", *self.HOSTS)
        again = msgspec.structs.replace(cluster.identity("manager", "m1"), instance="abc123")
        files = cluster.files.process("m1").tls
        assert is_due(cluster.authority, again, files, hosts=self.HOSTS, now_ms=NOW_MS)

    def test_where_it_is_anothers(self, cluster: Cluster) -> None:
        cluster.party("manager", "m1", *self.HOSTS)
        assert self.due(cluster, *self.HOSTS, name="m2")

    @pytest.mark.parametrize("missing", ["ca.crt", "node.crt", "node.key"])
    def test_where_a_file_is_missing(self, cluster: Cluster, missing: str) -> None:
        (cluster.party("manager", "m1", *self.HOSTS) / missing).unlink()
        assert self.due(cluster, *self.HOSTS)

    def test_where_it_is_damaged(self, cluster: Cluster) -> None:
        (cluster.party("manager", "m1", *self.HOSTS) / "node.crt").write_text("nothing")
        assert self.due(cluster, *self.HOSTS)

    def test_where_another_ca_signed_it(self, cluster: Cluster) -> None:
        files: TlsFiles = cluster.files.process("m1").tls
        other = create_ca("lab", cluster.cluster_id, now_ms=NOW_MS)
        install(other, cluster.identity("manager", "m1"), files, hosts=self.HOSTS, now_ms=NOW_MS)
        assert self.due(cluster, *self.HOSTS)


def test_what_only_uses_certificates_does_not_load_what_makes_them() -> None:
    code = "import sys, okube.security, okube.security.seed; print('cryptography' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
