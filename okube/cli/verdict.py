"""Whether what was asked for has come about: a plain judgement of what the API shows of a service."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from okube.model.task import ENDED

__all__ = ["Goal", "Verdict", "describe_tasks", "judge"]

Row = dict[str, Any]
Goal = Literal["ready", "running", "completed", "stopped"]
"""What is waited for: every task ready or completed by its policy; at least running; completed; none left."""

_OWN_END = frozenset({"exit-code", "signal", "out-of-memory"})
_NO_START = frozenset({"image-pull", "start-failed", "port-conflict", "volume-missing"})
_MOVED = frozenset({"stopped", "drained", "node-lost", "preempted"})  # no task of a global service has to follow
_SHOWN = 3  # names in a line that stands for many tasks


class Verdict(msgspec.Struct, frozen=True):
    """How far a service is.

    ``hopeless`` are sentences on tasks that have failed and that nothing will try again; ``troubles`` on tasks that are
    held up, and ``awaited`` on those and on all others that are not there yet.
    """

    name: str
    settled: int
    total: int
    leaving: int = 0
    hopeless: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    awaited: tuple[str, ...] = ()
    goal: Goal = "ready"

    @property
    def done(self) -> bool:
        """Every task is ready, or completed by its policy, and none is left that should not be."""
        return self.settled >= self.total and not self.leaving and not self.hopeless

    @property
    def summary(self) -> str:
        """``web: 2 of 3 ready``, with what is still to go."""
        if not self.total and self.leaving:
            return f"{self.name}: {self.leaving} still to stop"
        still = f", {self.leaving} still to stop" if self.leaving else ""
        return f"{self.name}: {self.settled} of {self.total} {self.goal}{still}"


def judge(service: Row, tasks: Sequence[Row], goal: Goal = "ready") -> Verdict:
    """The verdict on one service.

    Args:
        service: as the API shows it.
        tasks: all of its tasks, those that have ended too.
        goal: what every task should be.
    """
    version, total = service.get("version"), 0 if goal == "stopped" else _total(service, tasks)
    slots: dict[int, list[Row]] = {}
    leaving = []
    for task in sorted(tasks, key=_order):
        current = task.get("version") == version and task.get("desired", "run") == "run"
        if current and total:
            slots.setdefault(_slot(task), []).append(task)
        elif task.get("state") not in ENDED:
            leaving.append(task)
    live = sum(history[-1].get("state") not in ENDED for history in slots.values())
    settled = 0
    hopeless: list[Row] = []
    held: list[Row] = []
    for history in slots.values():
        newest = history[-1]
        if _is_settled(newest, goal):
            settled += 1
        elif _is_hopeless(newest, goal):
            hopeless.append(newest)
        else:
            held.append(_telling(history))
    return Verdict(
        name=str(service.get("name")),
        settled=min(settled, total),
        total=total,
        leaving=len(leaving) + max(0, live - total),  # after a scale-down some are not yet told to stop
        hopeless=describe_tasks(hopeless),
        troubles=describe_tasks(task for task in (*held, *leaving) if _says(task)),
        awaited=describe_tasks((*held, *leaving)),
        goal=goal,
    )


def describe_tasks(tasks: Iterable[Row]) -> tuple[str, ...]:
    """A sentence for each kind of trouble: ``web.1, web.2 and 5 more pending: no node fits: …``."""
    groups: dict[str, list[Row]] = {}
    for task in tasks:
        groups.setdefault(_trouble(task), []).append(task)
    return tuple(_told(group, trouble) for trouble, group in groups.items())


def _told(tasks: Sequence[Row], trouble: str) -> str:
    names = [str(task.get("name") or task.get("id")) for task in tasks]
    return f"{_names(names)} {trouble if len(tasks) > 1 else _trouble(tasks[0], where=True)}"


def _total(service: Row, tasks: Sequence[Row]) -> int:
    if service.get("stopped"):
        return 0
    if service.get("mode") == "global":
        return _total_of_global(tasks)
    update = service.get("update")
    total = update.get("total") if isinstance(update, dict) else None
    if not isinstance(total, int):
        total = service.get("replicas")
    return total if isinstance(total, int) else 0


def _total_of_global(tasks: Sequence[Row]) -> int:
    """One for each node that has, had, or is about to get a task; 1 while the leader has not looked at it."""
    newest = {_slot(task): task for task in sorted(tasks, key=_order)}
    return max(1, sum(t.get("state") not in ENDED or t.get("reason") not in _MOVED for t in newest.values()))


def _order(task: Row) -> tuple[int, int, str]:
    return (_slot(task), 0 if task.get("state") in ENDED else 1, str(task.get("created_at")))


def _slot(task: Row) -> int:
    slot = task.get("slot")
    return slot if isinstance(slot, int) else 0


def _is_settled(task: Row, goal: Goal) -> bool:
    if task.get("state") == "completed":
        return goal != "stopped" and task.get("reason") == "exited" and task.get("restart_policy") != "always"
    is_running = task.get("state") == "running"
    return (goal == "ready" and is_running and bool(task.get("ready"))) or (goal == "running" and is_running)


def _is_hopeless(task: Row, goal: Goal) -> bool:
    """It failed, and by its policy no other task will take its slot; or it always restarts, and never completes."""
    if goal == "completed" and task.get("state") == "running" and task.get("restart_policy") == "always":
        return True
    if task.get("state") != "failed":
        return False
    reason, policy = task.get("reason"), task.get("restart_policy")
    if policy == "never":
        return reason in _OWN_END or reason in _NO_START
    return policy == "on-failure" and reason in _OWN_END


def _telling(history: Sequence[Row]) -> Row:
    """The task that says most about a slot: the newest, or while it says nothing the one that failed before it."""
    newest = history[-1]
    if newest.get("message") or newest.get("state") == "running" or len(history) == 1:
        return newest
    return history[-2] if history[-2].get("state") == "failed" else newest


def _says(task: Row) -> bool:
    return bool(task.get("message")) or task.get("state") == "failed"


def _trouble(task: Row, *, where: bool = False) -> str:
    state, reason, message = task.get("state"), task.get("reason"), str(task.get("message") or "")
    parts = [str(part) for part in (reason if state == "failed" else None, message) if part]
    if state == "failed" and reason == "exit-code" and not message:
        parts.append(str(task.get("exit_code")))
    if len(parts) > 1 and parts[1].replace(" ", "-").startswith(parts[0]):
        parts = parts[1:]
    return ": ".join([_doing(task, where=where), *parts])


def _doing(task: Row, *, where: bool) -> str:
    """What a task is at."""
    state, node = str(task.get("state")), f" on {task['node']}" if where and task.get("node") else ""
    if state in ENDED:
        return state
    if task.get("desired") == "stop":
        return f"stopping{node}"
    if state == "scheduled":
        return f"starting{node}"
    if state == "running":
        return f"running{node}" if task.get("ready") else f"not ready{node}"
    return state if task.get("message") else "waiting for a node"


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
