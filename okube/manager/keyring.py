"""What the leader proposes about the key ring: made once, rotated, and all that is sealed sealed anew."""

import logging
from collections.abc import Callable, Iterator

import msgspec

from okube.manager.vault import Vault
from okube.model.commands import PutRing, Reseal
from okube.model.errors import Conflict
from okube.model.sealed import Ring, Sealed
from okube.model.versions import version_of
from okube.security.keyring import (
    CannotOpen,
    UnlockKey,
    new_ring,
    with_new_key,
    with_unlock_key,
    without_old_keys,
)
from okube.state import Tables
from okube.state.sealing import keys_in_use, sealed_in

__all__ = [
    "KEY_LIFE_MS",
    "next_step",
    "plan_new_key",
    "plan_renewal",
    "plan_resealing",
    "plan_ring",
    "plan_unlock_key",
    "sealed_with",
]

_log = logging.getLogger(__name__)
KEY_LIFE_MS = 90 * 24 * 3600 * 1000
"""How long a data key seals before the leader makes the next one by itself."""
_SLICE_BYTES = 256 << 10
_SLICE_VALUES = 100


def next_step(tables: Tables, vault: Vault, new_id: Callable[[], str], now_ms: int) -> PutRing | Reseal | None:
    """What the leader proposes about the ring now, if anything; once that is applied there may be more."""
    for command in plan_ring(tables, vault, new_id, now_ms):
        return command
    if tables.ring is None or vault.locked:
        return None
    for renewal in plan_renewal(tables, vault, new_id, now_ms):
        return renewal
    return next(plan_resealing(tables, vault), None)


def plan_ring(tables: Tables, vault: Vault, new_id: Callable[[], str], now_ms: int) -> list[PutRing]:
    """Where there is no key ring yet: one, and an unlock key for it if this manager has none."""
    if tables.ring is not None:
        return []
    unlock = vault.told or (vault.kept.read() if vault.kept else None) or UnlockKey.new(vault.random_bytes)
    command = PutRing(new_ring(vault.cluster_id, unlock, new_id(), vault.random_bytes, now_ms))
    if version_of(command) > tables.settings.command_version:
        return []
    if vault.kept is not None:
        vault.kept.write(unlock)  # before anything is sealed with it
    vault.unlock(unlock)
    _log.info("making the key ring; its unlock key is %s", unlock.id)
    return [command]


def plan_new_key(tables: Tables, vault: Vault, key_id: str, now_ms: int, by: str) -> PutRing:
    """One data key more, which seals from here on. Raises Locked."""
    unlock, ring = vault.unlock_key, _ring(tables)
    longer = with_new_key(vault.cluster_id, ring, unlock, key_id, vault.random_bytes, now_ms)
    return PutRing(longer, ring.revision, by)


def plan_renewal(tables: Tables, vault: Vault, new_id: Callable[[], str], now_ms: int) -> list[PutRing]:
    """The next data key, where the newest has sealed for long enough and those before are gone. Raises Locked."""
    ring = tables.ring
    if ring is None or len(ring.keys) > 1 or now_ms - ring.keys[-1].made_ms < KEY_LIFE_MS:
        return []
    _log.info(
        "the data key %s has sealed for %d days: it is followed by another", ring.newest, KEY_LIFE_MS // 86_400_000
    )
    return [plan_new_key(tables, vault, new_id(), now_ms, "")]


def plan_unlock_key(
    tables: Tables, vault: Vault, new: UnlockKey, key_id: str, now_ms: int, *, autolock: bool, by: str
) -> PutRing:
    """Another unlock key, and a new data key with it: who had the old one may have had the data keys. Raises Locked."""
    unlock, ring = vault.unlock_key, _ring(tables)
    longer = with_new_key(vault.cluster_id, ring, unlock, key_id, vault.random_bytes, now_ms)
    wrapped = with_unlock_key(vault.cluster_id, longer, unlock, new, vault.random_bytes)
    return PutRing(msgspec.structs.replace(wrapped, autolock=autolock), ring.revision, by)


def plan_resealing(tables: Tables, vault: Vault) -> Iterator[PutRing | Reseal]:
    """What follows a new data key: everything sealed anew in slices; when that is done, the old keys go.

    What cannot be opened stays as it is, and so does its key. Raises Locked.
    """
    ring = tables.ring
    if ring is None or len(ring.keys) < 2:
        return
    old = [(place, sealed) for place, sealed in sealed_in(tables) if sealed.key_id != ring.newest]
    if not old and keys_in_use(tables) <= {ring.newest}:
        _log.info("everything is sealed with the data key %s; the keys from before go", ring.newest)
        yield PutRing(without_old_keys(ring), ring.revision)
        return
    for part in _slices(old):
        anew = [(place, sealed.key_id, made) for place, sealed in part if (made := _anew(vault, place, sealed))]
        if anew:
            places, before, sealed_anew = zip(*anew, strict=True)
            yield Reseal(places, before, sealed_anew)


def sealed_with(tables: Tables) -> dict[str, int]:
    """How many values each data key has sealed."""
    counts: dict[str, int] = {}
    for _, sealed in sealed_in(tables):
        counts[sealed.key_id] = counts.get(sealed.key_id, 0) + 1
    return counts


def _ring(tables: Tables) -> Ring:
    if tables.ring is None:
        raise Conflict("the cluster has no key ring yet")
    return tables.ring


def _slices(rows: list[tuple[str, Sealed]]) -> Iterator[list[tuple[str, Sealed]]]:
    part: list[tuple[str, Sealed]] = []
    size = 0
    for row in rows:
        if part and (len(part) >= _SLICE_VALUES or size + len(row[1].ciphertext) > _SLICE_BYTES):
            yield part
            part, size = [], 0
        part.append(row)
        size += len(row[1].ciphertext)
    if part:
        yield part


def _anew(vault: Vault, place: str, sealed: Sealed) -> Sealed | None:
    try:
        return vault.seal(vault.open(sealed, place), place)
    except CannotOpen as error:
        _log.error("%s", error)
        return None
