"""What one manager can seal and open: the unlock key in its memory, and the key ring of the state.

Who has no unlock key is locked: it serves all but what is sealed.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Protocol

from okube.model.errors import BadFile, Conflict
from okube.model.sealed import Ring, Sealed
from okube.security.keyring import CannotOpen, OpenRing, RandomBytes, UnlockKey, open_ring
from okube.state import Tables

__all__ = ["Locked", "UnlockKeys", "Vault"]

_log = logging.getLogger(__name__)
_TOLD_KEYS = 4


class Locked(Conflict):
    """This manager does not have the unlock key (409)."""

    kind = "locked"


class UnlockKeys(Protocol):
    """Where a manager keeps the unlock key over a restart: ``KeyFiles``."""

    def find(self, key_id: str) -> UnlockKey | None:
        """The key of that id, be it the one in use or one from before."""

    def read(self) -> UnlockKey | None:
        """The key in use."""

    def write(self, key: UnlockKey) -> None:
        """Keep the key in use."""

    def put_aside(self, key: UnlockKey) -> None:
        """Keep a key that is about to be in use."""

    def forget(self) -> None:
        """Keep none."""


class Vault:
    """Seals and opens for one manager.

    Args:
        cluster_id: the cluster, which is a part of what everything is sealed as.
        tables: the state as applied here.
        kept: where the unlock key is kept; None: nowhere but in memory.
        random_bytes: where keys and nonces come from.
    """

    def __init__(
        self,
        cluster_id: str,
        tables: Callable[[], Tables],
        *,
        kept: UnlockKeys | None = None,
        random_bytes: RandomBytes = os.urandom,
    ) -> None:
        self.cluster_id = cluster_id
        self.kept = kept
        self.random_bytes = random_bytes
        self._tables = tables
        self._key: UnlockKey | None = None  # the one that opened the ring last
        self._told: dict[str, UnlockKey] = {}  # those that the ring may be locked with next, by id, the newest last
        self._opened: tuple[Ring, OpenRing] | None = None
        self._looked_for: str | None = None
        self.turning = asyncio.Lock()  # held by whoever on the leader changes the ring, from the look at it on

    @property
    def locked(self) -> bool:
        """Whether nothing can be sealed or opened here now."""
        try:
            self._ring()
        except (Locked, CannotOpen):
            return True
        return False

    @property
    def unlock_key(self) -> UnlockKey:
        """The key that opens the ring. Raises Locked."""
        self._ring()
        assert self._key is not None
        return self._key

    @property
    def told(self) -> UnlockKey | None:
        """The key that this manager was told last, and that opened nothing yet."""
        return next(reversed(self._told.values()), None)

    def seal(self, plain: bytes, about: str) -> Sealed:
        """``plain`` sealed as ``about``, with the newest data key. Raises Locked."""
        return self._ring().seal(plain, about)

    def open(self, sealed: Sealed, about: str) -> bytes:
        """What was sealed as ``about``.

        Raises:
            Locked: this manager does not have the unlock key.
            CannotOpen: it is damaged, or not what was sealed.
        """
        return self._ring().open(sealed, about)

    def mark(self, *parts: bytes) -> bytes:
        """What tells whether two requests are the same, and nothing of what is in them. Raises Locked."""
        return self._ring().mark(*parts)

    def unlock(self, key: UnlockKey) -> None:
        """Take the unlock key. Raises WrongUnlockKey where it is another one."""
        ring = self._tables().ring
        if ring is not None:
            open_ring(self.cluster_id, ring, key, self.random_bytes)
        self._know(key)
        self._opened = None

    def to_hand_over(self) -> str:
        """The unlock key as text, for a manager that joins; empty where it is asked for at each start, or not here."""
        ring = self._tables().ring
        if ring is None or ring.autolock or self.locked:
            return ""
        return self.unlock_key.text

    def expect(self, key: UnlockKey, *, aside: bool) -> None:
        """Take a key that the ring is about to be locked with.

        Args:
            key: the next key.
            aside: put it on the disk now. It must be on one before it is in use, or a power failure right after would
                lose it, and all secrets with it; unless a person has it, who keeps it off the disks.

        Raises:
            Locked: who is locked does not learn the next key before it was told this one.
            Conflict: it cannot be written.
        """
        self._ring()
        if aside and self.kept is not None:
            try:
                self.kept.put_aside(key)
            except OSError as error:
                raise Conflict(f"the next unlock key cannot be put on the disk here: {error.strerror}") from error
        self._know(key)

    def settle(self) -> None:
        """Open the ring as it is now, and have the disk agree with it. Raises Locked."""
        self._ring()

    def look_again(self) -> None:
        """The file of the key may have come since it was looked for."""
        self._looked_for = None

    def _know(self, key: UnlockKey) -> None:
        self._told.pop(key.id, None)
        self._told[key.id] = key
        while len(self._told) > _TOLD_KEYS:
            del self._told[next(iter(self._told))]

    def _ring(self) -> OpenRing:
        ring = self._tables().ring
        if ring is None:
            raise Locked("the cluster has no key ring yet: its leader makes it once every manager knows what one is")
        if self._opened is None or self._opened[0] is not ring:
            self._opened = (ring, self._open(ring))
        return self._opened[1]

    def _open(self, ring: Ring) -> OpenRing:
        key = self._key
        if key is None or key.id != ring.unlock_id:
            key = self._told.get(ring.unlock_id) or self._look_for(ring.unlock_id)
        if key is None:
            raise Locked(
                f"this manager is locked: it does not have the cluster's unlock key ({ring.unlock_id}); "
                "'okube unlock' gives it to all managers"
            )
        opened = open_ring(self.cluster_id, ring, key, self.random_bytes)
        self._key = key
        self._settle(ring, key)
        return opened

    def _look_for(self, key_id: str) -> UnlockKey | None:
        """The key in its file: looked for once for each key that the ring is locked with, not for each that asks."""
        if self.kept is None or self._looked_for == key_id:
            return None
        self._looked_for = key_id
        try:
            return self.kept.find(key_id)
        except BadFile as error:
            _log.error("the unlock key cannot be read: %s", error)
            return None

    def _settle(self, ring: Ring, key: UnlockKey) -> None:
        """Have the key on the disk, or nowhere on it: as the cluster wants it from here on."""
        if self.kept is None:
            return
        try:
            if ring.autolock:
                self.kept.forget()
            else:
                self.kept.write(key)
        except (OSError, BadFile) as error:
            _log.error("the unlock key cannot be kept: %s", error)
