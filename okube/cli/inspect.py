"""``okube inspect``: one thing, whole, with its history."""

import difflib
import time
from typing import Any

import click

from okube.cli.columns import text
from okube.cli.likely import Kind, hinting
from okube.cli.options import connects, examples, shows
from okube.cli.output import emit, print_table, tell_age
from okube.cli.session import session
from okube.client.api import OkubeClient
from okube.model.errors import NotFound

__all__ = ["inspect"]

Row = dict[str, Any]
_KINDS: dict[str, Kind] = {"service": "service", "task": "task", "node": "node", "manager": "manager"}
_KINDS |= {f"{kind}s": kind for kind in _KINDS.values()}


@click.command(
    epilog=examples("""
okube inspect service web
okube inspect task web.1        also by id, or the start of one
okube inspect node w1 -o json
""")
)
@click.argument("kind", metavar="KIND")
@click.argument("name", metavar="NAME")
@connects
@shows
def inspect(kind: str, name: str) -> None:
    """One service, task, node or manager, whole: with its tasks, or those before it in its slot.

    In JSON the tasks are in the field `tasks`, or of a task in `history`.
    """
    known = _KINDS.get(kind)
    if known is None:
        close = difflib.get_close_matches(kind, _KINDS, n=1, cutoff=0.6)
        meant = f"; did you mean {close[0]}?" if close else ""
        raise click.UsageError(f"{kind!r} is no kind of thing: service, task, node or manager{meant}")
    here = session()
    client = here.client()
    with hinting(client, known, [name]):
        found, field = whole(client, known, name)
    if here.output in ("json", "yaml"):
        emit(here, found)
    else:
        tasks = found.pop(field, [])
        for line in lines_of(found):
            click.echo(line)
        if tasks:
            click.echo()
            print_table("tasks", tasks, wide=here.output == "wide")
    tell_age(here)


def whole(client: OkubeClient, kind: str, name: str) -> tuple[Row, str]:
    """The thing with the tasks that belong to it, and the field in which these are.

    Raises:
        NotFound: there is none of that name.
    """
    if kind == "service":
        return {**client.service(name), "tasks": client.tasks(service=name, ended=True)}, "tasks"
    if kind == "node":
        return {**client.node(name), "tasks": client.tasks(node=name)}, "tasks"
    if kind == "manager":
        managers = client.managers()
        found = next((m for m in managers if m.get("name") == name), None)
        if found is None:
            raise NotFound(f"there is no manager {name}")
        return dict(found), ""
    task = client.task(name)
    same_slot = [
        other
        for other in client.tasks(service=str(task.get("service")), ended=True)
        if other.get("slot") == task.get("slot") and other.get("id") != task.get("id")
    ]
    return {**task, "history": same_slot}, "history"


def lines_of(row: Row, indent: str = "") -> list[str]:
    """``key: value`` lines; what is empty is left out, and what has parts of its own is indented."""
    shown = {key: value for key, value in row.items() if value not in (None, "", [], {}, ())}
    width = max((len(key) for key in shown), default=0) + 1
    lines = []
    for key, value in shown.items():
        if isinstance(value, dict):
            lines += [f"{indent}{key}:", *lines_of(value, f"{indent}  ")]
        elif isinstance(value, list) and isinstance(value[0], dict):
            lines += [f"{indent}{key}:", *(f"{indent}  {text(item)}" for item in value)]
        else:
            lines.append(f"{indent}{key + ':':<{width}} {_value(key, value)}")
    return lines


def _value(key: str, value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and key.partition("_")[0] in ("memory", "disk"):
        from okube.model.quantities import format_bytes

        return format_bytes(value)
    if isinstance(value, list):
        return " ".join(text(item) for item in value)
    if key.endswith("_at") or key == "last_seen":
        from okube.cli.columns import age

        return f"{value} ({age(value, time.time_ns() // 1_000_000)} ago)"
    return text(value)
