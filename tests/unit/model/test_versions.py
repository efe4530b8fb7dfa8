"""What each command needs to be known; and that nothing new slips into the log without saying so."""

import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec
import pytest

from okube.model import commands as c
from okube.model import versions
from okube.model.spec import ServiceSpec
from okube.model.versions import COMMAND_VERSION, FIELDS_SINCE, KINDS_SINCE, next_version, version_of
from tests.builders import a_spec

_FIRST = Path(__file__).with_name("first_version.txt")


def test_what_was_there_from_the_first_needs_version_1() -> None:
    assert version_of(c.ScaleServices(("web",), (3,))) == 1


def test_a_kind_that_came_later_needs_its_version() -> None:
    assert version_of(c.EnableVersion(1)) == 2


def test_enabling_a_version_is_of_that_version() -> None:
    assert version_of(c.EnableVersion(9)) == 9


def test_a_field_that_came_later_needs_its_version_only_where_it_says_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(versions, "FIELDS_SINCE", {c.DeleteServices: {"app": 5}})
    assert version_of(c.DeleteServices(("web",))) == 1
    assert version_of(c.DeleteServices((), app="shop")) == 5


def test_a_later_field_of_a_spec_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "FIELDS_SINCE", {ServiceSpec: {"labels": 4}})
    plain, labelled = a_spec("a"), a_spec("b", labels={"x": "y"})
    assert version_of(c.PutServices((plain, plain), ("i", "j"), "upsert")) == 1
    assert version_of(c.PutServices((plain, labelled), ("i", "j"), "upsert")) == 4


def test_a_service_that_is_given_nothing_needs_nobody_to_know_of_secrets() -> None:
    assert version_of(c.PutServices((a_spec("a"), a_spec("b", secrets=[])), ("i", "j"), "upsert")) == 1
    assert version_of(c.PutServices((a_spec("a"), a_spec("b", secrets=["db"])), ("i", "j"), "upsert")) == 3
    assert version_of(c.PutServices((a_spec("a", configs=["page"]),), ("i",), "upsert")) == 3


@pytest.mark.parametrize(
    ("enabled", "known", "version"),
    [
        (1, {"m1": 2, "m2": 2, "m3": 2}, 2),
        (1, {"m1": 3, "m2": 2, "m3": 4}, 2),
        (1, {"m1": 2, "m2": 1, "m3": 2}, None),
        (1, {"m1": 2, "m2": None, "m3": 2}, None),
        (2, {"m1": 2, "m2": 2, "m3": 2}, None),
        (2, {"m1": 1, "m2": 1, "m3": 1}, None),
        (1, {}, None),
    ],
)
def test_a_version_is_enabled_when_every_member_has_said_that_it_knows_it(
    enabled: int, known: dict[str, int | None], version: int | None
) -> None:
    assert next_version(enabled, known) == version


def test_whatever_came_after_the_first_version_is_named_in_the_table() -> None:
    """The file is for ever. What is not in it stands in ``versions.py``, and ``COMMAND_VERSION`` was raised for it."""
    assert sorted(_described()) == _FIRST.read_text().splitlines(), (
        "a command, or what it holds, has something new: name it in okube/model/versions.py, and see what that says"
    )


def test_a_command_is_named_in_the_log_so_that_kinds_may_come_before_and_after_it() -> None:
    first, *others = get_args(c.Command)
    fewer = msgspec.msgpack.Decoder(typing.Union[tuple(others)])  # noqa: UP007  # made here
    more = msgspec.msgpack.Decoder(typing.Union[(_Newer, first, *others)])
    command = c.ScaleServices(("web",), (3,))
    assert fewer.decode(c.encode_command(command)) == command == more.decode(c.encode_command(command))


class _Newer(msgspec.Struct, frozen=True, array_like=True, tag="newer/1"):
    """A kind that some later Okube has."""


def test_no_later_version_than_this_okube_knows_is_named() -> None:
    named = [*KINDS_SINCE.values(), *(since for fields in FIELDS_SINCE.values() for since in fields.values())]
    assert all(1 < since <= COMMAND_VERSION for since in named)


def _described() -> Iterator[str]:
    """Each struct that the log holds with the fields, and each closed set of words, that are of version 1."""
    seen: dict[str, str] = {}
    for kind in get_args(c.Command):
        if kind not in KINDS_SINCE:
            _describe(kind, seen)
    yield from seen.values()


def _describe(kind: Any, seen: dict[str, str]) -> None:
    if get_origin(kind) is Literal:
        words = " ".join(map(str, get_args(kind)))
        seen[words] = f"one of: {words}"
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if kind.__name__ in seen:
            return
        later = FIELDS_SINCE.get(kind, {})
        fields = [name for name in kind.__struct_fields__ if name not in later]
        tag = kind.__struct_config__.tag
        seen[kind.__name__] = f"{kind.__name__}{f' {tag}' if tag else ''}: {' '.join(fields)}"
        hints = typing.get_type_hints(kind)
        for name in fields:
            _describe(hints[name], seen)
    else:
        for part in get_args(kind):
            _describe(part, seen)
