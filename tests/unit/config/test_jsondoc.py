import pytest

from okube.config.compose import End, Scalar, Start, Trouble
from okube.config.jsondoc import json_events


def test_events_know_their_lines() -> None:
    assert list(json_events('{"a":\n[1, "x\\n"]}')) == [
        Start(1, "mapping"),
        Scalar(1, "a"),
        Start(2, "sequence"),
        Scalar(2, 1),
        Scalar(2, "x\n"),
        End(),
        End(),
    ]


def test_what_is_no_json_is_refused_before_the_first_event() -> None:
    with pytest.raises(Trouble, match=r"this is no JSON: .* \(column 3\)") as caught:
        json_events("[1,\n2,}")
    assert caught.value.line == 2
