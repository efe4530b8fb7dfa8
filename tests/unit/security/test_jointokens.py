import pytest
from cryptography.hazmat.primitives import hashes

from okube.model.errors import InvalidInput
from okube.security.jointokens import JoinToken, certificates_in, fingerprint_of, new_secret, parse_join_token
from tests.unit.security.conftest import Cluster


def a_token() -> JoinToken:
    return JoinToken("k3v9xk3v9xk3", new_secret(), "0f" * 32, "manager")


def test_a_token_is_read_as_it_was_written() -> None:
    token = a_token()
    assert parse_join_token(f" {token}\n") == token


def test_a_token_can_be_picked_with_one_click_but_for_its_dots() -> None:
    assert str(a_token()).startswith("okube-k3v9xk3v9xk3.")
    assert str(a_token()).endswith(".manager")


@pytest.mark.parametrize("cut", [1, 20, 60, 100])
def test_a_token_that_was_cut_is_refused_without_being_repeated(cut: int) -> None:
    token = a_token()
    with pytest.raises(InvalidInput, match="okube token create") as caught:
        parse_join_token(str(token)[:-cut])
    assert token.secret[:8] not in str(caught.value)


@pytest.mark.parametrize("text", ["", "okube-x", "SWMTKN-1-x-y", "okube-k3v9.a.b.worker", "\x00"])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_join_token(text)


def test_what_is_logged_by_accident_lets_nobody_in() -> None:
    token = a_token()
    assert token.secret not in repr(token)
    assert token.secret not in f"{[token]}"


def test_two_secrets_differ() -> None:
    assert new_secret() != new_secret()


def test_a_fingerprint_is_that_of_the_certificate_however_it_is_written(
    cluster: Cluster, foreign_cluster: Cluster
) -> None:
    ours, theirs = (each.authority.certificate_pem.decode() for each in (cluster, foreign_cluster))
    bundle = certificates_in(f"a word before\n{ours}\n\n{theirs}")
    assert [fingerprint_of(each) for each in bundle] == [fingerprint_of(ours), fingerprint_of(theirs)]
    assert fingerprint_of(ours) == cluster.authority.certificate.fingerprint(hashes.SHA256()).hex()


def test_no_certificate_has_no_fingerprint() -> None:
    assert certificates_in("") == []
    with pytest.raises(ValueError):
        fingerprint_of("-----BEGIN CERTIFICATE-----")
