"""The key ring: an unlock key opens data keys, and these open what the state holds sealed. Pure.

AES-256-GCM throughout (NIST SP 800-38D), with random nonces of 96 bits: a data key seals far fewer than the 2^32 values
for which those are safe. What a value belongs to goes along as associated data, so that none can be put in the place of
another, nor one of another cluster.

Imports ``cryptography``, which takes its time to load: for managers, not for their clients.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from okube.model.errors import InvalidInput, OkubeError
from okube.model.sealed import Ring, Sealed, WrappedKey
from okube.security.unlocktext import KEY_BYTES, PREFIX, unlock_text

__all__ = [
    "KEY_BYTES",
    "CannotOpen",
    "OpenRing",
    "RandomBytes",
    "UnlockKey",
    "WrongUnlockKey",
    "new_ring",
    "open_ring",
    "with_new_key",
    "with_unlock_key",
    "without_old_keys",
]

_NONCE_BYTES = 12

RandomBytes = Callable[[int], bytes]
"""So many bytes that nobody can guess: ``os.urandom``, or the seeded ones of a simulation."""


class CannotOpen(OkubeError):
    """What is sealed is damaged, was moved, or its key is gone."""

    kind = "cannot-open"


class WrongUnlockKey(InvalidInput):
    """The unlock key is not the one that this ring was wrapped with."""

    kind = "wrong-unlock-key"


class UnlockKey(msgspec.Struct, frozen=True):
    """The key above all others: 256 random bits, the same at all managers, and never in the state."""

    secret: bytes

    def __repr__(self) -> str:
        """Its id alone: what is logged or raised by mistake gives nothing away."""
        return f"<unlock key {self.id}>"

    @classmethod
    def new(cls, random_bytes: RandomBytes) -> "UnlockKey":
        """A new one."""
        return cls(random_bytes(KEY_BYTES))

    @classmethod
    def parse(cls, text: str) -> "UnlockKey":
        """The key in its written form.

        Raises:
            InvalidInput: it is none, or not whole; the message does not repeat it.
        """
        encoded = text.strip().removeprefix(PREFIX)
        try:
            secret = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        except ValueError:
            secret = b""
        if not text.strip().startswith(PREFIX) or len(secret) != KEY_BYTES:
            raise InvalidInput(f"this is no unlock key: one is {PREFIX}… and 43 characters more")
        return cls(secret)

    @property
    def text(self) -> str:
        """Its written form, as the file and ``okube unlock`` have it."""
        return unlock_text(self.secret)

    @property
    def id(self) -> str:
        """What tells it from others, and tells nothing of it."""
        return hashlib.sha256(b"okube unlock key\0" + self.secret).hexdigest()[:16]


class OpenRing:
    """The data keys of a ring, in memory."""

    def __init__(self, cluster_id: str, keys: dict[str, bytes], newest: str, random_bytes: RandomBytes) -> None:
        self._cluster_id = cluster_id
        self._ciphers = {key_id: AESGCM(secret) for key_id, secret in keys.items()}
        self._newest = newest
        self._marks = hmac.digest(keys[newest], b"okube/1 marks", "sha256")
        self._random_bytes = random_bytes

    def seal(self, plain: bytes, about: str) -> Sealed:
        """``plain`` under the newest data key, as what ``about`` names: ``secret/db-password/3``."""
        nonce = self._random_bytes(_NONCE_BYTES)
        associated = _associated(self._cluster_id, self._newest, about)
        return Sealed(self._newest, nonce, self._ciphers[self._newest].encrypt(nonce, plain, associated))

    def mark(self, *parts: bytes) -> bytes:
        """What two equal things have alike, and what tells nothing of them: 16 bytes of HMAC-SHA-256."""
        made = hmac.new(self._marks, digestmod="sha256")
        for part in parts:
            made.update(len(part).to_bytes(8, "big"))
            made.update(part)
        return made.digest()[:16]

    def open(self, sealed: Sealed, about: str) -> bytes:
        """What was sealed as ``about``.

        Raises:
            CannotOpen: its key is not in this ring, or it is not what was sealed.
        """
        cipher = self._ciphers.get(sealed.key_id)
        if cipher is None:
            raise CannotOpen(f"{about} was sealed with the data key {sealed.key_id}, which the key ring does not have")
        try:
            return cipher.decrypt(sealed.nonce, sealed.ciphertext, _associated(self._cluster_id, sealed.key_id, about))
        except InvalidTag as error:
            raise CannotOpen(f"{about} is damaged: it is not what was sealed with {sealed.key_id}") from error


def new_ring(cluster_id: str, unlock: UnlockKey, key_id: str, random_bytes: RandomBytes, now_ms: int) -> Ring:
    """A ring of one data key."""
    return Ring(unlock.id, (_wrap(cluster_id, unlock, key_id, random_bytes(KEY_BYTES), random_bytes, now_ms),))


def open_ring(cluster_id: str, ring: Ring, unlock: UnlockKey, random_bytes: RandomBytes) -> OpenRing:
    """The ring, opened.

    Raises:
        WrongUnlockKey: it is not this unlock key's.
        CannotOpen: a data key is damaged.
    """
    return OpenRing(cluster_id, _unwrapped(cluster_id, ring, unlock), ring.newest, random_bytes)


def with_new_key(
    cluster_id: str, ring: Ring, unlock: UnlockKey, key_id: str, random_bytes: RandomBytes, now_ms: int
) -> Ring:
    """The ring and one data key more, which seals from here on. Raises WrongUnlockKey."""
    _require(ring, unlock)
    added = _wrap(cluster_id, unlock, key_id, random_bytes(KEY_BYTES), random_bytes, now_ms)
    return msgspec.structs.replace(ring, keys=(*ring.keys, added))


def without_old_keys(ring: Ring) -> Ring:
    """The ring with its newest data key alone: what others have sealed cannot be opened any more."""
    return msgspec.structs.replace(ring, keys=ring.keys[-1:])


def with_unlock_key(cluster_id: str, ring: Ring, old: UnlockKey, new: UnlockKey, random_bytes: RandomBytes) -> Ring:
    """The same data keys under another unlock key. Raises what ``open_ring`` raises."""
    secrets = _unwrapped(cluster_id, ring, old)
    keys = tuple(_wrap(cluster_id, new, key.id, secrets[key.id], random_bytes, key.made_ms) for key in ring.keys)
    return msgspec.structs.replace(ring, unlock_id=new.id, keys=keys)


def _unwrapped(cluster_id: str, ring: Ring, unlock: UnlockKey) -> dict[str, bytes]:
    _require(ring, unlock)
    cipher = AESGCM(unlock.secret)
    try:
        return {
            key.id: cipher.decrypt(key.nonce, key.ciphertext, _associated(cluster_id, unlock.id, f"key/{key.id}"))
            for key in ring.keys
        }
    except InvalidTag as error:
        raise CannotOpen("a data key of the key ring is damaged") from error


def _require(ring: Ring, unlock: UnlockKey) -> None:
    if ring.unlock_id != unlock.id:
        raise WrongUnlockKey(
            f"this is another unlock key ({unlock.id}): the cluster's key ring is locked with {ring.unlock_id}"
        )


def _wrap(
    cluster_id: str, unlock: UnlockKey, key_id: str, secret: bytes, random_bytes: RandomBytes, made_ms: int
) -> WrappedKey:
    nonce = random_bytes(_NONCE_BYTES)
    associated = _associated(cluster_id, unlock.id, f"key/{key_id}")
    return WrappedKey(key_id, nonce, AESGCM(unlock.secret).encrypt(nonce, secret, associated), made_ms)


def _associated(cluster_id: str, key_id: str, about: str) -> bytes:
    return "\0".join(("okube/1", cluster_id, key_id, about)).encode()
