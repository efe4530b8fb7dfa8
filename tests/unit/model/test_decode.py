from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
import pytest

from okube.model.decode import decode, hint
from okube.model.errors import FieldError, InvalidInput


def _even(number: int) -> str | None:
    return None if number % 2 == 0 else f"{number} is odd"


def _parse_words(data: object) -> tuple[str, ...]:
    if not isinstance(data, str):
        raise ValueError("a text is expected")
    return tuple(data.split())


class Point(msgspec.Struct, frozen=True):
    x: int
    y: int = 0

    @classmethod
    def parse_text(cls, text: str) -> "Point":
        x, _, y = text.partition(",")
        if not x.isdigit():
            raise ValueError(f"{text!r} is no point: write X,Y")
        return cls(int(x), int(y or 0))


class Inner(msgspec.Struct, frozen=True):
    even: Annotated[int, msgspec.Meta(extra={"check": _even})] = 0


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    count: int = 0
    share: float = 0.0
    on: bool = False
    kind: Literal["small", "large"] = "small"
    words: Annotated[tuple[str, ...], msgspec.Meta(extra={"parse": _parse_words})] = ()
    points: tuple[Point, ...] = ()
    inner: Inner = Inner()
    perhaps: Annotated[int, msgspec.Meta(extra={"check": _even})] | None = None
    texts: dict[str, str] = {}
    renamed: str = msgspec.field(default="", name="re-named")

    def problems(self) -> Iterator[FieldError]:
        if self.count > 0 and not self.on:
            yield FieldError("count", "is given, and it is off")


def errors_in(data: object, **more: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as caught:
        decode(Thing, data, what="thing", **more)
    return [(error.path, error.message) for error in caught.value.errors]


def test_all_that_is_right_is_read() -> None:
    assert decode(
        Thing,
        {
            "name": "a",
            "count": 3,
            "share": 1,
            "on": True,
            "kind": "large",
            "words": "b c",
            "points": [{"x": 1}, "2,3", 4],
            "inner": {"even": 2},
            "perhaps": 4,
            "texts": {"k": "v"},
            "re-named": "r",
        },
        what="thing",
    ) == Thing(
        name="a",
        count=3,
        share=1.0,
        on=True,
        kind="large",
        words=("b", "c"),
        points=(Point(1), Point(2, 3), Point(4)),
        inner=Inner(2),
        perhaps=4,
        texts={"k": "v"},
        renamed="r",
    )


def test_what_is_left_out_has_its_default() -> None:
    assert decode(Thing, {"name": "a"}, what="thing") == Thing(name="a")


def test_nothing_is_a_value_only_where_it_may_be() -> None:
    assert decode(Thing, {"name": "a", "perhaps": None}, what="thing").perhaps is None
    assert errors_in({"name": "a", "count": None}) == [("count", "a whole number is expected, not nothing")]


def test_all_errors_come_at_once_with_their_paths() -> None:
    assert errors_in(
        {
            "count": "3",
            "share": "x",
            "on": 1,
            "kind": "larg",
            "words": 5,
            "points": [{"x": "1", "z": 2}, "x,y", [], {}],
            "inner": {"even": 3},
            "perhaps": 5,
            "texts": {"k": 1, 2: "v"},
            "nme": "a",
        }
    ) == [
        ("count", "a whole number is expected, not '3'"),
        ("share", "a number is expected, not 'x'"),
        ("on", "true or false is expected, not 1"),
        ("kind", "'larg' is not allowed (did you mean 'large'?); one of small, large"),
        ("words", "a text is expected"),
        ("points[0].x", "a whole number is expected, not '1'"),
        ("points[0].z", "unknown key; allowed are x, y"),
        ("points[1]", "'x,y' is no point: write X,Y"),
        ("points[2]", "a mapping with keys is expected, not a list"),
        ("points[3].x", "is missing"),
        ("inner.even", "3 is odd"),
        ("perhaps", "5 is odd"),
        ("texts.k", "text is expected, not 1; put it in quotes"),
        ("texts.2", "the key 2 is not text; put it in quotes"),
        (
            "nme",
            "unknown key (did you mean 'name'?); allowed are name, count, share, on, kind, words, points, inner, "
            "perhaps, texts, re-named",
        ),
        ("name", "is missing"),
    ]


def test_checks_over_several_fields_wait_for_their_fields() -> None:
    assert errors_in({"name": "a", "count": 1}) == [("count", "is given, and it is off")]
    assert errors_in({"name": "a", "count": 1, "share": "x"}) == [("share", "a number is expected, not 'x'")]


def test_a_path_may_be_given_for_the_whole() -> None:
    assert errors_in({"count": "1"}, path="things[3]") == [
        ("things[3].count", "a whole number is expected, not '1'"),
        ("things[3].name", "is missing"),
    ]


def test_ignored_keys_are_those_of_the_top_alone() -> None:
    assert decode(Thing, {"name": "a", "id": 5}, what="thing", ignore={"id"}).name == "a"
    assert errors_in({"name": "a", "inner": {"id": 5}}, ignore={"id"})[0][0] == "inner.id"


def test_the_sentence_says_what_and_where() -> None:
    with pytest.raises(InvalidInput) as caught:
        decode(Thing, {"name": 5, "count": "x"}, what="thing a")
    assert str(caught.value) == (
        "thing a: name: text is expected, not 5; put it in quotes; count: a whole number is expected, not 'x'"
    )


@pytest.mark.parametrize("data", [None, 5, "text", [], True])
def test_what_is_no_mapping_is_told(data: object) -> None:
    ((path, message),) = errors_in(data)
    assert path == ""
    assert message.startswith("a mapping with keys is expected, not ")


@pytest.mark.parametrize("field", ["count", "share", "name", "on", "points", "inner", "texts", "kind", "perhaps"])
@pytest.mark.parametrize("digits", [30, 400, 5000])
def test_a_number_that_nobody_can_hold_is_an_error_and_no_crash(field: str, digits: int) -> None:
    assert errors_in({"name": "a", field: 10**digits})[0][0] == field
    assert errors_in({"name": "a", field: -(10**digits)})[0][0] == field


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63) + 1])
def test_the_largest_numbers_are_read(number: int) -> None:
    assert decode(Thing, {"name": "a", "count": number, "on": True}, what="thing").count == number


def test_long_input_is_not_repeated_whole() -> None:
    for data in ({"name": "a", "points": ["x" * 100_000]}, {"name": "a", "kind": "x" * 100_000}):
        ((_, message),) = errors_in(data)
        assert len(message) < 500


def test_a_flood_of_errors_is_cut_short() -> None:
    found = errors_in({"name": "a", **{f"count{n}": n for n in range(10_000)}})
    assert len(found) == 101
    assert found[0][1].startswith("unknown key (did you mean 'count'?)")
    assert found[-1] == ("", "and 9900 errors more")


def test_a_hint_is_something_close_or_nothing() -> None:
    assert hint("replica", ["name", "replicas"]) == " (did you mean 'replicas'?)"
    assert hint("zzz", ["name", "replicas"]) == ""
