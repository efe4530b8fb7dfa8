"""The help of ``okube`` itself: every command on one screen."""

from collections.abc import Mapping, Sequence

from okube.cli.lazy import Entry

__all__ = ["FOOT", "in_a_line", "lines"]

_COLUMN = 38
_NAME = 11
FOOT = (
    "Options of every command: -o FORMAT (table, wide, json, yaml), --stale (without",
    "quorum), --manager URL[,URL…], --config FILE. `okube COMMAND -h` has examples.",
)


def lines(entries: Mapping[str, Entry], columns: Sequence[Sequence[str]]) -> list[str]:
    """The sections side by side.

    Args:
        entries: the commands.
        columns: the sections of each column, from above.
    """
    left, right = ([line for section in column for line in _section(entries, section)] for column in columns)
    rows = max(len(left), len(right))
    left += [""] * (rows - len(left))
    right += [""] * (rows - len(right))
    return [f"{one:<{_COLUMN}}  {other}".rstrip() for one, other in zip(left, right, strict=True)]


def in_a_line(entries: Mapping[str, Entry], section: str) -> str:
    """A section of which there is room for the names alone, on as few lines as they need."""
    from textwrap import fill

    names = " ".join(name for name, _ in _listed(entries, section))
    return fill(f"{section}: {names}", 2 * _COLUMN + 3, subsequent_indent="  ", break_on_hyphens=False)


def _section(entries: Mapping[str, Entry], section: str) -> list[str]:
    return [f"{section}:", *(f"  {name:<{_NAME}}{entry.help}" for name, entry in _listed(entries, section))]


def _listed(entries: Mapping[str, Entry], section: str) -> list[tuple[str, Entry]]:
    return [
        (name, entry)
        for name, entry in entries.items()
        if entry.section == section and not entry.alias and not entry.hidden
    ]
