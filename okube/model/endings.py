"""What the end of a task means for its slot."""

from okube.model.spec import ServiceSpec
from okube.model.task import Task

__all__ = ["START_FAILURES", "is_finished"]

START_FAILURES = frozenset({"image-pull", "start-failed", "port-conflict", "volume-missing"})
"""Reasons of a task that could not start: its successor may do better elsewhere, after a pause."""

_OWN_ENDS = frozenset({"exited", "exit-code", "signal", "out-of-memory"})


def is_finished(task: Task, spec: ServiceSpec) -> bool:
    """Whether an ended task ended by its own policy, so that its slot is done and not filled again."""
    if task.reason in START_FAILURES:
        return spec.restart.policy == "never"
    return task.reason in _OWN_ENDS and spec.restart.policy != "always"
