"""Plain tables: aligned columns, two blanks between them, no lines; made for 80 columns and for scripts alike."""

import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

__all__ = ["Column", "StreamTable", "cut", "render", "width_of"]

_GAP = "  "
_LEAST = 12  # a column that gives way keeps at least this much


class Column(msgspec.Struct, frozen=True):
    """One column: its title, the text of a cell, and how it behaves."""

    title: str
    cell: Callable[[dict[str, Any]], str]
    right: bool = False  # numbers
    wide: bool = False  # only with -o wide
    optional: bool = False  # left out where every cell is empty
    gives_way: bool = False  # cut first where a terminal is too narrow
    least: int = 0  # the width that a column has at least where rows come one by one
    below: bool = False  # the last one: goes to a line of its own where its row is too long for the terminal


_MARK = Column("CHANGE", lambda _: "", least=7)


def render(rows: Sequence[dict[str, Any]], columns: Sequence[Column], *, wide: bool, width: int | None) -> list[str]:
    """The lines of a table, its header first.

    Args:
        rows: what the columns' cells are made of.
        columns: all of them; those that do not apply are left out.
        wide: show the columns for ``-o wide`` too, and cut nothing.
        width: of the terminal; None where there is none, and then nothing is cut.
    """
    shown = [c for c in columns if wide or not c.wide]
    cells = [[_clean(c.cell(row)) for c in shown] for row in rows]
    kept = [n for n, c in enumerate(shown) if not c.optional or any(line[n] for line in cells)]
    shown = [shown[n] for n in kept]
    table = [[c.title for c in shown], *([line[n] for n in kept] for line in cells)]
    widths = [max(width_of(line[n]) for line in table) for n in range(len(shown))]
    if width is not None and not wide:
        _narrow(shown, widths, width)
    return [part for row in table for part in _lines(row, shown, widths, width)]


class StreamTable:
    """A table whose rows come one by one, for pipes: each as it is, under a head that comes before the first.

    Args:
        columns: of the next rows; columns that may be empty are there from the start, since nobody knows what comes.
        wide: show the columns for ``-o wide`` too.
    """

    def __init__(self, columns: Sequence[Column], *, wide: bool) -> None:
        self.columns = columns
        self._wide = wide
        self._widths: list[int] = []

    def lines(self, row: dict[str, Any], mark: str | None = None) -> list[str]:
        """The row's line, and the head before the first; ``mark`` is a first cell that says what the row is."""
        columns = [column for column in self.columns if self._wide or not column.wide]
        head = [column.title for column in columns]
        cells = [_clean(column.cell(row)) for column in columns]
        if mark is not None:
            columns = [_MARK, *columns]
            head, cells = [_MARK.title, *head], [mark, *cells]
        if self._widths:
            self._widths = [max(width, width_of(text)) for width, text in zip(self._widths, cells, strict=True)]
            return [_line(cells, columns, self._widths)]
        self._widths = [
            max(width_of(title), width_of(text), column.least)
            for title, text, column in zip(head, cells, columns, strict=True)
        ]
        return [_line(head, columns, self._widths), _line(cells, columns, self._widths)]


def width_of(text: str) -> int:
    """The cells of a terminal that a text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def cut(text: str, width: int) -> str:
    """The text in at most that many cells, with an ellipsis where something is missing."""
    if width_of(text) <= width:
        return text
    while text and width_of(text) > width - 1:
        text = text[:-1]
    return f"{text}…"


def _narrow(columns: list[Column], widths: list[int], width: int) -> None:
    fixed = len(columns) - columns[-1].below
    for n in reversed(range(fixed)):
        over = sum(widths[:fixed]) + len(_GAP) * (fixed - 1) - width
        if over > 0 and columns[n].gives_way:
            widths[n] = max(min(_LEAST, widths[n]), widths[n] - over)


def _lines(cells: list[str], columns: list[Column], widths: list[int], width: int | None) -> list[str]:
    line = _line(cells, columns, widths)
    if width is None or not columns[-1].below or width_of(line) <= width or not cells[-1]:
        return [line]
    return [_line(cells[:-1], columns[:-1], widths[:-1]), f"{_GAP}{cells[-1]}"]


def _line(cells: list[str], columns: list[Column], widths: list[int]) -> str:
    parts = []
    for text, column, width in zip(cells, columns, widths, strict=True):
        shown = cut(text, width)
        blanks = " " * (width - width_of(shown))
        parts.append(blanks + shown if column.right else shown + blanks)
    return _GAP.join(parts).rstrip()


def _clean(text: str) -> str:
    """One line, without what would steer a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " for c in text)
