"""Certificates for managers, workers and admins, signed by the cluster's CA.

Imports ``cryptography``; see ``okube.security.ca``.
"""

import ipaddress
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from okube.model.errors import BadFile, FieldError, InvalidInput
from okube.model.names import name_error
from okube.security.ca import BACKDATED, Authority, private_pem
from okube.security.files import TlsFiles
from okube.security.identity import ANY_MANAGER, Identity
from okube.security.private import read_private, write_private, write_public

__all__ = ["ADMIN_LIFE", "NODE_LIFE", "Issued", "certify_key", "install", "is_due", "issue", "key_in"]

ADMIN_LIFE = timedelta(days=365)
"""Of what ``okube up`` leaves for the admin, and renews when it is called."""
NODE_LIFE = timedelta(days=90)
"""Of managers and workers, unless cluster.yaml says otherwise: they renew theirs by themselves."""


class Issued(msgspec.Struct, frozen=True):
    """A certificate and its private key, both as PEM."""

    certificate: bytes
    key: bytes


def issue(
    authority: Authority,
    identity: Identity,
    *,
    hosts: Iterable[str] = (),
    now_ms: int,
    life: timedelta | None = None,
    key: ec.EllipticCurvePrivateKey | None = None,
) -> Issued:
    """A certificate for one party, with its key.

    Args:
        authority: the cluster's CA.
        identity: for whom; an admin's is for clients only, the others' serve and call.
        hosts: host names and IP addresses at which a manager is reached (others are known by name alone).
        now_ms: milliseconds since 1970, UTC.
        life: how long it lasts, unless the CA ends before; what is usual for its role unless given.
        key: the party's key; a new one unless given.

    Raises:
        InvalidInput: the name is no name, or the cluster's id no id.
    """
    key = key or ec.generate_private_key(ec.SECP256R1())
    certificate = certify_key(
        authority, key.public_key(), identity, hosts=hosts, now_ms=now_ms, life=life or _usual_life(identity)
    )
    return Issued(certificate, private_pem(key))


def certify_key(
    authority: Authority,
    key: ec.EllipticCurvePublicKey,
    identity: Identity,
    *,
    hosts: Iterable[str] = (),
    now_ms: int,
    life: timedelta,
) -> bytes:
    """The certificate, as PEM, that says whose a public key is; arguments and errors as those of ``issue``."""
    errors = [
        FieldError(path, message)
        for path, message in (("name", name_error(identity.name)), ("cluster_id", name_error(identity.cluster_id)))
        if message
    ]
    if errors:
        raise InvalidInput.of(errors, what="certificate")
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_subject(identity))
        .issuer_name(authority.certificate.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - min(BACKDATED, life / 10))
        .not_valid_after(min(now + life, authority.certificate.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_may_sign_handshakes(), critical=True)
        .add_extension(x509.ExtendedKeyUsage(_purposes(identity)), critical=False)
        .add_extension(x509.SubjectAlternativeName(_alternative_names(identity, hosts)), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
            critical=False,
        )
        .sign(authority.key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def install(
    authority: Authority,
    identity: Identity,
    files: TlsFiles,
    *,
    hosts: Iterable[str] = (),
    now_ms: int,
    life: timedelta | None = None,
    trusted: bytes | None = None,
) -> None:
    """Issue a certificate into its folder, or renew the one there.

    A key that is there is kept and the certificate is written last, so that the files fit each other wherever this is
    interrupted. ``trusted`` is what ``ca.crt`` holds there; the CA's certificate alone unless given.

    Raises:
        BadFile: the key that is there is open to others, or none.
    """
    key = key_in(files) if files.key.exists() else None
    issued = issue(authority, identity, hosts=hosts, now_ms=now_ms, life=life, key=key)
    write_public(files.ca, trusted or authority.certificate_pem)
    if key is None:
        write_private(files.key, issued.key)
    write_public(files.certificate, issued.certificate)


def is_due(
    authority: Authority, identity: Identity, files: TlsFiles, *, hosts: Iterable[str] = (), now_ms: int
) -> bool:
    """Whether ``install`` should be called with the same arguments.

    It should where there is no certificate, one of another CA, for another party or other hosts, or one in the
    second half of its life.
    """
    if not files.key.exists() or not files.ca.exists():
        return True
    try:
        certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
        certificate.verify_directly_issued_by(authority.certificate)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return True
    if certificate.subject != _subject(identity) or list(names) != _alternative_names(identity, hosts):
        return True
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return now > begin + (end - begin) / 2


def _usual_life(identity: Identity) -> timedelta:
    return NODE_LIFE if identity.role in ("manager", "worker") else ADMIN_LIFE


def key_in(files: TlsFiles) -> ec.EllipticCurvePrivateKey:
    """The key in a folder. Raises BadFile where it is open to others, or none."""
    try:
        key = serialization.load_pem_private_key(read_private(files.key), password=None)
    except (ValueError, TypeError) as error:
        raise BadFile(f"{files.key} is no private key in PEM: remove it to have a new one made.") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise BadFile(f"{files.key} is no ECDSA key: remove it to have a new one made.")
    return key


def _subject(identity: Identity) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, identity.cluster_id),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, identity.role),
            x509.NameAttribute(NameOID.COMMON_NAME, identity.name),
        ]
    )


def _purposes(identity: Identity) -> list[x509.ObjectIdentifier]:
    if identity.role not in ("manager", "worker"):
        return [ExtendedKeyUsageOID.CLIENT_AUTH]
    return [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]


def _alternative_names(identity: Identity, hosts: Iterable[str]) -> list[x509.GeneralName]:
    names = [identity.server_name]
    if identity.role == "manager":
        names += [ANY_MANAGER, "localhost", *hosts]
    instance = identity.instance_uri
    marks = [] if instance is None else [x509.UniformResourceIdentifier(instance)]
    return [*(_general_name(name) for name in dict.fromkeys(names)), *marks]


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _may_sign_handshakes() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
