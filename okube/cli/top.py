"""``okube top``: what nodes and tasks use now."""

from typing import Any

import click

from okube.cli import complete
from okube.cli.columns import columns_of
from okube.cli.likely import close_to
from okube.cli.options import connects, examples, formats, watched
from okube.cli.output import emit, note, terminal_width
from okube.cli.screen import fitted
from okube.cli.session import Session, session
from okube.cli.table import render
from okube.client.api import OkubeClient

__all__ = ["top"]

Row = dict[str, Any]
WHAT = ("nodes", "tasks")
SORTS = {"cpu": "cpus", "memory": "memory", "name": "name"}
_EVERY_S = 2.0


@click.command(
    epilog=examples("""
okube top                         nodes, then tasks, the busiest first
okube top tasks --service web --watch
okube top tasks --sort memory
okube top nodes -o json
""")
)
@click.argument("what", required=False, metavar="[nodes|tasks]")
@click.option("--service", metavar="NAME", help="Only tasks of this service.", shell_complete=complete.SERVICES)
@click.option("--node", metavar="NAME", help="Only this node, and tasks on it.", shell_complete=complete.NODES)
@click.option("--sort", type=click.Choice(tuple(SORTS)), default="cpu", metavar="BY", help="cpu, memory or name.")
@watched
@connects
@formats
def top(what: str | None, service: str | None, node: str | None, sort: str, watch: bool) -> None:
    """What nodes and tasks use now: cores, memory, disk.

    Cores are those that are busy: 0.50 is half of one core.
    """
    if what is not None and what not in WHAT:
        raise click.UsageError(f"{what!r} can be no top: write nodes or tasks{close_to([what], WHAT, 'node')}")
    here = session()
    kinds = (what,) if what else ("tasks",) if service else WHAT

    def look(client: OkubeClient) -> Row:
        found = client.usage(service=service, node=node)
        return {**found, **{kind: _sorted(found.get(kind), sort) for kind in WHAT}}

    if watch:
        from okube.cli.watching import watch as go_on

        def draw(found: Row, columns: int, rows: int) -> list[str]:
            return _page(here, found, kinds, columns, rows)

        go_on(here, lambda client: _shown(look(client), what), draw, _one_line, every_s=_EVERY_S)
        return
    found = look(here.client())
    if here.output in ("json", "yaml"):
        emit(here, _shown(found, what))
        return
    for line in _page(here, found, kinds, terminal_width(), None):
        click.echo(line)
    if silent := _silent(found):
        note(silent)


def _shown(found: Row, what: str | None) -> Any:
    return found if what is None else found.get(what, [])


def _page(here: Session, found: Any, kinds: tuple[str, ...], width: int | None, rows: int | None) -> list[str]:
    lines: list[str] = []
    usage = found if isinstance(found, dict) else {kinds[0]: found}
    for kind in kinds:
        if found_rows := usage.get(kind):
            table = render(found_rows, columns_of(f"usage of {kind}", 0), wide=here.output == "wide", width=width)
            lines += [*([""] if lines else []), *table]
    lines = lines or [f"no {' and no '.join(kinds)}"]
    if rows is None:
        return lines
    foot = [silent] if (silent := _silent(usage)) else []
    return [*fitted(lines, rows - len(foot)), *foot]


def _one_line(found: Any) -> str:
    """For a pipe: the busiest first, as many as a line holds."""
    rows = found if isinstance(found, list) else [*found.get("nodes", []), *found.get("tasks", [])]
    return ", ".join(f"{row.get('name')} {_figure(row.get('cpus'))} cores" for row in rows[:8]) or "nothing runs"


def _figure(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, int | float) else "?"


def _silent(found: Row) -> str:
    names = [str(name) for name in found.get("silent") or []]
    return f"{', '.join(names)} did not answer" if names else ""


def _sorted(rows: object, sort: str) -> list[Row]:
    found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    if sort == "name":
        return sorted(found, key=lambda row: str(row.get("name")))
    field = SORTS[sort]
    return sorted(found, key=lambda row: (-(row.get(field) or 0), str(row.get("name"))))
