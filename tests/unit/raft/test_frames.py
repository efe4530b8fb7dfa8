import pickle

import msgspec
import pytest

from okube.raft.frames import (
    Append,
    Appended,
    Body,
    Confirm,
    Confirmed,
    Frame,
    MalformedFrame,
    PreVote,
    PreVoteGranted,
    ReadAt,
    ReadRequest,
    SnapshotPiece,
    SnapshotReceived,
    TakeOver,
    VoteGranted,
    VoteRequest,
    decode_frame,
    encode_frame,
)

BODIES: list[Body] = [
    VoteRequest(1, 2),
    VoteGranted(),
    Append(1, 2, 3, [(4, b"five")]),
    Appended(1, True, False),
    PreVote(1, 2, 3),
    PreVoteGranted(1),
    Confirm(1),
    Confirmed(1),
    ReadRequest(1),
    ReadAt(1, None),
    SnapshotPiece(1, 2, 3, 4, 5, b"six"),
    SnapshotReceived(1, 2, 3),
    TakeOver(),
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: type(body).__name__)
def test_every_frame_arrives_as_it_was_sent(body: Body) -> None:
    assert decode_frame(encode_frame("m1", "i1", 7, body)) == Frame(1, "m1", "i1", 7, body)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: type(body).__name__)
def test_a_frame_that_is_cut_anywhere_is_refused(body: Body) -> None:
    data = encode_frame("m1", "i1", 7, body)
    for length in range(len(data)):
        with pytest.raises(MalformedFrame):
            decode_frame(data[:length])


@pytest.mark.parametrize("data", [b"", b"\xc1", b"hello", pickle.dumps({"type": "append_entries"}), b"\xa1\xff"])
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedFrame):
        decode_frame(data)


def test_who_does_not_say_which_commands_it_knows_knows_the_first_version() -> None:
    told = msgspec.msgpack.decode(encode_frame("m1", "i1", 7, Confirm(1), 3))
    assert decode_frame(msgspec.msgpack.encode(told)).knows == 3
    assert decode_frame(msgspec.msgpack.encode(told[:-1])).knows == 1


def test_what_a_newer_member_says_at_the_end_of_a_frame_is_passed_over() -> None:
    told = msgspec.msgpack.decode(encode_frame("m1", "i1", 7, Confirm(1), 3))
    assert decode_frame(msgspec.msgpack.encode([*told, "more"])) == Frame(1, "m1", "i1", 7, Confirm(1), 3)


def test_a_frame_of_another_version_is_refused() -> None:
    data = bytearray(encode_frame("m1", "i1", 7, Confirm(1)))
    data[1] = 2
    with pytest.raises(MalformedFrame, match="version 2"):
        decode_frame(bytes(data))
