"""``okube inspect``: one thing, whole, with its history."""

import contextlib
import difflib
from collections.abc import Callable, Sequence
from typing import Any

import click

from okube.cli import complete, moments
from okube.cli.likely import Kind, hint_of, hinting
from okube.cli.options import connects, examples, shows
from okube.cli.output import emit, tell_age, terminal_width
from okube.cli.pages import page
from okube.cli.session import session
from okube.client.api import OkubeClient
from okube.model.errors import NotFound, OkubeError
from okube.model.task import ENDED

__all__ = ["inspect"]

Row = dict[str, Any]
KINDS: tuple[Kind, ...] = ("service", "task", "node", "app", "manager")
_NAMED: dict[str, Kind] = {**{kind: kind for kind in KINDS}, **{f"{kind}s": kind for kind in KINDS}}
_EVENTS = 50


@click.command(
    epilog=examples("""
okube inspect task web.1        why it is where it is, or nowhere
okube inspect service web       its update, tasks, versions, last events
okube inspect node w1           what it holds, and what is free
okube inspect web.1             without the kind: what is found first
okube inspect node w1 -o json   the whole object
""")
)
@click.argument("kind", metavar="[KIND]", shell_complete=lambda _ctx, _param, typed: _kinds(typed))
@click.argument("name", metavar="NAME", required=False, shell_complete=complete.of_kind)
@connects
@shows
def inspect(kind: str, name: str | None) -> None:
    """One thing, whole, with what belongs to it.

    KIND is service, task, node, app or manager.

    In JSON, `tasks`, `history` (those before a task in its slot), `services`, `versions`, `events` and `placement_now`
    (how nodes stand for a task) are its fields.
    """
    here = session()
    client = here.client()
    known, found = _meant(client, kind) if name is None else _named(client, kind, name)
    if here.output in ("json", "yaml"):
        emit(here, found)
    else:
        wide = here.output == "wide"
        for line in page(known, found, now_ms=moments.now_ms(), width=terminal_width(), wide=wide):
            click.echo(line)
    tell_age(here)


def _kinds(typed: str) -> list[str]:
    return [kind for kind in KINDS if kind.startswith(typed)]


def _named(client: OkubeClient, kind: str, name: str) -> tuple[Kind, Row]:
    known = _NAMED.get(kind)
    if known is None:
        close = difflib.get_close_matches(kind, _NAMED, n=1, cutoff=0.6)
        meant = f"; did you mean {close[0]}?" if close else ""
        raise click.UsageError(f"{kind!r} is no kind of thing: {', '.join(KINDS[:-1])} or {KINDS[-1]}{meant}")
    with hinting(client, known, [name]):
        return known, whole(client, known, name)


def _meant(client: OkubeClient, name: str) -> tuple[Kind, Row]:
    """The first thing of that name: a task where it has a dot, else a service, node, app, manager, or a task's id."""
    if name in _NAMED:
        raise click.UsageError(f"which {_NAMED[name]}? Write okube inspect {_NAMED[name]} NAME")
    kinds: Sequence[Kind] = ("task",) if "." in name else ("service", "node", "app", "manager", "task")
    for kind in kinds:
        with contextlib.suppress(NotFound):
            return kind, whole(client, kind, name)
    raise NotFound(f"there is nothing named {name}{hint_of(client, ('service', 'task', 'node'), [name])}")


def whole(client: OkubeClient, kind: Kind, name: str) -> Row:
    """The thing, with what belongs to it.

    Raises:
        NotFound: there is none of that name.
    """
    return _WHOLE[kind](client, name)


def _service(client: OkubeClient, name: str) -> Row:
    service = client.service(name)
    tasks = client.tasks(service=name, ended=True)
    versions: list[Row] = []
    with contextlib.suppress(OkubeError):
        versions = client.versions(name)
    return {**service, "tasks": tasks, "versions": versions, "events": _events(client, service=name)}


def _task(client: OkubeClient, reference: str) -> Row:
    task = client.task(reference)
    service = str(task.get("service"))
    history = [
        other
        for other in client.tasks(service=service, ended=True)
        if other.get("slot") == task.get("slot") and other.get("id") != task.get("id")
    ]
    about = [
        event
        for event in _events(client, service=service)
        if event.get("task_id") == task.get("id") or event.get("subject") in (task.get("name"), service)
    ]
    return {**task, "history": history, "events": about, **_nodes_for(client, task)}


def _nodes_for(client: OkubeClient, task: Row) -> Row:
    """How the nodes stand for a task that is not over; nothing where a manager cannot tell, or may not."""
    if task.get("state") in ENDED:
        return {}
    with contextlib.suppress(OkubeError):
        return {"placement_now": client.placement(str(task.get("id")))}
    return {}


def _node(client: OkubeClient, name: str) -> Row:
    return {**client.node(name), "tasks": client.tasks(node=name), "events": _events(client, node=name)}


def _app(client: OkubeClient, name: str) -> Row:
    found = client.app(name)
    return {**found, "services": client.services(app=name), "tasks": client.tasks(app=name)}


def _manager(client: OkubeClient, name: str) -> Row:
    found = next((manager for manager in client.managers() if manager.get("name") == name), None)
    if found is None:
        raise NotFound(f"there is no manager {name}")
    return {**found, "events": _events(client, subject=name)}


def _events(client: OkubeClient, **filters: str) -> list[Row]:
    """The last events; a manager that cannot tell them does not keep the rest from being shown."""
    with contextlib.suppress(OkubeError):
        return client.rows("/v1/events", list(filters.items()))[-_EVENTS:]
    return []


_WHOLE: dict[Kind, Callable[[OkubeClient, str], Row]] = {
    "service": _service,
    "task": _task,
    "node": _node,
    "app": _app,
    "manager": _manager,
}
