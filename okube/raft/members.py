"""Who takes part: a member is a name and an instance; its addresses are data that can change.

A *voter* counts for majorities. A new member is none yet: it *learns*, until it has the log.
"""

import msgspec

from okube.seams.transport import Peer

__all__ = ["Known", "Member", "Membership", "decode_membership", "encode_membership", "is_in", "voters"]


class Member(msgspec.Struct, frozen=True, array_like=True):
    """One member. A wiped directory comes back as another ``instance``, which is not let in under the old name."""

    name: str
    instance: str
    raft_address: str
    api_address: str
    voter: bool = True

    @property
    def peer(self) -> Peer:
        """The member as the transport needs it."""
        return Peer(name=self.name, instance=self.instance, address=self.raft_address)


Membership = tuple[Member, ...]


class Known(msgspec.Struct, frozen=True, array_like=True):
    """A membership that is committed, and the entry as of which it holds."""

    index: int
    members: Membership


def voters(members: Membership) -> tuple[str, ...]:
    """The names of those that count."""
    return tuple(member.name for member in members if member.voter)


def is_in(name: str, instance: str, members: Membership) -> bool:
    """Whether this very instance is a member, learning or not."""
    return any((member.name, member.instance) == (name, instance) for member in members)


_decoder = msgspec.msgpack.Decoder(Membership)


def encode_membership(members: Membership) -> bytes:
    """As it stands in a membership entry of the log."""
    return msgspec.msgpack.encode(members)


def decode_membership(data: bytes) -> Membership:
    """The reverse of ``encode_membership``. Raises ``msgspec.MsgspecError``."""
    return _decoder.decode(data)
