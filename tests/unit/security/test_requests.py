import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from okube.model.errors import Malformed
from okube.security.requests import MAX_REQUEST_BYTES, key_of_request, new_key, request_for


def test_the_key_of_a_request_is_that_of_whoever_made_it() -> None:
    key = new_key()
    assert key_of_request(request_for(key)) == key.public_key()


@pytest.mark.parametrize("pem", [b"", b"nothing", b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE"])
def test_what_is_no_request_is_refused(pem: bytes) -> None:
    with pytest.raises(Malformed, match="no certificate request"):
        key_of_request(pem)


def test_a_request_that_was_cut_off_is_refused() -> None:
    pem = request_for(new_key())
    for length in range(0, len(pem) - 2, 7):
        with pytest.raises(Malformed):
            key_of_request(pem[:length])


def test_a_huge_request_is_refused_before_it_is_read() -> None:
    with pytest.raises(Malformed, match="enough for any"):
        key_of_request(b"x" * (MAX_REQUEST_BYTES + 1))


@pytest.mark.parametrize("key", [ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()])
def test_another_kind_of_key_is_refused(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> None:
    algorithm = hashes.SHA256() if isinstance(key, ec.EllipticCurvePrivateKey) else None
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, algorithm)
    with pytest.raises(Malformed, match="another kind of key"):
        key_of_request(request.public_bytes(serialization.Encoding.PEM))


def test_a_request_for_a_key_that_the_caller_does_not_have_is_refused() -> None:
    der = bytearray(x509.load_pem_x509_csr(request_for(new_key())).public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    with pytest.raises(Malformed):
        key_of_request(x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM))
