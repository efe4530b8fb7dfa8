"""What a rehearsal has come to, slot by slot: tasks that begin, move, are replaced, stop, or find no place. Pure."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from okube.manager.rehearsal import Rehearsal
from okube.model.foresight_views import PlannedTaskView, Step
from okube.model.task import Task

__all__ = ["Outcome", "outcomes", "unplaced_of"]


class Outcome(NamedTuple):
    """A slot before and after; None where it has no task that should run."""

    service_id: str
    before: Task | None
    after: Task | None
    left: Task | None  # the task before, as it was seen last

    @property
    def service(self) -> str:
        """The service's name."""
        row = self.after or self.before
        return "" if row is None else row.service

    @property
    def step(self) -> Step | None:
        """What that amounts to; None for nothing."""
        before, after = self.before, self.after
        if after is None:
            return None if before is None else "stop"
        if after.node is None:
            return "wait"
        if before is None or before.node is None:
            return "start"
        if before.id == after.id:
            return None
        return "replace" if before.node == after.node else "move"

    def view(self) -> PlannedTaskView:
        """As people see it."""
        row = self.after or self.before
        step = self.step
        assert row is not None
        assert step is not None
        return PlannedTaskView(
            name=row.name,
            service=row.service,
            app=row.app,
            step=step,
            origin=None if self.before is None else self.before.node,
            node=None if self.after is None else self.after.node,
            why="" if self.after is None else self.after.message if step == "wait" else self.after.placement,
            message=_farewell(self.left),
        )


def outcomes(rehearsal: Rehearsal) -> Iterator[Outcome]:
    """Of every slot in which a task begins, ends, moves or loses its place since the rehearsal began, by name."""
    tables, changed = rehearsal.tables, rehearsal.first
    slots: dict[tuple[str, int, str], list[str]] = {}
    for task_id, row in rehearsal.last.items():
        slots.setdefault((row.service, row.slot, row.service_id), []).append(task_id)
    for (_, slot, service_id), ids in sorted(slots.items()):
        living = [tables.tasks[task_id] for task_id in tables.living_in_slot.tasks(service_id, slot)]
        there = [task for task in living if task.id not in changed]
        before = _placed_first([*there, *(row for row in map(changed.__getitem__, ids) if row is not None)])
        after = _waiting_first(living) or _finished(tables.tasks.get(task_id) for task_id in ids)
        outcome = Outcome(service_id, before, after, before and rehearsal.last.get(before.id))
        if outcome.step is not None and not _waits_as_before(outcome):
            yield outcome


def unplaced_of(rehearsal: Rehearsal, service_id: str) -> Iterator[Outcome]:
    """The slots of a service that have no place at the end, as they may have had none before."""
    for task in rehearsal.tables.tasks_of(service_id):
        if task.state == "pending" and task.desired == "run":
            yield Outcome(service_id, None, task, None)


def _placed_first(rows: Iterable[Task]) -> Task | None:
    """The task that stands for a slot while another may be on its way."""
    return max(_wanted(rows), key=lambda row: (row.ready, row.node is not None, row.created_ms), default=None)


def _waiting_first(rows: Iterable[Task]) -> Task | None:
    """The task that a slot is to have: one that waits to take over from another comes before that."""
    return max(_wanted(rows), key=lambda row: (row.node is None, row.created_ms), default=None)


def _finished(rows: Iterable[Task | None]) -> Task | None:
    """The task of a job that has begun and come to its end, so that others could begin."""
    return next((row for row in rows if row is not None and row.state == "completed" and row.stop_reason is None), None)


def _wanted(rows: Iterable[Task]) -> list[Task]:
    return [row for row in rows if not row.ended and row.desired == "run"]


def _waits_as_before(outcome: Outcome) -> bool:
    before, after = outcome.before, outcome.after
    return before is not None and after is not None and before.id == after.id and before.node == after.node


def _farewell(left: Task | None) -> str:
    if left is None:
        return ""
    return left.gave_way if left.stop_reason == "preempted" and isinstance(left.gave_way, str) else ""
