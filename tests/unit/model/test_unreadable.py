"""Bytes of strangers: whatever a decoder raises on them is told as what it is, and never as a defect."""

import msgspec
import pytest

from okube.model.errors import UNREADABLE
from okube.model.wire import Assignment, AssignmentAnswer, Heartbeat, HeartbeatAnswer, Registration

BAD = [
    b"",
    b"\xc1",
    b"{}",
    b"\x9a" * 100_000,
    b"\x91" * 100_000,
    b"\x9a\xa1\xff" + b"\xc0" * 20,
    msgspec.msgpack.encode([{"a": [1, 2]}] * 30),
]


@pytest.mark.parametrize("kind", [Assignment, AssignmentAnswer, Heartbeat, HeartbeatAnswer, Registration])
@pytest.mark.parametrize("data", BAD, ids=range(len(BAD)))
def test_what_is_no_message_is_unreadable(kind: type[msgspec.Struct], data: bytes) -> None:
    with pytest.raises(UNREADABLE):
        msgspec.msgpack.decode(data, type=kind)


@pytest.mark.parametrize("data", [b"[" * 200_000, b'{"a": "\xff"}', b'{"a": "\\ud800"}', b"\xff\xfe"])
def test_what_is_no_json_is_unreadable(data: bytes) -> None:
    with pytest.raises(UNREADABLE):
        msgspec.json.decode(data)
