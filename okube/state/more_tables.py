"""The tables that came later, as rows of one column of a snapshot: each row with the name of its table.

A column of its own for each would make a snapshot that an Okube from before cannot step over.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from okube.model.authority import Authorities
from okube.model.quota import Quota
from okube.model.sealed import Ring
from okube.model.secret import Secret
from okube.state.tables import Tables

__all__ = ["MoreRow", "more_rows", "take_more"]

MoreRow = tuple[str, msgspec.Raw]
"""A table's name, and a row of it as it is encoded."""

Take = Callable[[Tables, Any], None]

_TABLES: dict[str, tuple[type, Take]] = {
    "ring": (Ring, Tables.restore_ring),
    "secrets": (Secret, Tables.restore_secret),
    "authorities": (Authorities, Tables.restore_authorities),
    "quotas": (Quota, Tables.restore_quota),
}
"""What each row is, and what takes it."""

_decoders: dict[str, msgspec.msgpack.Decoder[Any]] = {
    name: msgspec.msgpack.Decoder(kind) for name, (kind, _) in _TABLES.items()
}


def more_rows(tables: Tables) -> Iterator[tuple[str, msgspec.Struct]]:
    """All rows of these tables, each table's in its order of insertion."""
    if tables.ring is not None:
        yield "ring", tables.ring
    for secret in tables.secrets.values():
        yield "secrets", secret
    if tables.authorities is not None:
        yield "authorities", tables.authorities
    for quota in tables.quotas.values():
        yield "quotas", quota


def take_more(tables: Tables, row: MoreRow) -> None:
    """Take a row. Raises KeyError for a table that this Okube does not know, msgspec.MsgspecError for a bad row."""
    name, encoded = row
    _TABLES[name][1](tables, _decoders[name].decode(encoded))
