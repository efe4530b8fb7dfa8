"""``okube logs``: what a service or a task wrote."""

import queue
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click
import msgspec

from okube.cli.options import connects, examples
from okube.cli.output import note
from okube.cli.session import Session, session
from okube.client.api import OkubeClient
from okube.client.logs import Line
from okube.model.errors import Conflict, NotFound, OkubeError
from okube.model.quantities import parse_seconds

__all__ = ["logs", "since_ms"]

Row = dict[str, Any]
_LOOK_S = 2.0  # between looks for tasks that took the place of others
_MOST_STREAMS = 64


@click.command(
    epilog=examples("""
okube logs web              all tasks of service web
okube logs web.1            one task; also by id, or the start of one
okube logs -f --tail 20 web
okube logs --since 10m web
""")
)
@click.argument("name", metavar="SERVICE|TASK")
@click.option("-f", "--follow", is_flag=True, help="Go on as more is written, also by new tasks of the service.")
@click.option("--tail", type=click.IntRange(min=0), metavar="N", help="Only the last N lines of each task.")
@click.option("--since", metavar="T", help="Only later than this: 10m ago, or 2026-01-31T12:00:00Z.")
@click.option("-t", "--timestamps", is_flag=True, help="Show the time of each line.")
@click.option("-o", "--output", type=click.Choice(("table", "json")), default="table", help="json: an object a line.")
@connects
def logs(name: str, follow: bool, tail: int | None, since: str | None, timestamps: bool, output: str) -> None:
    """Show what a service or a task wrote: its stdout on stdout, its stderr on stderr."""
    here = session()
    printer = _Printer(as_json=output == "json", timestamps=timestamps)
    query: Row = {"follow": follow, "tail": tail, "since_ms": since_ms(since, time.time_ns() // 1_000_000)}
    service, tasks = _tasks_meant(here.client(), name)
    if service is None:
        for line in here.client().logs(str(tasks[0]["id"]), **query):
            printer.print(line, tasks[0])
    elif follow:
        for task, line in _Followers(here, service, query).lines():
            printer.print(line, task, named=True)
    else:
        _print_all(here.client(), tasks, query, printer)


def since_ms(text: str | None, now_ms: int) -> int | None:
    """Milliseconds since 1970 from ``10m`` (ago) or an RFC 3339 time (UTC unless it says otherwise).

    Raises:
        click.UsageError: it is neither.
    """
    if text is None:
        return None
    try:
        return max(0, now_ms - int(parse_seconds(text) * 1000))
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"--since {text!r} is no time: write 30s, 10m, 2h or 2026-01-31T12:00:00Z") from None
    return max(0, int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000))


def _tasks_meant(client: OkubeClient, name: str) -> tuple[str | None, list[Row]]:
    """The service of that name with its tasks, else the one task."""
    if "." not in name:
        try:
            client.service(name)
            return name, client.tasks(service=name, ended=True)
        except NotFound:
            pass
    try:
        return None, [client.task(name)]
    except NotFound:
        raise NotFound(f"there is no service and no task {name}; `okube ps -a` lists the tasks") from None


def _print_all(client: OkubeClient, tasks: list[Row], query: Row, printer: "_Printer") -> None:
    """The logs of all tasks, in the order of time; what cannot be had is said and passed over."""
    gathered: list[tuple[Line, Row]] = []
    for task in tasks:
        try:
            gathered += [(line, task) for line in client.logs(str(task["id"]), **query)]
        except Conflict as error:
            note(f"okube: {error.detail}")
    gathered.sort(key=lambda pair: pair[0].time_ms)
    for line, task in gathered:
        printer.print(line, task, named=True)


class _Printer:
    def __init__(self, *, as_json: bool, timestamps: bool) -> None:
        self._as_json = as_json
        self._timestamps = timestamps

    def print(self, line: Line, task: Row, *, named: bool = False) -> None:
        if self._as_json:
            shown = {"task": task.get("name"), "id": task.get("id"), **msgspec.to_builtins(line)}
            click.echo(msgspec.json.encode(shown))
            return
        moment = datetime.fromtimestamp(line.time_ms / 1000, UTC).isoformat(timespec="milliseconds")
        when = f"{moment.replace('+00:00', 'Z')} " if self._timestamps else ""
        who = f"{task.get('name')} | " if named else ""
        click.echo(f"{who}{when}{line.text}", file=sys.stderr if line.stream == "stderr" else sys.stdout)


class _Followers:
    """A stream for each task of a service, in threads, and for each task that comes later."""

    def __init__(self, here: Session, service: str, query: Row) -> None:
        self._session = here
        self._service = service
        self._query = query
        self._queue: queue.SimpleQueue[tuple[Row, Line | OkubeError]] = queue.SimpleQueue()
        self._known: set[str] = set()

    def lines(self) -> Iterator[tuple[Row, Line]]:
        """The lines as they come; ends with the service."""
        first = True
        while True:
            if not self._look(ended=first):
                return
            first = False
            until = time.monotonic() + _LOOK_S
            while (left := until - time.monotonic()) > 0:
                try:
                    task, line = self._queue.get(timeout=left)
                except queue.Empty:
                    break
                if isinstance(line, OkubeError):
                    note(f"okube: {line.detail}")
                else:
                    yield task, line

    def _look(self, *, ended: bool) -> bool:
        """Start following what is new; False once the service is gone."""
        client = self._session.client()
        try:
            client.service(self._service)
        except NotFound:
            return False
        placed = [t for t in client.tasks(service=self._service, ended=ended) if t.get("state") in _WITH_LOGS]
        new = [t for t in placed if t["id"] not in self._known]
        for task in new:
            if len(self._known) >= _MOST_STREAMS:
                note(f"okube: {self._service} has more tasks than can be followed at once ({_MOST_STREAMS})")
                break
            self._known.add(task["id"])
            threading.Thread(target=self._follow, args=(task,), daemon=True).start()
        return True

    def _follow(self, task: Row) -> None:
        client = self._session.new_client()
        try:
            for line in client.logs(str(task["id"]), **self._query):
                self._queue.put((task, line))
        except OkubeError as error:
            self._queue.put((task, error))
        finally:
            client.close()


_WITH_LOGS = frozenset({"running", "completed", "failed"})
