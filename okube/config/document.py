"""A document of a file: plain data, and the line in which each field stands, for errors that name it."""

import re
from typing import Any

import msgspec

from okube.model.errors import FieldError, OkubeError

__all__ = ["Document", "line_of", "render_errors"]

_PARENT = re.compile(r"(.*)(?:\.[^.\[]*|\[\d+\])", re.DOTALL)


class Document(msgspec.Struct, frozen=True):
    """One document.

    ``lines`` leads from a field path such as ``managers[0].port``, written as ``okube.model.decode`` writes it, to the
    number of its line; the path ``""`` is the document's first line. ``source`` is how the reader knows the file.
    """

    data: Any
    lines: dict[str, int]
    source: str


def line_of(document: Document, path: str) -> int:
    """The line of a field, or of the nearest thing around it where the field itself is not in the file."""
    while path not in document.lines:
        parent = _PARENT.fullmatch(path)
        if parent is None:
            return document.lines.get("", 1)
        path = parent[1]
    return document.lines[path]


def render_errors(document: Document, error: OkubeError) -> list[str]:
    """A sentence for each thing wrong: ``cluster.yaml:7: managers[1].port: 70000 is no port: 1 to 65535``.

    Args:
        document: where the input came from.
        error: what ``okube.model.decode`` made of it, or a refusal of the API with field paths.
    """
    errors = error.errors or (FieldError("", error.detail),)
    placed = sorted(((line_of(document, each.path), each) for each in errors), key=lambda item: item[0])
    return [f"{document.source}:{line}: {_sentence(each)}" for line, each in placed]


def _sentence(error: FieldError) -> str:
    return f"{error.path}: {error.message}" if error.path else error.message
