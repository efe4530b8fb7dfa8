"""The logs of several tasks as one stream: whose they are, in the order of time, and going on as tasks come and go."""

import heapq
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from okube.cli.apps import services_of_app
from okube.cli.meant import service_or_task
from okube.cli.output import note
from okube.cli.session import Session
from okube.client.api import OkubeClient
from okube.client.logs import Line
from okube.model.errors import NoQuorum, NotFound, OkubeError, OutcomeUnknown, Unreachable
from okube.model.task import ENDED

__all__ = ["Followers", "Query", "Subjects", "merged", "subjects"]

Row = dict[str, Any]
Batch = list[tuple[Row, Line]]
_WITH_LOGS = frozenset({"running", "completed", "failed"})
_MOST_STREAMS = 64
_LOOK_S = 1.0  # between looks for tasks that took the place of others
_QUIET_S = 0.1  # lines that come closer together than that are put in the order of time
_LONGEST_BATCH_S = 0.5
_BATCH = 500
_SHORT_ID = 6


class Query(msgspec.Struct, frozen=True):
    """Which lines: of each task the last ``tail``, and none before ``since_ms``."""

    follow: bool = False
    tail: int | None = None
    since_ms: int | None = None


class Subjects(msgspec.Struct, frozen=True):
    """Whose logs: services, an app (what its services are now), slots of services, and single tasks by id."""

    services: tuple[str, ...] = ()
    app: str | None = None
    slots: tuple[tuple[str, int], ...] = ()
    ids: tuple[str, ...] = ()

    @property
    def is_one_task(self) -> bool:
        """Whether lines need no name before them."""
        return self.app is None and not self.services and len(self.slots) + len(self.ids) == 1

    def tasks(self, client: OkubeClient, *, ended: bool) -> list[Row]:
        """The tasks that are there, the newest of a slot last; of a slot only the newest unless ``ended``."""
        found: dict[str, Row] = {}
        names = [*self.services, *(slot[0] for slot in self.slots)]
        for name in dict.fromkeys(names):
            rows = sorted(client.tasks(service=name, ended=True), key=lambda t: str(t.get("created_at")))
            if name in self.services:
                found |= {t["id"]: t for t in rows if ended or t.get("state") not in ENDED}
            for slot in (s for s in self.slots if s[0] == name):
                found |= {t["id"]: t for t in [t for t in rows if t.get("slot") == slot[1]][-1:]}
        if self.app is not None:
            found |= {t["id"]: t for t in client.tasks(app=self.app, ended=ended)}
        for reference in self.ids:
            task = client.task(reference)
            found[task["id"]] = task
        return list(found.values())

    def are_over(self, client: OkubeClient, tasks: Sequence[Row]) -> bool:
        """Whether nothing can follow: services are gone or jobs that ended, slots and tasks have ended."""
        if any(task.get("state") not in ENDED for task in tasks):
            return False
        return self.app is None and all(_is_over(client, name) for name in self.services)


def subjects(client: OkubeClient, names: Sequence[str], app: str | None) -> Subjects:
    """What names stand for.

    Raises:
        NotFound: one of them is nothing.
    """
    services: list[str] = []
    slots: list[tuple[str, int]] = []
    ids: list[str] = []
    for name in dict.fromkeys(names):
        service, task = service_or_task(client, name)
        if service is not None:
            services.append(name)
        elif task is not None and task.get("name") == name:
            slots.append((str(task["service"]), int(task["slot"])))
        elif task is not None:
            ids.append(str(task["id"]))
    if app is not None:
        services_of_app(client, app)
    return Subjects(tuple(services), app, tuple(slots), tuple(ids))


def merged(client: OkubeClient, wanted: Subjects, query: Query) -> Iterator[Batch]:
    """The logs of all tasks until now, in the order of time.

    Raises:
        OkubeError: only one task is asked for, and its log cannot be had; of several that is said on stderr.
    """
    tasks = wanted.tasks(client, ended=True)
    _tell_apart(tasks, {})
    lost: list[OkubeError] = []
    streams = [_stream(client, task, query, lost) for task in _bounded(tasks)]
    batch: Batch = []
    count = 0
    for pair in heapq.merge(*streams, key=lambda pair: pair[1].time_ms):
        count += 1
        batch.append(pair)
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    yield batch
    if lost and not count:
        if wanted.is_one_task:
            raise lost[0]
        note(f"okube: {lost[0].detail}")


def _stream(client: OkubeClient, task: Row, query: Query, lost: list[OkubeError]) -> Iterator[tuple[Row, Line]]:
    """The log of one task; what cannot be had is said and passed over, or kept in ``lost``: it may be long ago."""
    try:
        for line in client.logs(str(task["id"]), tail=query.tail, since_ms=query.since_ms):
            yield task, line
    except OkubeError as error:
        if task.get("state") in ENDED or task.get("state") == "pending":
            lost.append(error)
        else:
            note(f"okube: {error.detail}")


def _bounded(tasks: Sequence[Row]) -> Sequence[Row]:
    if len(tasks) > _MOST_STREAMS:
        note(f"okube: there are {len(tasks)} tasks; this is what the {_MOST_STREAMS} newest of them wrote")
    return tasks[-_MOST_STREAMS:]


class Followers:
    """A stream for each task, in threads, and for each task that comes later.

    Args:
        here: makes a client for each thread.
        wanted: whose logs.
        query: which lines; a task that comes later is shown from its start.
    """

    def __init__(self, here: Session, wanted: Subjects, query: Query) -> None:
        self._session = here
        self._wanted = wanted
        self._query = query
        self._queue: queue.SimpleQueue[tuple[Row, Line | OkubeError]] = queue.SimpleQueue()
        self._known: set[str] = set()
        self._threads: list[threading.Thread] = []
        self._warned = False
        self._ids: dict[str, set[str]] = {}

    def batches(self) -> Iterator[Batch]:
        """The lines as they come, those that come together in the order of time; ends where nothing can follow."""
        over = 0
        first = True
        while True:
            over = over + 1 if self._look(first=first) else 0
            first = False
            until = time.monotonic() + _LOOK_S
            while (left := until - time.monotonic()) > 0:
                if batch := self._batch(left):
                    yield batch
            if over and not any(thread.is_alive() for thread in self._threads) and self._queue.empty():
                return

    def _batch(self, wait_s: float) -> Batch:
        """What comes within that many seconds, until it is quiet for a moment."""
        batch: Batch = []
        until = time.monotonic() + _LONGEST_BATCH_S
        while len(batch) < _BATCH * 20 and time.monotonic() < until:
            try:
                task, line = self._queue.get(timeout=_QUIET_S if batch else wait_s)
            except queue.Empty:
                break
            if isinstance(line, OkubeError):
                note(f"okube: {line.detail}")
            else:
                batch.append((task, line))
        batch.sort(key=lambda pair: pair[1].time_ms)
        return batch

    def _look(self, *, first: bool) -> bool:
        """Start following what is new; True where nothing can follow any more."""
        client = self._session.client()
        try:
            tasks = self._wanted.tasks(client, ended=first)
            over = self._wanted.are_over(client, tasks)
        except NotFound:
            return True
        except (NoQuorum, OutcomeUnknown, Unreachable):
            return False  # the streams that are open go on
        _tell_apart(tasks, self._ids)
        for task in tasks:
            if task.get("state") in _WITH_LOGS and task["id"] not in self._known:
                self._begin(task, self._query if first else Query(follow=True))
        return over

    def _begin(self, task: Row, query: Query) -> None:
        alive = [thread for thread in self._threads if thread.is_alive()]
        if len(alive) >= _MOST_STREAMS:
            if not self._warned:
                note(f"okube: more than {_MOST_STREAMS} tasks cannot be followed at once; the others are left out")
            self._warned = True
            return
        self._known.add(task["id"])
        thread = threading.Thread(target=self._follow, args=(task, query), daemon=True)
        self._threads = [*alive, thread]
        thread.start()

    def _follow(self, task: Row, query: Query) -> None:
        client = self._session.new_client()
        try:
            for line in client.logs(str(task["id"]), follow=True, tail=query.tail, since_ms=query.since_ms):
                self._queue.put((task, line))
        except OkubeError as error:
            if task.get("state") not in ENDED or self._wanted.is_one_task:
                self._queue.put((task, error))
        finally:
            client.close()


def _tell_apart(tasks: Sequence[Row], ids: dict[str, set[str]]) -> None:
    """Give each task a ``label`` for its lines: its name, and the start of its id where another has the same name.

    ``ids`` are those of each name so far.
    """
    for task in tasks:
        ids.setdefault(str(task.get("name")), set()).add(str(task.get("id")))
    for task in tasks:
        name = str(task.get("name"))
        task["label"] = name if len(ids[name]) == 1 else f"{name} {str(task.get('id'))[:_SHORT_ID]}"


def _is_over(client: OkubeClient, name: str) -> bool:
    """A service that is gone, or a job; its tasks have ended."""
    try:
        service = client.service(name)
    except NotFound:
        return True
    return service.get("mode") == "job"
