"""``okube whatif``: what would become of the cluster if nodes were lost, or others came."""

from typing import Any

import click

from okube.cli import complete
from okube.cli.apply import telling_where
from okube.cli.documents import read_specs
from okube.cli.exits import REFUSED, Ended
from okube.cli.foreseen import show_tasks
from okube.cli.options import connects, examples, shows
from okube.cli.output import emit, print_table, tell_age
from okube.cli.session import Session, session
from okube.model.shapes import Machines
from okube.model.shown import spec_view

__all__ = ["whatif"]

Row = dict[str, Any]
_NAMES_SHOWN = 8


@click.command(
    epilog=examples("""
okube whatif --lose w1
okube whatif --lose zone:rack-a
okube whatif --lose w1 w2 manager:m1
okube whatif --lose w1 --add 2x8c16g       machines of 8 cores, 16 GiB
okube whatif --add 3xw1 -f shop.yaml       like w1; would it fit then?
""")
)
@click.option(
    "--lose",
    multiple=True,
    metavar="NAME…",
    shell_complete=complete.NODES,
    help="A node or manager; zone:, region:, rack:NAME.",
)
@click.argument("more", nargs=-1, metavar="[NAME…]", shell_complete=complete.NODES)
@click.option("--add", multiple=True, metavar="N×SHAPE", help="8c16g, 8c16g500g@ZONE (disk, zone), or a node's name.")
@click.option("-f", "--file", "files", multiple=True, type=click.Path(), metavar="FILE", help="Apply it as well.")
@connects
@shows
def whatif(lose: tuple[str, ...], more: tuple[str, ...], add: tuple[str, ...], files: tuple[str, ...]) -> None:
    """Say what would move, fit nowhere, or be gone if nodes were lost or others came; nothing is done.

    Ends with 1 where tasks would find no place or the quorum would be lost.
    """
    names = [name for given in (*lose, *more) for name in given.split(",") if name]
    if more and not lose:
        raise click.UsageError(f"say what is to happen to {' '.join(more)}: --lose {' '.join(more)}")
    if not (names or add or files):
        raise click.UsageError("nothing would happen: say --lose NAME, --add N×SHAPE or -f FILE")
    _check(add)
    placed = read_specs(files) if files else []
    here = session()
    with telling_where(placed):
        found = here.client().whatif(lose=names, add=list(add), specs=[spec_view(p.spec) for p in placed])
    if here.output in ("json", "yaml"):
        emit(here, found)
    else:
        _show(here, found)
    tell_age(here)
    _end(found)


def _check(add: tuple[str, ...]) -> None:
    for text in add:
        try:
            Machines.parse(text)
        except ValueError as error:
            raise click.UsageError(f"--add {error}") from None


def _show(here: Session, found: Row) -> None:
    wide = here.output == "wide"
    if found.get("lost"):
        click.echo(f"lost      {_names(found['lost'])}")
    if found.get("added"):
        click.echo(f"added     {_names(found['added'])}")
    click.echo(f"quorum    {_quorum(found.get('quorum') or {})}")
    click.echo(f"tasks     {found.get('moved')} would move, {found.get('unplaced')} would find no place")
    for head, kind, key in (
        ("", "planned services", "services"),
        ("services with fewer tasks that serve:", "suffering services", "suffering"),
        ("limits that would not be kept:", "broken limits", "limits"),
    ):
        if found.get(key):
            click.echo("")
            if head:
                click.echo(head)
            print_table(kind, found[key], wide=wide)
    show_tasks(here, found.get("tasks") or [], "")


def _quorum(found: Row) -> str:
    names, down = found.get("lost") or [], found.get("down") or []
    if not (names or down):
        return "kept: no manager is lost"
    told = [*([f"without {_names(names)}"] if names else ()), *([f"with {_names(down)} down already"] if down else ())]
    without = " and ".join(told)
    if found.get("kept"):
        return f"kept: {without}, {found.get('left')} of {found.get('voters')} managers are left"
    return (
        f"LOST: {without}, {found.get('left')} of {found.get('voters')} managers are left, "
        f"and {found.get('needed')} are needed; nothing could be changed or moved"
    )


def _names(names: list[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _end(found: Row) -> None:
    said = []
    if not (found.get("quorum") or {}).get("kept", True):
        said.append("the managers would have no quorum")
    if not found.get("fits", True):
        count = int(found.get("unplaced") or 0)
        said.append(f"{count} task{'s'[: count != 1]} would find no place" if count else "not all tasks have a place")
    if said:
        raise Ended(REFUSED, ", and ".join(said))
