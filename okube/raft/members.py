"""Who takes part: a member is a name and an instance; its addresses are data that can change."""

import msgspec

from okube.seams.transport import Peer

__all__ = ["Member", "Membership", "decode_membership", "encode_membership"]


class Member(msgspec.Struct, frozen=True, array_like=True):
    """One member. A wiped directory comes back as another ``instance``, which is not let in under the old name."""

    name: str
    instance: str
    raft_address: str
    api_address: str

    @property
    def peer(self) -> Peer:
        """The member as the transport needs it."""
        return Peer(name=self.name, instance=self.instance, address=self.raft_address)


Membership = tuple[Member, ...]

_decoder = msgspec.msgpack.Decoder(Membership)


def encode_membership(members: Membership) -> bytes:
    """As it stands in a membership entry of the log."""
    return msgspec.msgpack.encode(members)


def decode_membership(data: bytes) -> Membership:
    """The reverse of ``encode_membership``. Raises ``msgspec.MsgspecError``."""
    return _decoder.decode(data)
