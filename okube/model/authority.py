"""The cluster's CAs as the replicated state holds them: their certificates, and their keys sealed."""

import hashlib
from typing import Literal

import msgspec

from okube.model.sealed import Sealed

__all__ = ["Authorities", "CaOrder", "CaView", "KeptCa", "TrustedCa", "mark_of", "sealed_as"]


class KeptCa(msgspec.Struct, frozen=True, array_like=True):
    """One CA: ``id`` is the beginning of its certificate's SHA-256, ``certificate`` is PEM, the key is PEM, sealed."""

    id: str
    certificate: bytes
    key: Sealed
    made_ms: int = 0


class Authorities(msgspec.Struct, frozen=True, array_like=True):
    """All CAs whose certificates are believed, oldest first, and which of them signs. One row.

    There are two while one takes the other's place; ``coming`` is the id of the newer one then. First all learn to
    believe both, then the newer one signs, and at last the older one is believed no more.
    """

    signer: str
    kept: tuple[KeptCa, ...]
    coming: str = ""
    began_ms: int = 0  # when the change to the newer one began
    revision: int = 0

    @property
    def trusted(self) -> bytes:
        """What ``ca.crt`` holds: PEM."""
        return b"".join(each.certificate for each in self.kept)

    @property
    def mark(self) -> str:
        """What a party shows that believes these and has a certificate of the one that signs."""
        return mark_of(self.trusted, self.signer)

    def of(self, ca_id: str) -> KeptCa | None:
        """The CA of that id."""
        return next((each for each in self.kept if each.id == ca_id), None)


def mark_of(trusted: bytes, signer: str) -> str:
    """Tells parties apart by what they believe (``ca.crt`` as it is) and by whom their certificate was signed."""
    return f"{hashlib.sha256(trusted).hexdigest()[:16]}.{signer}"


def sealed_as(ca_id: str) -> str:
    """What the key of a CA is sealed as."""
    return f"authority/{ca_id}"


class TrustedCa(msgspec.Struct, frozen=True, kw_only=True):
    """A CA that is believed, and whether it signs now; ``ends_at`` is RFC 3339."""

    id: str
    signs: bool
    ends_at: str


class CaView(msgspec.Struct, frozen=True, kw_only=True):
    """The cluster's CAs.

    ``changing`` says how far another one is: ``no``, ``spreading`` (all learn to believe it) or ``signing`` (all renew
    their certificates); ``waits_for`` names who is not ready for the next step, as far as the leader knows.
    ``certificates`` is what to trust, as PEM.
    """

    trusted: tuple[TrustedCa, ...]
    changing: Literal["no", "spreading", "signing"]
    waits_for: tuple[str, ...] = ()
    certificates: str = ""


class CaOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The next step of a change of the CA.

    ``begin``: another CA. ``proceed``: it signs, although some are not ready. ``finish``: the former one is believed
    no more; ``force`` although some are not ready. ``give-up``: the new one is believed no more.
    """

    action: Literal["begin", "proceed", "finish", "give-up"]
    force: bool = False
