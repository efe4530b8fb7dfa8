"""Where the state holds something sealed: each place by a name, which is what it was sealed as.

Whatever comes to hold something sealed is named here, or rotating the key ring would lose it.
"""

from collections.abc import Iterator

from okube.model.sealed import Sealed
from okube.state.tables import Tables

__all__ = ["keys_in_use", "sealed_in"]


def sealed_in(tables: Tables) -> Iterator[tuple[str, Sealed]]:
    """All that is sealed, with what it is sealed as."""
    del tables
    yield from ()


def keys_in_use(tables: Tables) -> frozenset[str]:
    """The ids of the data keys that something is sealed with."""
    return frozenset(sealed.key_id for _, sealed in sealed_in(tables))
