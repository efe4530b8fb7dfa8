"""Where the state holds something sealed: each place by a name, which is what it was sealed as.

Whatever comes to hold something sealed is named here, or rotating the key ring would lose it.
"""

from collections.abc import Iterator

import msgspec

from okube.model.authority import sealed_as as ca_sealed_as
from okube.model.sealed import Sealed
from okube.model.secret import Secret, sealed_as
from okube.state import authorities
from okube.state.tables import Tables

__all__ = ["give_up_sealed", "keys_in_use", "seal_anew", "sealed_in"]


def sealed_in(tables: Tables) -> Iterator[tuple[str, Sealed]]:
    """All that is sealed, with what it is sealed as."""
    for secret in tables.secrets.values():
        for each in secret.versions:
            yield sealed_as(secret.kind, secret.name, each.id), each.sealed
    if tables.authorities is not None:
        for ca in tables.authorities.kept:
            yield ca_sealed_as(ca.id), ca.key


def keys_in_use(tables: Tables) -> frozenset[str]:
    """The ids of the data keys that something is sealed with."""
    return frozenset(sealed.key_id for _, sealed in sealed_in(tables))


def give_up_sealed(tables: Tables) -> None:
    """Forget the key ring and all that is sealed: what a restore without the unlock key begins with."""
    for secret in list(tables.secrets.values()):
        tables.delete_secret(secret)
    if tables.authorities is not None:
        tables.put_authorities(None)  # the leader takes the CA from its machine again
    tables.put_ring(None)


def seal_anew(tables: Tables, place: str, before: str, sealed: Sealed) -> None:
    """Put ``sealed`` into that place, if what is there is sealed with the key ``before`` still."""
    kind, _, rest = place.partition("/")
    if kind == "authority":
        authorities.seal_anew(tables, place, before, sealed)
    if kind in ("secret", "config"):
        name, _, value_id = rest.partition("/")
        _in_secret(tables, tables.secrets.get((kind, name)), value_id, before, sealed)


def _in_secret(tables: Tables, secret: Secret | None, value_id: str, before: str, sealed: Sealed) -> None:
    if secret is None:
        return
    found = [each for each in secret.versions if each.id == value_id and each.sealed.key_id == before]
    if not found:
        return
    versions = tuple(
        msgspec.structs.replace(each, sealed=sealed) if each.id == value_id else each for each in secret.versions
    )
    tables.put_secret(msgspec.structs.replace(secret, versions=versions))
