"""What asks for a certificate: a request in PKCS #10, which proves that whoever asks has the key.

Who the certificate is for is said by whoever signs it, from what is known of the caller: of the request only the key
counts. Imports ``cryptography``; see ``okube.security.ca``.
"""

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from okube.model.errors import Malformed

__all__ = ["MAX_REQUEST_BYTES", "key_of_request", "new_key", "request_for"]

MAX_REQUEST_BYTES = 8192


def new_key() -> ec.EllipticCurvePrivateKey:
    """A new key of the kind that all parties have: ECDSA P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def request_for(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A request for a certificate of this key, as PEM."""
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM)


def key_of_request(pem: bytes) -> ec.EllipticCurvePublicKey:
    """The key for which a request asks.

    Raises:
        Malformed: it is no request, its key is not ECDSA P-256, or whoever made it does not have that key.
    """
    if len(pem) > MAX_REQUEST_BYTES:
        raise Malformed(f"the certificate request is {len(pem)} bytes, and {MAX_REQUEST_BYTES} are enough for any")
    try:
        request = x509.load_pem_x509_csr(pem)
        key = request.public_key()
        proved = request.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature) as error:
        raise Malformed(f"this is no certificate request in PEM: {error}") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Malformed("the certificate request is for another kind of key than ECDSA P-256")
    if not proved:
        raise Malformed("the certificate request is not signed with the key that it names")
    return key
