from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from okube.model.errors import BadFile, Conflict
from okube.security.ca import create_ca, load_ca, save_ca
from tests.unit.security.conftest import NOW_MS, Cluster


def test_a_ca_signs_leaves_only_and_for_ten_years() -> None:
    certificate = create_ca("lab", "c1", now_ms=NOW_MS).certificate
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    now = datetime.fromtimestamp(NOW_MS / 1000, UTC)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    assert certificate.not_valid_before_utc < now
    assert certificate.not_valid_after_utc - now > timedelta(days=3650)


def test_the_longest_name_of_a_cluster_fits() -> None:
    assert create_ca("x" * 63, "c" * 63, now_ms=NOW_MS).certificate_pem.startswith(b"-----BEGIN CERTIFICATE")


def test_a_ca_is_the_same_after_loading(cluster: Cluster) -> None:
    loaded = load_ca(cluster.ca)
    assert loaded.certificate == cluster.authority.certificate
    assert loaded.key.public_key() == cluster.authority.key.public_key()


def test_the_key_of_the_ca_is_for_its_owner_alone(cluster: Cluster) -> None:
    assert cluster.ca.key.stat().st_mode & 0o777 == 0o600
    assert cluster.ca.certificate.stat().st_mode & 0o777 == 0o644
    assert cluster.ca.key.parent.stat().st_mode & 0o777 == 0o700


def test_a_second_ca_does_not_replace_the_first(cluster: Cluster) -> None:
    held = cluster.ca.key.read_bytes()
    with pytest.raises(Conflict, match="has a CA already"):
        save_ca(create_ca("lab", "c2", now_ms=NOW_MS), cluster.ca)
    assert cluster.ca.key.read_bytes() == held


def test_a_ca_that_was_not_finished_is_made_anew(cluster: Cluster) -> None:
    cluster.ca.certificate.unlink()
    other = create_ca("lab", "c2", now_ms=NOW_MS)
    save_ca(other, cluster.ca)
    assert load_ca(cluster.ca).certificate == other.certificate


def test_a_missing_ca_says_where_it_is_to_be_looked_for(cluster: Cluster) -> None:
    cluster.ca.certificate.unlink()
    with pytest.raises(BadFile, match="only on the machine that has the CA"):
        load_ca(cluster.ca)


def test_a_key_of_the_ca_that_others_may_read_is_refused(cluster: Cluster) -> None:
    cluster.ca.key.chmod(0o644)
    with pytest.raises(BadFile, match="chmod 600"):
        load_ca(cluster.ca)


def test_a_damaged_ca_is_named(cluster: Cluster) -> None:
    cluster.ca.key.write_bytes(b"nothing")
    with pytest.raises(BadFile, match=r"ca\.crt or .*ca\.key is damaged: it is no PEM file"):
        load_ca(cluster.ca)


def test_a_key_of_another_ca_is_named(cluster: Cluster, foreign_cluster: Cluster) -> None:
    cluster.ca.key.write_bytes(foreign_cluster.ca.key.read_bytes())
    with pytest.raises(BadFile, match=r"ca\.key is not the key of .*ca\.crt"):
        load_ca(cluster.ca)
