"""The frames of an exec session, and what a URL may ask for."""

import pytest

from okube.model.errors import InvalidInput, Malformed
from okube.model.exec import (
    CONTROL,
    STDOUT,
    ClientControl,
    ExecRequest,
    Exit,
    ServerControl,
    Size,
    control_frame,
    data_frame,
    read_client_control,
    read_server_control,
)


def test_a_request_goes_through_a_query_and_back() -> None:
    request = ExecRequest(command=("sh", "-c", "echo 'a b' & c=d"), tty=True, stdin=True, cols=132, rows=43)
    assert ExecRequest.of_query(request.query()) == request


def test_what_is_left_out_has_the_sizes_of_an_old_terminal() -> None:
    assert ExecRequest.of_query([("cmd", "ls"), ("unknown", "x")]) == ExecRequest(command=("ls",), cols=80, rows=24)


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ([], "cmd"),
        ([("cmd", "")], "cmd"),
        ([("cmd", "a\0b")], "cmd"),
        ([("cmd", "ls"), ("tty", "perhaps")], "tty"),
        ([("cmd", "ls"), ("stdin", "")], "stdin"),
        ([("cmd", "ls"), ("cols", "0")], "cols"),
        ([("cmd", "ls"), ("rows", "99999")], "rows"),
        ([("cmd", "ls"), ("rows", "-1")], "rows"),
        ([("cmd", "ls"), ("rows", "²")], "rows"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused_with_its_field(query: list[tuple[str, str]], path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ExecRequest.of_query(query)
    assert [error.path for error in refused.value.errors] == [path]


def test_frames_begin_with_their_channel() -> None:
    assert data_frame(STDOUT, b"hello") == b"\x01hello"
    assert control_frame(ServerControl(exit=Exit(3))) == b'\x03{"exit":{"code":3}}'
    assert control_frame(ClientControl(close_stdin=True)) == b'\x03{"close_stdin":true}'


def test_controls_are_read_as_they_were_written() -> None:
    for asked in (ClientControl(resize=Size(100, 30)), ClientControl(close_stdin=True)):
        assert read_client_control(control_frame(asked)[1:]) == asked
    for told in (ServerControl(exit=Exit(0)), ServerControl(error="it is gone")):
        assert read_server_control(control_frame(told)[1:]) == told
    assert control_frame(ClientControl())[0] == CONTROL


@pytest.mark.parametrize("payload", [b"", b"[]", b'{"resize": {"cols": 0, "rows": 1}}', b'{"resize": 5}', b"\xff"])
def test_a_control_frame_that_makes_no_sense_is_malformed(payload: bytes) -> None:
    with pytest.raises(Malformed):
        read_client_control(payload)
