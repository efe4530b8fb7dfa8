"""The steps that the planner asks for and the runner takes: at most one at a time for each task."""

import msgspec

from okube.model.spec import Stop
from okube.model.wire import AssignedTask

__all__ = ["Action", "Remove", "Renew", "Restart", "Start", "StopContainer"]


class Start(msgspec.Struct, frozen=True):
    """Prepare, create and run; each is passed over where it is done already."""

    task: AssignedTask


class Restart(msgspec.Struct, frozen=True):
    """Run the task's own exited container again."""

    task: AssignedTask
    container_id: str


class Renew(msgspec.Struct, frozen=True):
    """Give a running container the other versions of its secrets and configs that it has now, and tell it by signals.

    It may be taken twice where the agent ends in between: then the signals come twice.
    """

    task: AssignedTask
    container_id: str
    signals: tuple[str, ...]


class StopContainer(msgspec.Struct, frozen=True):
    """End a running container: signal, grace, SIGKILL."""

    task_id: str
    container_id: str
    stop: Stop


class Remove(msgspec.Struct, frozen=True):
    """Remove a container that does not run, with its logs."""

    task_id: str
    container_id: str


Action = Start | Restart | Renew | StopContainer | Remove
