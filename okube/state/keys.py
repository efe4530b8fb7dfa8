"""The commands that change the key ring."""

from okube.model.commands import PutRing, ResetRing
from okube.model.errors import Conflict
from okube.state.sealing import give_up_sealed, keys_in_use
from okube.state.tables import Tables

__all__ = ["put_ring", "reset_ring"]


def put_ring(tables: Tables, command: PutRing, now_ms: int) -> bytes:
    """Take a ring in the place of the one that its proposer saw.

    Raises:
        Conflict: there is another one by now, or it lacks a key that something is sealed with.
    """
    del now_ms
    before = 0 if tables.ring is None else tables.ring.revision
    if before != command.before:
        raise Conflict("the key ring has changed meanwhile")
    lacking = keys_in_use(tables) - {key.id for key in command.ring.keys}
    if lacking or not command.ring.keys:
        raise Conflict(f"the data keys {', '.join(sorted(lacking))} still seal something, so they stay in the ring")
    tables.put_ring(command.ring)
    return b"null"


def reset_ring(tables: Tables, command: ResetRing, now_ms: int) -> bytes:
    """Give up the ring and what is sealed. Raises Conflict where it is another ring by now."""
    del now_ms
    if tables.ring is None or tables.ring.revision != command.before:
        raise Conflict("the key ring has changed meanwhile, and nothing was given up")
    give_up_sealed(tables)
    return b"null"
