"""What members say to each other: typed, versioned, never pickled.

Every frame carries its sender, the sender's instance and its term; an answer from another term is worth nothing.
Numbers (tags, order of fields) are for ever; new fields go to the end with a default, so that versions can mix.
"""

import msgspec

from okube.model.errors import UNREADABLE

__all__ = [
    "FRAMES_SINCE",
    "Append",
    "Appended",
    "Body",
    "Confirm",
    "Confirmed",
    "Frame",
    "MalformedFrame",
    "PreVote",
    "PreVoteGranted",
    "ReadAt",
    "ReadRequest",
    "SnapshotPiece",
    "SnapshotReceived",
    "TakeOver",
    "VoteGranted",
    "VoteRequest",
    "decode_frame",
    "encode_frame",
]

VERSION = 1


class MalformedFrame(Exception):
    """The bytes are not a frame that this version understands."""


class VoteRequest(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """A candidate of the frame's term asks for a vote; where its log ends."""

    last_index: int
    last_term: int


class VoteGranted(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """The vote in the frame's term, durable at the sender."""


class Append(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """The leader's entries after (``prev_index``, ``prev_term``), as (term, command); none: a heartbeat."""

    prev_index: int
    prev_term: int
    commit_index: int
    entries: list[tuple[int, bytes]]


class Appended(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """The answer. ``success``: the log holds durably all of the leader's entries before ``next_index``.

    ``reset``: it does not reach or match, and the leader should go on from ``next_index``.
    """

    next_index: int
    success: bool
    reset: bool


class PreVote(msgspec.Struct, frozen=True, array_like=True, tag=5):
    """Would you vote for me in ``next_term``? Changes nothing at either end."""

    next_term: int
    last_index: int
    last_term: int


class PreVoteGranted(msgspec.Struct, frozen=True, array_like=True, tag=6):
    """Yes: the sender hears no leader and its log is not ahead."""

    next_term: int


class Confirm(msgspec.Struct, frozen=True, array_like=True, tag=7):
    """The leader of the frame's term asks whether it still is; rounds count up in a term."""

    round: int


class Confirmed(msgspec.Struct, frozen=True, array_like=True, tag=8):
    """Until now the sender knows no higher term than the frame's."""

    round: int


class ReadRequest(msgspec.Struct, frozen=True, array_like=True, tag=9):
    """A follower asks the leader up to where it must have applied to answer a read."""

    request: int


class ReadAt(msgspec.Struct, frozen=True, array_like=True, tag=10):
    """The answer to ``ReadRequest``; ``index`` is None if the leader cannot tell."""

    request: int
    index: int | None


class SnapshotPiece(msgspec.Struct, frozen=True, array_like=True, tag=11):
    """A part of the snapshot file that covers (``index``, ``last_term``); the checksum is of the whole file."""

    index: int
    last_term: int
    total_bytes: int
    checksum: int
    offset: int
    data: bytes


class SnapshotReceived(msgspec.Struct, frozen=True, array_like=True, tag=12):
    """The receiver has ``offset`` bytes and asks for what follows."""

    index: int
    last_term: int
    offset: int


class TakeOver(msgspec.Struct, frozen=True, array_like=True, tag=13):
    """The leader hands over to the receiver, who has all of its log: campaign at once, without asking first."""


Body = (
    VoteRequest
    | VoteGranted
    | Append
    | Appended
    | PreVote
    | PreVoteGranted
    | Confirm
    | Confirmed
    | ReadRequest
    | ReadAt
    | SnapshotPiece
    | SnapshotReceived
    | TakeOver
)


FRAMES_SINCE: dict[type, int] = {TakeOver: 2}
"""Kinds of frames that came later, with the command version of those who know them: to others they are garbage, which
costs the link. They are sent only to who has said so (see ``knows``)."""


class Frame(msgspec.Struct, frozen=True, array_like=True):
    """The envelope. ``knows`` is the command version that the sender knows (see ``okube.model.versions``)."""

    version: int
    sender: str
    instance: str
    term: int
    body: Body
    knows: int = 1


_decoder = msgspec.msgpack.Decoder(Frame)
_encoder = msgspec.msgpack.Encoder()


def encode_frame(sender: str, instance: str, term: int, body: Body, knows: int = 1) -> bytes:
    """The bytes of one frame."""
    return _encoder.encode(Frame(VERSION, sender, instance, term, body, knows))


def decode_frame(data: bytes) -> Frame:
    """The reverse. Raises ``MalformedFrame``."""
    try:
        frame = _decoder.decode(data)
    except UNREADABLE as error:
        raise MalformedFrame(str(error)) from None
    except UnicodeDecodeError as error:
        raise MalformedFrame(str(error)) from None
    if frame.version != VERSION:
        raise MalformedFrame(f"version {frame.version} is not {VERSION}")
    return frame
