"""The cluster's own certificate authority: made once by the first ``okube up``, and the root of all trust in it.

Imports ``cryptography``, which takes its time to load: for those that make certificates, not for those that use them.
"""

import contextlib
from datetime import UTC, datetime, timedelta

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from okube.model.authority import mark_of
from okube.model.errors import BadFile, Conflict
from okube.security.authorityfiles import AuthorityFiles, put_key
from okube.security.files import TlsFiles
from okube.security.private import read_private, write_public

__all__ = ["BACKDATED", "CA_LIFE", "Authority", "ca_id", "create_ca", "load_ca", "mark_in", "private_pem", "save_ca"]

CA_LIFE = timedelta(days=3652)
BACKDATED = timedelta(hours=1)
"""How far in the past certificates begin, so that a machine whose clock is slow believes them too."""


class Authority(msgspec.Struct, frozen=True):
    """A CA that can sign: its certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> bytes:
        """The certificate as ``ca.crt`` holds it."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def create_ca(cluster: str, cluster_id: str, *, now_ms: int) -> Authority:
    """A new CA for one cluster: ECDSA P-256, ten years, and it signs leaves only.

    Args:
        cluster: the cluster's name, for people.
        cluster_id: the cluster's id.
        now_ms: milliseconds since 1970, UTC.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, cluster_id),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Okube CA {cluster}"[:64]),  # 64 is the limit of X.509
        ]
    )
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_may_sign_certificates(), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def save_ca(authority: Authority, files: AuthorityFiles) -> None:
    """Keep a new CA; the certificate comes last, so that a CA that has one is whole.

    Raises:
        Conflict: there is a CA already; nothing is changed.
    """
    if files.certificate.exists():
        raise Conflict(
            f"The cluster has a CA already, {files.certificate}: a second one would shut out all who trust the first."
        )
    put_key(files, private_pem(authority.key))
    write_public(files.certificate, authority.certificate_pem)


def load_ca(files: AuthorityFiles) -> Authority:
    """The CA in the cluster's files.

    Raises:
        BadFile: there is none, its key is open to others, or its files are not what they should be.
    """
    try:
        pem = files.certificate.read_bytes()
    except OSError as error:
        raise BadFile(
            f"The certificate of the cluster's CA, {files.certificate}, cannot be read: {error.strerror}. "
            "New certificates can be made only on the machine that has the CA."
        ) from error
    key_pem = read_private(files.key)
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        key = serialization.load_pem_private_key(key_pem, password=None)
    except (ValueError, TypeError) as error:
        raise BadFile(
            f"{files.certificate} or {files.key} is damaged: it is no PEM file; restore both from a backup."
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise BadFile(f"{files.key} is not the key of {files.certificate}: restore both from a backup.")
    return Authority(certificate, key)


def ca_id(certificate: x509.Certificate) -> str:
    """What tells one CA from another: the beginning of its certificate's SHA-256."""
    return certificate.fingerprint(hashes.SHA256()).hex()[:16]


def mark_in(files: TlsFiles) -> str:
    """The mark of what a folder holds, see ``okube.model.authority``; empty where that cannot be used."""
    try:
        trusted = files.ca.read_bytes()
        certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
        authorities = x509.load_pem_x509_certificates(trusted)
    except (OSError, ValueError):
        return ""
    for authority in authorities:
        with contextlib.suppress(ValueError, TypeError, InvalidSignature):
            certificate.verify_directly_issued_by(authority)
            return mark_of(trusted, ca_id(authority))
    return ""


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key as its file holds it: PKCS #8, not encrypted; the file's mode guards it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _may_sign_certificates() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
