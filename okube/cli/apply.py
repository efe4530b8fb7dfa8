"""``okube apply`` and ``okube diff``: the cluster as service files have it."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

import click

from okube.cli.differences import differences
from okube.cli.documents import Placed, read_specs
from okube.cli.exits import Ended, Refusals
from okube.cli.leaks import warn_of_leaks
from okube.cli.options import connects, examples, formats, waits
from okube.cli.output import emit, print_table
from okube.cli.session import Session, session
from okube.cli.wait import Waiter
from okube.client.api import OkubeClient
from okube.config.document import render_errors
from okube.model.errors import FieldError, InvalidInput, NotFound
from okube.model.shown import spec_view

__all__ = ["apply", "diff", "note_idle_prune", "prunes", "takes_files", "takes_more", "telling_where"]

Row = dict[str, Any]

takes_files = click.option(
    "-f",
    "--file",
    "files",
    multiple=True,
    required=True,
    type=click.Path(),
    metavar="FILE",
    help="A service file (YAML or JSON), a folder of them, or - for stdin; may be given again.",
)
prunes = click.option(
    "--prune",
    is_flag=True,
    help="Remove the services of the apps that the files name (app:) that the files do not name themselves.",
)
takes_more = click.argument("more", nargs=-1, type=click.Path(), metavar="[FILE…]")


@click.command(
    epilog=examples("""
okube apply -f web.yaml
okube apply -f web.yaml db.yaml --timeout 5m
okube apply -f services/ --dry-run
okube apply -f shop/ --prune
cat web.json | okube apply -f -
""")
)
@takes_files
@takes_more
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@prunes
@waits
@connects
@formats
def apply(
    files: tuple[str, ...], more: tuple[str, ...], dry_run: bool, prune: bool, wait: bool, timeout: float
) -> None:
    """Make the cluster match service files: all of them, or none.

    What the files do not name stays as it is; with --prune, the other services of the apps that they name are removed.
    """
    placed = read_specs([*files, *more])
    warn_of_leaks(p.spec for p in placed)
    here = session()
    client = here.client()
    actions = _apply(client, placed, dry_run=dry_run, prune=prune)
    if wait and not dry_run:
        until = time.monotonic() + timeout
        try:
            Waiter(client, timeout).until_settled([p.spec.name for p in placed])
            removed = [str(action["name"]) for action in actions if action.get("action") == "removed"]
            if removed:
                Waiter(client, max(0.0, until - time.monotonic())).until_gone(removed)
        except Ended:
            if here.output in ("json", "yaml"):
                emit(here, actions)
            raise
    _show(here, actions)


@click.command(
    epilog=examples("""
okube diff -f web.yaml
okube diff -f shop/ --prune
okube diff -f services/ -o json
""")
)
@takes_files
@takes_more
@prunes
@connects
@formats
def diff(files: tuple[str, ...], more: tuple[str, ...], prune: bool) -> None:
    """Show what apply would change, field by field."""
    placed = read_specs([*files, *more])
    here = session()
    client = here.client()
    actions = _apply(client, placed, dry_run=True, prune=prune)
    found = [{**action, "changes": _changes(client, action, placed)} for action in actions]
    if here.output in ("json", "yaml"):
        emit(here, found)
        return
    for service in found:
        click.echo(f"{service.get('name')}: {service.get('action')}")
        for change in service["changes"]:
            click.echo(f"  {change['path']}: {_shown(change['old'])} -> {_shown(change['new'])}")


def _apply(client: OkubeClient, placed: Sequence[Placed], *, dry_run: bool, prune: bool) -> list[Row]:
    """Send the services."""
    note_idle_prune(placed, prune=prune)
    with telling_where(placed):
        answer = client.apply([spec_view(p.spec) for p in placed], dry_run=dry_run, prune=prune)
    return [action for action in answer.get("services") or [] if isinstance(action, dict)]


def note_idle_prune(placed: Sequence[Placed], *, prune: bool) -> None:
    """Say so where there is nothing that pruning could be about."""
    if prune and not any(p.spec.app for p in placed):
        click.echo("okube: no service in these files names an app, so --prune removes nothing", err=True)


@contextlib.contextmanager
def telling_where(placed: Sequence[Placed]) -> Iterator[None]:
    """What the cluster finds wrong with a service is told at its place in its file.

    Raises:
        Refusals: it found something.
    """
    try:
        yield
    except InvalidInput as error:
        lines = [line for n, p in enumerate(placed) for line in _refusals(error, n, p)]
        if not lines:
            raise
        raise Refusals(lines, "the cluster refused it: nothing was changed") from error


def _refusals(error: InvalidInput, number: int, placed: Placed) -> list[str]:
    prefix = f"services[{number}]"
    own = tuple(
        FieldError(e.path.removeprefix(prefix).removeprefix("."), e.message)
        for e in error.errors
        if e.path == prefix or e.path.startswith(f"{prefix}.")
    )
    return render_errors(placed.document, InvalidInput("", own)) if own else []


def _show(here: Session, actions: Sequence[Row]) -> None:
    if here.output in ("json", "yaml"):
        emit(here, list(actions))
    else:
        print_table("actions", actions, wide=here.output == "wide")


def _changes(client: OkubeClient, action: Row, placed: Sequence[Placed]) -> list[Row]:
    if action.get("action") != "changed":
        return []
    new = next((spec_view(p.spec) for p in placed if p.spec.name == action.get("name")), None)
    try:
        old = client.service(str(action.get("name")))
    except NotFound:
        return []
    return [] if new is None else differences(old, new)


def _shown(value: object) -> str:
    import msgspec

    return "nothing" if value is None else msgspec.json.encode(value).decode()
