"""The unlock key from a file descriptor."""

import os

import pytest

from okube.model.errors import BadFile
from okube.processes.unlocking import DESCRIPTOR, key_from_descriptor
from okube.security.keyring import UnlockKey
from tests.unit.security.dice import Dice

KEY = UnlockKey.new(Dice())


def a_pipe(data: bytes) -> int:
    read, write = os.pipe()
    os.write(write, data)
    os.close(write)
    return read


def test_where_nothing_is_named_nothing_is_read() -> None:
    assert key_from_descriptor({}) is None


def test_a_key_is_read_to_the_end_and_the_descriptor_closed() -> None:
    descriptor = a_pipe(f"{KEY.text}\n".encode())
    assert key_from_descriptor({DESCRIPTOR: str(descriptor)}) == KEY
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


@pytest.mark.parametrize("data", [b"", b"hunter2", b"\xff", KEY.text.encode()[:-1]])
def test_what_is_no_key_is_refused_and_not_repeated(data: bytes) -> None:
    with pytest.raises(BadFile, match="unlock key") as refused:
        key_from_descriptor({DESCRIPTOR: str(a_pipe(data))})
    assert "hunter2" not in str(refused.value)
    assert KEY.text[20:-1] not in str(refused.value)


@pytest.mark.parametrize("number", ["", "x", "-1", "987654"])
def test_a_descriptor_that_is_none_is_told(number: str) -> None:
    with pytest.raises(BadFile, match=DESCRIPTOR):
        key_from_descriptor({DESCRIPTOR: number})
