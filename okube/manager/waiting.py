"""Which pending tasks are worth a plan: those that were not tried yet, or not since something could have made room.

What fits nowhere costs nothing until there is a reason to look again. A reason for all is what can make room: a node
that changed, a task that ended or is gone, other settings, a secret. A task that was placed takes room, so it is a
reason for those alone that mind others: to be near them, to be called by them, to come after them. What only time
changes has its moment (back-off, a node that may be back soon), and what is measured between nodes is looked at again
and again, for those that have limits on it.
"""

from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from okube.manager.returning import Returns
from okube.model.event import Event
from okube.model.service import Service
from okube.model.task import Task
from okube.state import Tables
from okube.state.indexes import counts_alike
from okube.state.siblings import called
from okube.state.tables import Row
from okube.state.tasks import may_be_placed

__all__ = ["Waiting"]

_AT_ONCE = 2000
Group = tuple[str, int]
"""A version of a service: tasks that differ in nothing that placement asks about, but for a few."""


class _Stamp(NamedTuple):
    """How things were when a group was tried: as long as they are so, it would come out the same."""

    freed: int
    moved: int
    settings: int


class Waiting:
    """The pending tasks, by group, in the order in which they came; kept as the tables change."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._groups: dict[Group, dict[str, None]] = {}
        self._untried: dict[Group, dict[str, None]] = {}  # not tried as things are now, as far as that was looked at
        self._tried: dict[Group, _Stamp] = {}
        self._timed: dict[str, None] = {}  # those that time keeps waiting
        self._nominated: dict[str, None] = {}  # those for which others make room, which nobody else is to get
        self._minding: frozenset[str] | None = None  # services that mind others, or others them; None: to be found
        self._freed = 0
        self._moved = 0
        tables.observers.append(self._observe)

    def begin(self) -> Generator[None, None, None]:
        """Find all that waits, as if none of it had ever been tried; in slices, while the tables go on."""
        for index in (self._groups, self._untried, self._tried, self._timed, self._nominated):
            index.clear()
        for count, task_id in enumerate(list(self._tables.tasks_in_state.get("pending", ()))):
            if count % _AT_ONCE == _AT_ONCE - 1:
                yield
            task = self._tables.tasks.get(task_id)
            if task is not None and task.state == "pending":
                self._came(task)

    def close(self) -> None:
        """Stop watching."""
        self._tables.observers.remove(self._observe)

    @property
    def backlog(self) -> int:
        """How many tasks were not tried yet."""
        return sum(map(len, self._untried.values()))

    def look_again(self) -> None:
        """There may be room for a reason that the tables do not tell."""
        self._freed += 1

    def try_again(self, ids: Iterable[str]) -> None:
        """Of these tasks, those that are still pending were not tried after all."""
        for task_id in ids:
            task = self._tables.tasks.get(task_id)
            if task is not None and task.state == "pending":
                self._untried.setdefault(_group(task), {})[task_id] = None

    def take(self, now_ms: int, *, most: int, measured: bool = False) -> list[Task]:
        """The tasks to plan now, ``most`` of them, and those for which room is made; they count as tried from here on.

        ``measured``: what is measured between nodes may have changed.
        """
        self._end_of_waits(now_ms)
        self._follow_changes(measured=measured)
        taken: dict[str, Task] = {}
        returns = Returns(self._tables)
        for group in list(self._untried):
            ids = self._untried[group]
            for task_id in list(islice(ids, most - len(taken))):
                del ids[task_id]
                task = self._tables.tasks[task_id]
                if _start_ms(task, returns) > now_ms:  # it may have to wait again: a node that was lost is back
                    self._timed[task_id] = None
                elif may_be_placed(self._tables, task):
                    taken[task_id] = task
            if not ids:
                del self._untried[group]
            if len(taken) >= most:
                break
        if taken:
            taken |= {task_id: self._tables.tasks[task_id] for task_id in self._nominated}
        return list(taken.values())

    @property
    def is_any_due(self) -> bool:
        """Whether something is to be tried that only changes of the tables, and no moment, made due."""
        return bool(self._untried) or any(self._tried[group] != self._stamp(group) for group in self._groups)

    def next_start_ms(self, now_ms: int) -> int | None:
        """When the next task has waited long enough, or None."""
        returns = Returns(self._tables)
        starts = (_start_ms(self._tables.tasks[task_id], returns) for task_id in self._timed)
        return min((at_ms for at_ms in starts if at_ms > now_ms), default=None)

    # What is due

    def _end_of_waits(self, now_ms: int) -> None:
        returns = Returns(self._tables)
        over = [i for i in self._timed if _start_ms(self._tables.tasks[i], returns) <= now_ms]
        for task_id in over:
            del self._timed[task_id]
        self.try_again(over)

    def _follow_changes(self, *, measured: bool) -> None:
        for group, ids in self._groups.items():
            stamp = self._stamp(group)
            if self._tried[group] != stamp or (measured and group[0] in self._mind_others):
                self._tried[group] = stamp
                self._untried[group] = dict(ids)

    def _stamp(self, group: Group) -> _Stamp:
        moved = self._moved if group[0] in self._mind_others else 0
        return _Stamp(self._freed, moved, self._tables.settings.revision)

    @property
    def _mind_others(self) -> frozenset[str]:
        """The services whose tasks may fit because one of another service has come."""
        if self._minding is None:
            self._minding = frozenset(_that_mind_others(self._tables))
        return self._minding

    # As the tables change

    def _observe(self, table: str, old: Row | None, new: Row | None) -> None:
        row = new if new is not None else old
        if isinstance(row, Task):
            self._task_changed(row, old if isinstance(old, Task) else None, new if isinstance(new, Task) else None)
        elif isinstance(row, Service):
            self._moved += 1
            self._minding = None
            group = (row.id, row.version)
            if group in self._groups:
                self._untried[group] = dict(self._groups[group])
        elif not isinstance(row, Event):
            self._freed += 1

    def _task_changed(self, row: Task, old: Task | None, new: Task | None) -> None:
        if old is not None and new is not None and counts_alike(old, new):
            self._note_nomination(new)
            return
        if old is not None and old.state == "pending" and (new is None or new.state != "pending"):
            self._went(old)
        if new is not None and new.state == "pending":
            self._came(new) if old is None else self._note_nomination(new)
        if row.node is not None:
            self._moved += 1
            if old is not None and not old.ended and (new is None or new.ended):
                self._freed += 1

    def _came(self, task: Task) -> None:
        group = _group(task)
        if group not in self._groups:
            self._groups[group] = {}
            self._tried[group] = self._stamp(group)
        self._groups[group][task.id] = None
        self._untried.setdefault(group, {})[task.id] = None
        if task.not_before_ms or task.replaces is not None:
            self._timed[task.id] = None
        self._note_nomination(task)

    def _went(self, task: Task) -> None:
        group = _group(task)
        self._timed.pop(task.id, None)
        self._nominated.pop(task.id, None)
        for index in (self._groups, self._untried):
            ids = index.get(group)
            if ids is not None:
                ids.pop(task.id, None)
                if not ids:
                    del index[group]
        if group not in self._groups:
            self._tried.pop(group, None)

    def _note_nomination(self, task: Task) -> None:
        if task.state == "pending" and isinstance(task.nominated, str):
            self._nominated[task.id] = None
        else:
            self._nominated.pop(task.id, None)


def _group(task: Task) -> Group:
    return task.service_id, task.version


def _start_ms(task: Task, returns: Returns) -> int:
    """When a task may be placed: it may back off, or its predecessor's node may be back soon."""
    return task.not_before_ms if task.replaces is None else max(task.not_before_ms, returns.until_ms(task))


def _that_mind_others(tables: Tables) -> Iterator[str]:
    for service in tables.services.values():
        spec = service.spec
        if spec.near or spec.dependencies:
            yield service.id
        for each in spec.dependencies:
            target = called(tables, each.service, spec.app)
            if target is not None:
                yield target
