"""What a command prints: tables for people, JSON and YAML for scripts, and what happens beside it on stderr."""

import os
import sys
import time
from collections.abc import Sequence
from typing import Any

import click
import msgspec

from okube.cli.columns import columns_of
from okube.cli.session import Session
from okube.cli.table import render
from okube.cli.terminal import size

__all__ = ["as_yaml", "emit", "note", "print_table", "show_list", "show_results", "tell_age", "terminal_width"]

Row = dict[str, Any]
_USUAL_WIDTH = 80


def note(sentence: str, *, indent: str = "") -> None:
    """Something a person should know, on stderr; on a terminal no word is cut at its edge."""
    lines = [sentence]
    if sys.stderr.isatty():
        from textwrap import wrap

        columns = size(2)[0]
        lines = wrap(sentence, columns, subsequent_indent=indent or "  ", break_on_hyphens=False) or [sentence]
    for line in lines:
        click.echo(line, err=True)


def show_list(session: Session, kind: str, rows: Sequence[Row]) -> None:
    """A list: an array for scripts; for people a table, or on stderr that it is empty."""
    if session.output in ("json", "yaml"):
        emit(session, list(rows))
    elif rows:
        print_table(kind, rows, wide=session.output == "wide")
    else:
        note(f"no {kind}")
    tell_age(session)


def show_results(session: Session, kind: str, rows: Sequence[Row], *, of: Sequence[str]) -> None:
    """What a change has made of the things ``of`` these names: of one name an object, of several a list."""
    if session.output in ("json", "yaml"):
        emit(session, rows[0] if len(of) == 1 and len(rows) == 1 else list(rows))
    elif rows:
        print_table(kind, rows, wide=session.output == "wide")


def emit(session: Session, data: object) -> None:
    """Data as JSON or YAML, and nothing else."""
    if session.output == "yaml":
        click.echo(as_yaml(data), nl=False)
        return
    click.echo(msgspec.json.format(msgspec.json.encode(data), indent=2).decode())


def as_yaml(data: object) -> str:
    """Data as a document of YAML, without its mark."""
    import yaml

    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, default_flow_style=False))


def print_table(kind: str, rows: Sequence[Row], *, wide: bool, now_ms: int | None = None) -> None:
    """A table of ``services``, ``tasks``, ``nodes``, ``managers`` or ``actions``."""
    now_ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    for line in render(rows, columns_of(kind, now_ms), wide=wide, width=terminal_width()):
        click.echo(line)


def terminal_width() -> int | None:
    """The columns of the terminal that stdout is; None where it is none, and then nothing is cut."""
    if not sys.stdout.isatty():
        return None
    asked = os.environ.get("COLUMNS", "")
    if asked.isdigit() and int(asked):
        return int(asked)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or _USUAL_WIDTH
    except OSError:
        return _USUAL_WIDTH


def tell_age(session: Session) -> None:
    """After a stale read, whose view it was and how old it may be."""
    if not session.stale:
        return
    freshness = session.client().freshness
    if freshness is None:
        return
    age = "of unknown age" if freshness.age_s is None else f"{freshness.age_s:.1f} s old"
    note(f"stale: as {freshness.manager} knows it, {age}")
