"""What one manager can seal and open: the unlock key in its memory, and the key ring of the state.

Who has no unlock key is locked: it serves all but what is sealed.
"""

import logging
import os
from collections.abc import Callable
from typing import Protocol

from okube.model.commands import PutRing
from okube.model.errors import BadFile, Conflict
from okube.model.sealed import Ring, Sealed
from okube.model.versions import version_of
from okube.security.keyring import OpenRing, RandomBytes, UnlockKey, new_ring, open_ring
from okube.state import Tables

__all__ = ["Locked", "UnlockKeys", "Vault"]

_log = logging.getLogger(__name__)


class Locked(Conflict):
    """This manager does not have the unlock key (409)."""

    kind = "locked"


class UnlockKeys(Protocol):
    """Where a manager keeps the unlock key over a restart: ``KeyFiles``."""

    def find(self, key_id: str) -> UnlockKey | None:
        """The key of that id."""

    def read(self) -> UnlockKey | None:
        """The key in use."""

    def write(self, key: UnlockKey) -> None:
        """Keep the key in use."""


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
        self._cluster_id = cluster_id
        self._tables = tables
        self._kept = kept
        self._random_bytes = random_bytes
        self._unlock: UnlockKey | None = None
        self._opened: tuple[Ring, OpenRing] | None = None
        self._looked_for: str | None = None

    @property
    def locked(self) -> bool:
        """Whether nothing can be sealed or opened here now."""
        try:
            self._ring()
        except Locked:
            return True
        return False

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
        """Take the unlock key, for as long as this process lives. Raises WrongUnlockKey where it is another one."""
        ring = self._tables().ring
        if ring is not None:
            self._opened = (ring, open_ring(self._cluster_id, ring, key, self._random_bytes))
        self._unlock = key

    def to_hand_over(self) -> str:
        """The unlock key as text, for a manager that joins; empty where it is asked for at each start, or not here."""
        ring = self._tables().ring
        if ring is None or ring.autolock or self.locked or self._unlock is None:
            return ""
        return self._unlock.text

    def plan_ring(self, new_id: Callable[[], str], now_ms: int) -> list[PutRing]:
        """What the leader proposes where there is no key ring yet: one, and an unlock key for it if there is none."""
        tables = self._tables()
        if tables.ring is not None:
            return []
        unlock = self._unlock or (self._kept.read() if self._kept else None) or UnlockKey.new(self._random_bytes)
        command = PutRing(new_ring(self._cluster_id, unlock, new_id(), self._random_bytes, now_ms))
        if version_of(command) > tables.settings.command_version:
            return []
        if self._kept is not None:
            self._kept.write(unlock)  # before anything is sealed with it
        self._unlock = unlock
        _log.info("making the key ring; its unlock key is %s", unlock.id)
        return [command]

    def _ring(self) -> OpenRing:
        ring = self._tables().ring
        if ring is None:
            raise Locked("the cluster has no key ring yet: its leader makes it once every manager knows what one is")
        if self._opened is None or self._opened[0] is not ring:
            self._opened = (ring, self._open(ring))
        return self._opened[1]

    def _open(self, ring: Ring) -> OpenRing:
        key = self._unlock
        if key is None or key.id != ring.unlock_id:
            key = self._look_for(ring.unlock_id)
        if key is None:
            raise Locked(f"this manager is locked: it does not have the unlock key ({ring.unlock_id}); 'okube unlock'")
        self._unlock = key
        return open_ring(self._cluster_id, ring, key, self._random_bytes)

    def _look_for(self, key_id: str) -> UnlockKey | None:
        """The key in its file: looked for once for each key that the ring is locked with, not for each that asks."""
        if self._kept is None or self._looked_for == key_id:
            return None
        self._looked_for = key_id
        try:
            return self._kept.find(key_id)
        except BadFile as error:
            _log.error("the unlock key cannot be read: %s", error)
            return None
