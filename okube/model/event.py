"""An event: one line of the cluster's story."""

from typing import Literal, get_args

import msgspec

__all__ = [
    "EVENT_KINDS",
    "EVENT_LEVELS",
    "KEPT_EVENTS",
    "Event",
    "EventKind",
    "Level",
    "SubjectKind",
]

Level = Literal["info", "warning", "error"]
SubjectKind = Literal["service", "task", "node", "manager", "cluster", "user", "secret", "config"]
EventKind = Literal[
    "task-running",
    "task-restarted",
    "task-stopped",
    "task-completed",
    "task-failed",
    "task-lost",
    "task-preempted",
    "task-moves",
    "task-preempts",
    "no-fit",
    "service-created",
    "service-changed",
    "service-scaled",
    "service-stopped",
    "service-started",
    "service-restarted",
    "service-rolled-back",
    "service-removed",
    "node-joined",
    "node-down",
    "node-ready",
    "node-cordoned",
    "node-uncordoned",
    "node-draining",
    "node-drained",
    "node-removed",
    "node-readdressed",
    "node-flapping",
    "node-condition",
    "leader-elected",
    "version-enabled",
    "scheduling-changed",
    "topology-changed",
    "quota-changed",
    "quota-removed",
    "manager-added",
    "manager-removed",
    "certificate-ends",
    "ca-changed",
    "manager-readdressed",
    "cluster-restored",
    "cluster-recovered",
    "user-created",
    "user-changed",
    "user-rotated",
    "user-removed",
    "secret-created",
    "secret-rotated",
    "secret-removed",
    "keys-rotated",
]

EVENT_KINDS: frozenset[str] = frozenset(get_args(EventKind))
EVENT_LEVELS: frozenset[str] = frozenset(get_args(Level))
KEPT_EVENTS = 2000


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the events table. Times are milliseconds since 1970, UTC.

    ``count`` says how often it happened, or to how many; ``first_ms`` and ``time_ms`` when first and last. The subject
    of what happened to many things at once is what holds them: a service, or the cluster (then it has no name).
    """

    id: str
    kind: EventKind
    level: Level = "info"
    subject_kind: SubjectKind
    subject: str = ""
    service: str | None = None
    task_id: str | None = None
    node: str | None = None
    reason: str | None = None
    message: str = ""
    by: str = ""  # who asked for it; empty: the cluster itself
    count: int = 1
    first_ms: int = 0
    time_ms: int = 0
    revision: int = 0
