"""Tasks that would begin, move, stop or find no place, as a table: one line for many that fare alike."""

from collections.abc import Sequence
from typing import Any

import click

from okube.cli.output import print_table
from okube.cli.session import Session

__all__ = ["show_tasks"]

Row = dict[str, Any]
_EACH = 30
_ALIKE = ("service", "step", "origin", "node", "why", "message")


def show_tasks(here: Session, tasks: Sequence[Row], head: str) -> None:
    """A table of them under a head; nothing for none. Of many tasks those of one service that fare alike are a line."""
    if not tasks:
        return
    wide = here.output == "wide"
    click.echo("")
    if head:
        click.echo(head)
    print_table("planned tasks", tasks if wide or len(tasks) <= _EACH else _together(tasks), wide=wide)


def _together(tasks: Sequence[Row]) -> list[Row]:
    alike: dict[tuple[Any, ...], list[Row]] = {}
    for task in tasks:
        alike.setdefault(tuple(task.get(key) for key in _ALIKE), []).append(task)
    return [
        rows[0] if len(rows) == 1 else {**rows[0], "name": f"{len(rows)} of {key[0]}"} for key, rows in alike.items()
    ]
