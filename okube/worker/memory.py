"""What the agent remembers of each task, beside what the runtime can tell: it survives the agent's restart."""

from typing import Literal

import msgspec

from okube.model.spec import Stop
from okube.model.task import Reason

__all__ = ["Ending", "TaskMemory"]


class Ending(msgspec.Struct, frozen=True, array_like=True):
    """How a task ended for good: what is reported from then on, whatever its container does."""

    state: Literal["completed", "failed"]
    reason: Reason
    message: str = ""
    exit_code: int | None = None
    started_ms: int | None = None
    ended_ms: int | None = None


class TaskMemory(msgspec.Struct, frozen=True, array_like=True):
    """One task's memory. New fields go to the end with a default: files outlive versions.

    Attributes:
        container_id: the container that was told to run; stored before it is, so that one that is gone is missed.
        stop: signal and grace, for when the assignment holds the task no longer.
        restarts: how often it was started again, for whatever reason; what people see.
        failures: ends that count against ``restart.max``.
        rapid: ends in a row before it had run for 10 s; the back-off doubles with each.
        end_seen: which end of which run was counted last, so that none counts twice.
        due_ms: when it is to be started again (calendar, milliseconds); None once it runs.
        note: what people should know while it runs or waits.
        stopping: it was told to stop; stored before it is.
        ending: set once, when the task has ended for good.
        mounted: versions of the secrets and configs that its container was started with, or was told of.
    """

    container_id: str | None = None
    stop: Stop = Stop()
    restarts: int = 0
    failures: int = 0
    rapid: int = 0
    end_seen: str = ""
    due_ms: int | None = None
    note: str = ""
    stopping: bool = False
    ending: Ending | None = None
    mounted: tuple[int, ...] = ()
