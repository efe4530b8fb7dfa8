"""Commands for tasks: made, placed, stopped, reported on, ended and forgotten."""

from typing import Annotated

import msgspec

from okube.model.epoch import Epoch
from okube.model.task import Reason, TaskState

__all__ = [
    "MAX_MESSAGE",
    "CreateTasks",
    "EndTasks",
    "ForgetTasks",
    "MoveTasks",
    "PlaceTasks",
    "PreemptTasks",
    "RenewMounts",
    "ReportTasks",
    "StopTask",
    "StopTasks",
    "TaskReport",
    "TimeMs",
    "WithdrawTasks",
]

MAX_MESSAGE = 1000
TimeMs = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]  # up to the year 9999


class CreateTasks(msgspec.Struct, frozen=True, array_like=True, tag="create-tasks/1"):
    """New pending tasks of one version of one service; columns of equal length.

    A slot that already has a task that should run takes no second one (unless that one is named in ``replaces``), so
    the command may be repeated; nor does one whose task still stops.
    """

    service_id: str
    version: int
    ids: tuple[str, ...]
    slots: tuple[int, ...]
    attempts: tuple[int, ...]
    not_before_ms: tuple[int, ...]
    replaces: tuple[str | None, ...]
    pinned: tuple[str | None, ...]


class PlaceTasks(msgspec.Struct, frozen=True, array_like=True, tag="place-tasks/1"):
    """Pending tasks get their nodes and host ports; one whose node takes no tasks any more stays pending.

    A task with ``replaces`` fails that one (node-lost) in the same step. ``reasons`` are sentences on why tasks are
    where they are, each once; ``reason_of`` has the index of its sentence for each task.

    With ``planned_in``, the epoch of who planned it, all of it is checked again: nothing is placed where another leader
    has begun meanwhile, and a task for which its node has no room any more stays pending.
    """

    ids: tuple[str, ...]
    nodes: tuple[str, ...]
    host_ports: tuple[tuple[int, ...], ...]
    reasons: tuple[str, ...] = ()
    reason_of: tuple[int, ...] = ()
    planned_in: Epoch | None = None

    def reason(self, number: int) -> str:
        """Why the task at this place is where it is; empty where it is not said."""
        if not 0 <= number < len(self.reason_of) or not 0 <= self.reason_of[number] < len(self.reasons):
            return ""
        return self.reasons[self.reason_of[number]]


class PreemptTasks(msgspec.Struct, frozen=True, array_like=True, tag="preempt-tasks/1"):
    """Tasks stop for pending ones of higher priority, each for the one at its place in ``winners``."""

    ids: tuple[str, ...]
    winners: tuple[str, ...]


class WithdrawTasks(msgspec.Struct, frozen=True, array_like=True, tag="withdraw-tasks/1"):
    """Pending tasks that fit nowhere, each with the sentence that explains it."""

    ids: tuple[str, ...]
    messages: tuple[str, ...]


class MoveTasks(msgspec.Struct, frozen=True, array_like=True, tag="move-tasks/1"):
    """Tasks that run are to be replaced on other nodes, one slot of a service at a time: from, to, and why."""

    ids: tuple[str, ...]
    origins: tuple[str, ...]
    targets: tuple[str, ...]
    whys: tuple[str, ...]
    by: str = ""


class StopTasks(msgspec.Struct, frozen=True, array_like=True, tag="stop-tasks/1"):
    """Tasks should stop, and why; one that was never placed ends at once."""

    ids: tuple[str, ...]
    reason: Reason


class StopTask(msgspec.Struct, frozen=True, array_like=True, tag="stop-task/1"):
    """One task should stop, by id, unique prefix or SERVICE.SLOT; looked up when it is applied, so a repeat is safe."""

    text: str
    if_match: int | None = None
    by: str = ""
    within: tuple[str, ...] = ()


class TaskReport(msgspec.Struct, frozen=True, array_like=True):
    """What an agent says about one task."""

    id: Annotated[str, msgspec.Meta(max_length=64)]
    state: TaskState  # scheduled (with a message on what it waits for) | running | completed | failed
    ready: bool = False
    reason: Reason | None = None
    message: Annotated[str, msgspec.Meta(max_length=MAX_MESSAGE)] = ""
    exit_code: Annotated[int, msgspec.Meta(ge=-(1 << 31), lt=1 << 32)] | None = None
    restarts: Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)] = 0
    container_id: Annotated[str, msgspec.Meta(max_length=256)] | None = None
    started_ms: TimeMs | None = None
    ended_ms: TimeMs | None = None


class ReportTasks(msgspec.Struct, frozen=True, array_like=True, tag="report-tasks/1"):
    """What an agent says about its tasks; those that are not its own, or ended, are passed over."""

    node: str
    instance: str
    reports: tuple[TaskReport, ...]


class EndTasks(msgspec.Struct, frozen=True, array_like=True, tag="end-tasks/1"):
    """Tasks of nodes that will not report any more end as said (node-lost, or stopped with their service)."""

    ids: tuple[str, ...]
    state: TaskState
    reason: Reason
    message: str = ""


class ForgetTasks(msgspec.Struct, frozen=True, array_like=True, tag="forget-tasks/1"):
    """Ended tasks of services that are gone are forgotten: what is left where a service with many was removed."""

    ids: tuple[str, ...]


class RenewMounts(msgspec.Struct, frozen=True, array_like=True, tag="renew-mounts/1"):
    """Tasks that are told of rotated secrets and configs by a signal get their newest versions."""

    ids: tuple[str, ...]
