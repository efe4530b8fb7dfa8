import logging

import pytest

from okube.manager.extensions import extensions_of


class Point:
    """An entry point that leads to ``made``."""

    def __init__(self, name: str, made: object) -> None:
        self.name, self.value, self._made = name, f"example:{name}", made

    def load(self) -> object:
        if isinstance(self._made, Exception):
            raise self._made
        return self._made


class AScore:
    name = "old-first"
    reach = "node"

    def applies(self) -> None: ...
    def costs(self) -> None: ...


class AFilter:
    name = "no-old-ones"

    def room(self) -> None: ...
    def explain(self) -> None: ...


class BadlyNamed(AScore):
    name = "Old First"


def test_filters_and_scores_are_made_of_what_entry_points_lead_to() -> None:
    found = extensions_of([Point("f", AFilter)], [Point("s", AScore)])
    assert [type(rule).__name__ for rule in found.filters] == ["AFilter"]
    assert {name: type(score).__name__ for name, score in found.scores.items()} == {"old-first": "AScore"}


@pytest.mark.parametrize("wrong", [ImportError("no such module"), object, AFilter, BadlyNamed])
def test_what_is_no_score_is_left_out_and_said(wrong: object, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        found = extensions_of([], [Point("bad", wrong), Point("good", AScore)])
    assert list(found.scores) == ["old-first"]
    assert "left out" in caplog.text
