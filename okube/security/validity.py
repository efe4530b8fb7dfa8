"""From when to when a certificate is good, and when it is time for the next one.

Imports ``cryptography``; see ``okube.security.ca``.
"""

from pathlib import Path

import msgspec
from cryptography import x509

from okube.model.errors import BadFile

__all__ = ["Validity", "validity_in", "validity_of"]

_SPREAD = 0.1
_TRIES = 20


class Validity(msgspec.Struct, frozen=True):
    """Milliseconds since 1970, UTC."""

    begins_ms: int
    ends_ms: int

    def due_ms(self, chance: float) -> int:
        """When to renew: at half of its life, or a little later by chance (0 to 1), so that not all ask at once."""
        return round(self.begins_ms + (0.5 + _SPREAD * chance) * (self.ends_ms - self.begins_ms))

    @property
    def retry_s(self) -> float:
        """How long to wait after a try that failed: there are some ten until the end; an hour at most."""
        return min(3600.0, max(1.0, (self.ends_ms - self.begins_ms) / 1000 / _TRIES))


def validity_of(pem: bytes) -> Validity:
    """The validity of a certificate in PEM (the first, where there are several). Raises ValueError."""
    certificate = x509.load_pem_x509_certificate(pem)
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return Validity(round(begin.timestamp() * 1000), round(end.timestamp() * 1000))


def validity_in(path: Path) -> Validity:
    """The validity of the certificate in a file.

    Raises:
        BadFile: it cannot be read, or is none.
    """
    try:
        return validity_of(path.read_bytes())
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise BadFile(f"{path} is no certificate: {error}.") from error
