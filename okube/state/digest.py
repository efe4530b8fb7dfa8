"""A digest of all rows that is kept as rows change, so that managers can be compared at any moment.

The digest of a set is the sum of its rows' hashes modulo 2^256: the additive multiset hash of Bellare and Micciancio
("A New Paradigm for Collision-Free Hashing", 1997). It guards against divergence, not against an adversary who picks
rows.

Hashing is put off a little: a row that another one replaces soon, as most do while something happens to it, would be
added and taken away again, and so is never hashed at all.
"""

import hashlib

import msgspec

__all__ = ["Digest"]

_MODULUS = 1 << 256
_PUT_OFF = 8192
"""So many rows wait to be hashed at most: enough that a task of a bulk is hashed once, when it has its node, and few
enough that all of them take no longer than 30 ms."""
_AT_ONCE = 64
_encoder = msgspec.msgpack.Encoder(order="deterministic")


class Digest:
    """The sum over all rows that were swapped in and not out."""

    __slots__ = ("_coming", "_sum")

    def __init__(self) -> None:
        self._sum = 0
        self._coming: dict[int, tuple[str, msgspec.Struct]] = {}  # swapped in and not hashed yet, by identity

    def swap(self, table: str, old: msgspec.Struct | None, new: msgspec.Struct | None) -> None:
        """``new`` takes the place of ``old`` in ``table``; None stands for no row."""
        if old is not None and self._coming.pop(id(old), None) is None:
            self._sum -= _hash(table, old)
        if new is None:
            return
        if len(self._coming) >= _PUT_OFF:
            self._hash_oldest(_AT_ONCE)
        if id(new) in self._coming:  # the very same row a second time
            self._sum += _hash(table, new)
        else:
            self._coming[id(new)] = (table, new)

    def hex(self) -> str:
        """The digest in 64 hexadecimal digits."""
        self._hash_oldest(len(self._coming))
        return f"{self._sum % _MODULUS:064x}"

    def _hash_oldest(self, count: int) -> None:
        for key in list(self._coming)[:count]:
            self._sum += _hash(*self._coming.pop(key))
        self._sum %= _MODULUS


def _hash(table: str, row: msgspec.Struct) -> int:
    hashed = hashlib.blake2b(_encoder.encode(row), digest_size=32, person=table.encode()[:16])
    return int.from_bytes(hashed.digest(), "big")
