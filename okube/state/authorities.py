"""The commands about the cluster's CAs and certificates."""

import msgspec

from okube.model.authority import sealed_as
from okube.model.commands import PutAuthorities, TellOfCertificates
from okube.model.errors import Conflict
from okube.model.sealed import Sealed
from okube.state.tables import Tables

__all__ = ["put", "seal_anew", "tell"]


def put(tables: Tables, command: PutAuthorities, now_ms: int) -> bytes:
    """Take CAs in the place of those that the proposer saw.

    Raises:
        Conflict: there are others by now, or the one that should sign is not among them.
    """
    del now_ms
    before = 0 if tables.authorities is None else tables.authorities.revision
    if before != command.before:
        raise Conflict("the cluster's CAs have changed meanwhile: look again")
    if command.authorities.of(command.authorities.signer) is None:
        raise Conflict("the CA that should sign is not among those that are believed")
    tables.put_authorities(command.authorities)
    return b"null"


def tell(tables: Tables, command: TellOfCertificates, now_ms: int) -> bytes:
    """Nothing changes but the story, which is told of each command."""
    del tables, command, now_ms
    return b"null"


def seal_anew(tables: Tables, place: str, before: str, sealed: Sealed) -> None:
    """Put ``sealed`` into that place, if it is a CA's, and what is there is sealed with the key ``before`` still."""
    found = tables.authorities
    if found is None:
        return
    kept = tuple(
        msgspec.structs.replace(each, key=sealed) if sealed_as(each.id) == place and each.key.key_id == before else each
        for each in found.kept
    )
    if kept != found.kept:
        tables.put_authorities(msgspec.structs.replace(found, kept=kept))
