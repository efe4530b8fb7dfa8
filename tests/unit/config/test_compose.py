from collections.abc import Iterator

import pytest

from okube.config import compose
from okube.config.compose import Composer, End, Event, Scalar, Start, Trouble


def mapping(*pairs: tuple[str, object]) -> Iterator[Event]:
    yield Start(1, "mapping")
    for line, (key, value) in enumerate(pairs, 2):
        yield Scalar(line, key)
        yield Scalar(line, value)
    yield End()


def test_documents_of_one_file_share_one_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose, "MAX_UNFOLDED", 100)
    composer = Composer()
    composer.document(mapping(("a", "x" * 30)))
    with pytest.raises(Trouble, match="grows beyond") as caught:
        composer.document(mapping(("a", "x" * 30)))
    assert caught.value.line == 2


def test_problems_of_all_documents_are_kept() -> None:
    composer = Composer()
    composer.document(mapping(("a", 1), ("a", 2)))
    composer.document(mapping(("b", 1), ("b", 2)))
    message = "is given twice; first in line 2"
    assert composer.problems == [(3, "a", message), (3, "b", message)]
