import time
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from okube.manager.signing import Signer, authority_in
from okube.model.errors import Conflict, InvalidInput, Malformed
from okube.security import Identity
from okube.security.authorityfiles import AuthorityFiles
from okube.security.ca import create_ca, save_ca
from okube.security.requests import new_key, request_for

CLUSTER = "k3v9xk3v9xk3"
NOW_MS = int(time.time() * 1000)


@pytest.fixture
def files(tmp_path: Path) -> AuthorityFiles:
    files = AuthorityFiles(tmp_path / "data", tmp_path / "keys")
    save_ca(create_ca("lab", CLUSTER, now_ms=NOW_MS), files)
    return files


def a_signer(files: AuthorityFiles | None, life: timedelta = timedelta(days=90)) -> Signer:
    return Signer(CLUSTER, authority_in(files), lambda: NOW_MS, life)


def test_a_certificate_says_what_the_manager_knows_and_not_what_the_request_says(files: AuthorityFiles) -> None:
    key = new_key()
    pem = a_signer(files).sign(request_for(key), Identity(CLUSTER, "worker", "w1", "i1"))
    certificate = x509.load_pem_x509_certificate(pem)
    assert certificate.subject.rfc4514_string() == f"CN=w1,OU=worker,O={CLUSTER}"
    assert certificate.public_key() == key.public_key()
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(a_signer(files).trusted()))


def test_a_certificate_lasts_as_long_as_the_cluster_has_it(files: AuthorityFiles) -> None:
    signer = a_signer(files, life=timedelta(minutes=2))
    for life, seconds in ((None, 120), (timedelta(days=1), 86_400)):
        pem = signer.sign(request_for(new_key()), Identity(CLUSTER, "worker", "w1"), life=life)
        end = x509.load_pem_x509_certificate(pem).not_valid_after_utc
        assert end.timestamp() == pytest.approx(NOW_MS / 1000 + seconds, abs=1)


@pytest.mark.parametrize("life", [timedelta(0), timedelta(days=-1), timedelta(days=4000)])
def test_a_life_that_cannot_be_is_refused(files: AuthorityFiles, life: timedelta) -> None:
    with pytest.raises(InvalidInput, match="ten seconds"):
        a_signer(files).sign(request_for(new_key()), Identity(CLUSTER, "user", "anna"), life=life)


def test_nothing_is_signed_for_another_cluster(files: AuthorityFiles) -> None:
    with pytest.raises(InvalidInput, match="the certificate is for other"):
        a_signer(files).sign(request_for(new_key()), Identity("other", "worker", "w1"))


def test_nothing_is_signed_for_what_is_no_request(files: AuthorityFiles) -> None:
    with pytest.raises(Malformed):
        a_signer(files).sign(b"nothing", Identity(CLUSTER, "worker", "w1"))


def test_a_manager_without_the_ca_says_so(tmp_path: Path) -> None:
    for files in (None, AuthorityFiles(tmp_path, tmp_path / "keys")):
        with pytest.raises(Conflict, match="does not have the key of the cluster's CA"):
            a_signer(files).sign(request_for(new_key()), Identity(CLUSTER, "worker", "w1"))


@pytest.mark.parametrize("left", [0, 1, 100])
def test_a_key_of_the_ca_that_was_cut_off_is_told_of(files: AuthorityFiles, left: int) -> None:
    files.key.write_bytes(files.key.read_bytes()[:left])
    with pytest.raises(Conflict, match="cannot be used on this manager"):
        a_signer(files).sign(request_for(new_key()), Identity(CLUSTER, "worker", "w1"))
