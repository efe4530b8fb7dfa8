"""A digest of all rows that is kept as rows change, so that managers can be compared at any moment.

The digest of a set is the sum of its rows' hashes modulo 2^256: the additive multiset hash of Bellare and Micciancio
("A New Paradigm for Collision-Free Hashing", 1997). It guards against divergence, not against an adversary who picks
rows.
"""

import hashlib

import msgspec

__all__ = ["Digest"]

_MODULUS = 1 << 256
_encoder = msgspec.msgpack.Encoder(order="deterministic")


class Digest:
    """The sum over all rows that were swapped in and not out."""

    __slots__ = ("_sum",)

    def __init__(self) -> None:
        self._sum = 0

    def swap(self, table: str, old: msgspec.Struct | None, new: msgspec.Struct | None) -> None:
        """``new`` takes the place of ``old`` in ``table``; None stands for no row."""
        if old is not None:
            self._sum -= _hash(table, old)
        if new is not None:
            self._sum += _hash(table, new)
        self._sum %= _MODULUS

    def hex(self) -> str:
        """The digest in 64 hexadecimal digits."""
        return f"{self._sum:064x}"


def _hash(table: str, row: msgspec.Struct) -> int:
    hashed = hashlib.blake2b(_encoder.encode(row), digest_size=32, person=table.encode()[:16])
    return int.from_bytes(hashed.digest(), "big")
