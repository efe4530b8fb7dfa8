"""What is kept encrypted, and the keys that it is encrypted with, as the replicated state holds them.

Nothing here opens anything: see ``okube.security.keyring``.
"""

from typing import Annotated

import msgspec

__all__ = ["Ring", "Sealed", "WrappedKey"]

Nonce = Annotated[bytes, msgspec.Meta(min_length=12, max_length=12)]


class Sealed(msgspec.Struct, frozen=True, array_like=True):
    """Bytes under the data key of that id (AES-256-GCM, its tag at the end)."""

    key_id: str
    nonce: Nonce
    ciphertext: bytes


class WrappedKey(msgspec.Struct, frozen=True, array_like=True):
    """A data key under the unlock key (AES-256-GCM); ``made_ms`` is milliseconds since 1970, UTC."""

    id: str
    nonce: Nonce
    ciphertext: bytes
    made_ms: int = 0


class Ring(msgspec.Struct, frozen=True, array_like=True):
    """The cluster's data keys, the newest last: it seals, and the others are there for what they have sealed.

    ``unlock_id`` tells which unlock key opens them. With ``autolock`` no manager keeps that one on its disk.
    """

    unlock_id: str
    keys: tuple[WrappedKey, ...]
    autolock: bool = False
    revision: int = 0

    @property
    def newest(self) -> str:
        """The id of the key that seals."""
        return self.keys[-1].id
