"""A task: one container, placed at most once, on one node."""

from typing import Literal

import msgspec

__all__ = ["ENDED", "KEPT_ENDED_TASKS", "Moving", "Reason", "Task", "TaskState", "is_forward"]

TaskState = Literal["pending", "scheduled", "running", "completed", "failed"]
Reason = Literal[
    "exited",
    "exit-code",
    "signal",
    "stopped",
    "out-of-memory",
    "image-pull",
    "start-failed",
    "port-conflict",
    "volume-missing",
    "unhealthy",
    "node-lost",
    "drained",
    "superseded",
    "preempted",
    "no-fit",
]

ENDED: frozenset[str] = frozenset({"completed", "failed"})
KEPT_ENDED_TASKS = 5  # a slot
_ORDER = {"pending": 0, "scheduled": 1, "running": 2, "completed": 3, "failed": 3}


def is_forward(old: str, new: str) -> bool:
    """Whether a task may go from state ``old`` to ``new``: forwards only, and an ended task stays as it is."""
    return old not in ENDED and _ORDER[new] >= _ORDER[old]


class Moving(msgspec.Struct, frozen=True, array_like=True):
    """That a task is to be replaced on another node, why, and until when that holds (milliseconds)."""

    origin: str
    target: str
    why: str
    until_ms: int


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the tasks table. Times are milliseconds since 1970, UTC; ids of nodes are instances."""

    id: str
    service_id: str
    service: str
    app: str | None = None
    slot: int
    version: int
    state: TaskState = "pending"
    desired: Literal["run", "stop"] = "run"
    stop_reason: Reason | None = None  # why it should stop; its reason once it has
    ready: bool = False
    reason: Reason | None = None
    message: str = ""
    pinned: str | None = None  # the only node it may go to (mode global)
    replaces: str | None = None  # the task on a lost node that it takes over from, in the command that places it
    node: str | None = None
    node_id: str | None = None
    placement: str = ""  # why it is on its node: what follows the node's name in a sentence
    host_ports: tuple[int, ...] = ()  # in the order of the spec's ports
    container_id: str | None = None
    exit_code: int | None = None
    restarts: int = 0
    attempt: int = 0  # how many tasks of this slot before it could not start, in a row
    not_before_ms: int = 0  # back-off: not placed earlier
    created_ms: int = 0
    scheduled_ms: int | None = None
    started_ms: int | None = None
    ready_ms: int | None = None  # since when it is ready; says nothing while it is not
    ended_ms: int | None = None
    revision: int = 0
    nominated: str | msgspec.UnsetType = msgspec.UNSET  # the node on which others stop for it, while it is pending
    gave_way: str | msgspec.UnsetType = msgspec.UNSET  # a sentence: for whom it stops, or who stopped for it
    mounted: tuple[int, ...] | msgspec.UnsetType = msgspec.UNSET  # versions, in the order of the spec's all_mounts
    moving: Moving | msgspec.UnsetType = msgspec.UNSET  # where it is to go; of a pending task, where one before it was

    @property
    def name(self) -> str:
        """``SERVICE.SLOT``, as people write it."""
        return f"{self.service}.{self.slot}"

    @property
    def ended(self) -> bool:
        """Whether it is completed or failed."""
        return self.state in ENDED

    @property
    def holds_resources(self) -> bool:
        """Whether it counts on its node: placed and not ended."""
        return self.node is not None and self.state not in ENDED
