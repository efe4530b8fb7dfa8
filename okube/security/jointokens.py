"""A join token as text: ``okube-ID.SECRET.FINGERPRINT.ROLE``.

ID finds it in the cluster, SECRET (256 random bits) proves that its bearer may join, FINGERPRINT is the SHA-256 of the
cluster's CA certificate: by it a machine knows the cluster before it says anything, and ROLE tells what it becomes. No
part of it is needed by anybody who only asks for it to be revoked but the id.
"""

import base64
import re
from typing import Literal, cast

import msgspec

from okube.model.errors import InvalidInput

__all__ = ["JoinToken", "certificates_in", "fingerprint_of", "new_secret", "parse_join_token"]

_FORM = re.compile(r"okube-([a-z0-9]{4,63})\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})\.(worker|manager)")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.DOTALL)


class JoinToken(msgspec.Struct, frozen=True):
    """A token in its parts; ``ca_sha256`` is in hex."""

    id: str
    secret: str
    ca_sha256: str
    role: Literal["worker", "manager"]

    def __str__(self) -> str:
        """The text that a person copies."""
        return f"okube-{self.id}.{self.secret}.{_text(bytes.fromhex(self.ca_sha256))}.{self.role}"

    def __repr__(self) -> str:
        """Without the secret: what is logged by accident lets nobody in."""
        return f"JoinToken({self.id}, {self.role})"


def new_secret() -> str:
    """A new secret of 256 random bits."""
    import secrets

    return secrets.token_urlsafe(32)


def parse_join_token(text: str) -> JoinToken:
    """A token from the text of one; raises InvalidInput, and never repeats the text, which may hold a secret."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise InvalidInput(
            "this is no join token: it is okube-ID.SECRET.FINGERPRINT.ROLE in one piece, as `okube token create` "
            "prints it"
        )
    token_id, secret, fingerprint, role = match.groups()
    digest = base64.urlsafe_b64decode(fingerprint + "=")
    return JoinToken(token_id, secret, digest.hex(), cast("Literal['worker', 'manager']", role))


def certificates_in(pem: str) -> list[str]:
    """The certificates of a bundle, each in PEM."""
    return _CERTIFICATE.findall(pem)


def fingerprint_of(certificate_pem: str) -> str:
    """The SHA-256 of a certificate (of its DER), in hex.

    Raises:
        ValueError: it is no certificate.
    """
    import hashlib
    import ssl

    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate_pem.strip())).hexdigest()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
