"""Who was away until its certificate had ended may still renew it: it shows that certificate, and that it has its key.

No connection can be made with such a certificate, so this goes over one without. It says who somebody was; whether that
one still takes part is for whoever signs to know. Imports ``cryptography``; see ``okube.security.ca``.
"""

import contextlib

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from okube.model.errors import Unauthorized
from okube.model.wire import ExpiredQuestion
from okube.security.files import TlsFiles
from okube.security.identity import Identity, identity_of
from okube.security.issue import key_in

__all__ = ["prove", "proved"]

_ABOUT = b"okube: renew an expired certificate\0"
_NAMES = {
    x509.NameOID.ORGANIZATION_NAME: "organizationName",
    x509.NameOID.ORGANIZATIONAL_UNIT_NAME: "organizationalUnitName",
    x509.NameOID.COMMON_NAME: "commonName",
}


def prove(files: TlsFiles, request: bytes) -> ExpiredQuestion:
    """The question of a process with that folder, for a request as PEM. Raises BadFile, OSError."""
    signature = key_in(files).sign(_ABOUT + request, ec.ECDSA(hashes.SHA256()))
    return ExpiredQuestion(files.certificate.read_bytes(), request, signature)


def proved(question: ExpiredQuestion, trusted: bytes) -> Identity:
    """Whose certificate it was: one of a CA that is trusted, which has the key that signed the request.

    Raises:
        Unauthorized: it is none.
    """
    try:
        certificate = x509.load_pem_x509_certificate(question.certificate)
        key = certificate.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey) or not _is_of(certificate, trusted):
            raise Unauthorized("this certificate is of no CA that is trusted here")
        key.verify(question.signature, _ABOUT + question.request, ec.ECDSA(hashes.SHA256()))
    except (ValueError, TypeError, InvalidSignature) as error:
        raise Unauthorized("whoever asks does not have the key of this certificate") from error
    found = identity_of({"subject": _subject(certificate), "subjectAltName": _uris(certificate)})
    if found is None:
        raise Unauthorized("this certificate does not say whose it is")
    return found


def _is_of(certificate: x509.Certificate, trusted: bytes) -> bool:
    for authority in x509.load_pem_x509_certificates(trusted):
        with contextlib.suppress(ValueError, TypeError, InvalidSignature):
            certificate.verify_directly_issued_by(authority)
            return True
    return False


def _subject(certificate: x509.Certificate) -> list[list[tuple[str, str]]]:
    return [[(_NAMES.get(each.oid, ""), str(each.value))] for each in certificate.subject]


def _uris(certificate: x509.Certificate) -> list[tuple[str, str]]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [("URI", uri) for uri in names.get_values_for_type(x509.UniformResourceIdentifier)]
