"""``okube logs``: what services and tasks wrote."""

import sys
from typing import Any

import click
import msgspec

from okube.cli import complete, moments
from okube.cli.exits import interruptible
from okube.cli.logfeed import Followers, Query, merged, subjects
from okube.cli.options import connects, examples
from okube.cli.session import session
from okube.cli.terminal import coloured
from okube.client.logs import Line

__all__ = ["logs"]

Row = dict[str, Any]
_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)


@click.command(
    epilog=examples("""
okube logs web db             all tasks of two services, by time
okube logs web.1              one task; also by id, or the start of one
okube logs -f --tail 20 web   and go on, also with tasks that come later
okube logs --app shop --since 10m
""")
)
@click.argument("names", nargs=-1, metavar="[SERVICE|TASK]…", shell_complete=complete.SERVICES_AND_TASKS)
@click.option("--app", metavar="NAME", help="The services of this app.", shell_complete=complete.APPS)
@click.option("-f", "--follow", is_flag=True, help="Go on as more is written, also by new tasks.")
@click.option("--tail", type=click.IntRange(min=0), metavar="N", help="Only the last N lines of each task.")
@click.option("--since", metavar="T", help="Only later: 10m (ago), or 2026-01-31T12:00:00Z.")
@click.option("-t", "--timestamps", is_flag=True, help="Show the time of each line.")
@click.option("--no-prefix", is_flag=True, help="Do not name the task before each line.")
@click.option("-o", "--output", type=click.Choice(("table", "json")), default="table", help="json: an object a line.")
@connects
def logs(
    names: tuple[str, ...],
    app: str | None,
    follow: bool,
    tail: int | None,
    since: str | None,
    timestamps: bool,
    no_prefix: bool,
    output: str,
) -> None:
    """Show what tasks wrote: their stdout on stdout, their stderr on stderr.

    Of a service that is all of its tasks, those that have ended too; tasks of one name are told apart by their ids.
    """
    if not names and app is None:
        raise click.UsageError("nothing is named: write a service or a task, or --app NAME")
    here = session()
    query = Query(follow, tail, moments.since_ms(since, moments.now_ms()))
    wanted = subjects(here.client(), names, app)
    printer = _Printer(as_json=output == "json", timestamps=timestamps, prefix=not (no_prefix or wanted.is_one_task))
    with interruptible():
        for batch in Followers(here, wanted, query).batches() if follow else merged(here.client(), wanted, query):
            for task, line in batch:
                printer.print(line, task)
            printer.flush()


class _Printer:
    def __init__(self, *, as_json: bool, timestamps: bool, prefix: bool) -> None:
        self._as_json = as_json
        self._timestamps = timestamps
        self._prefix = prefix
        self._coloured = coloured(1) and not as_json
        self._colours: dict[str, int] = {}
        self._width = 0

    def print(self, line: Line, task: Row) -> None:
        if self._as_json:
            shown = {"task": task.get("name"), "id": task.get("id"), **msgspec.to_builtins(line)}
            sys.stdout.write(f"{msgspec.json.encode(shown).decode()}\n")
            return
        when = f"{moments.clock(line.time_ms)} " if self._timestamps else ""
        who = self._who(str(task.get("label"))) if self._prefix else ""
        stream = sys.stderr if line.stream == "stderr" else sys.stdout
        other = sys.stdout if line.stream == "stderr" else sys.stderr
        other.flush()  # both may be one terminal
        stream.write(f"{who}{when}{line.text}\n")

    def flush(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()

    def _who(self, name: str) -> str:
        self._width = max(self._width, len(name))
        text = f"{name:<{self._width}} | "
        if not self._coloured:
            return text
        colour = self._colours.setdefault(name, _COLOURS[len(self._colours) % len(_COLOURS)])
        return f"\x1b[{colour}m{text}\x1b[0m"
