"""Whether what was asked for has come about: a plain judgement of what the API shows of a service."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from okube.model.task import ENDED

__all__ = ["Verdict", "describe_tasks", "judge"]

Row = dict[str, Any]

_OWN_END = frozenset({"exit-code", "signal", "out-of-memory"})
_NO_START = frozenset({"image-pull", "start-failed", "port-conflict", "volume-missing"})
_MOVED = frozenset({"stopped", "drained", "node-lost", "preempted"})  # no task of a global service has to follow
_SHOWN = 3  # names in a line that stands for many tasks


class Verdict(msgspec.Struct, frozen=True):
    """How far a service is.

    ``hopeless`` are sentences on tasks that have failed and that nothing will try again; ``troubles`` on tasks that are
    held up.
    """

    name: str
    settled: int
    total: int
    leaving: int = 0
    hopeless: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()

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
        return f"{self.name}: {self.settled} of {self.total} ready{still}"


def judge(service: Row, tasks: Sequence[Row]) -> Verdict:
    """The verdict on one service.

    Args:
        service: as the API shows it.
        tasks: all of its tasks, those that have ended too.
    """
    version, total = service.get("version"), _total(service, tasks)
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
        if _is_settled(newest):
            settled += 1
        elif _is_hopeless(newest):
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
    )


def describe_tasks(tasks: Iterable[Row]) -> tuple[str, ...]:
    """A sentence for each kind of trouble: ``web.1, web.2 and 5 more pending: no node fits: …``."""
    groups: dict[str, list[str]] = {}
    for task in tasks:
        groups.setdefault(_trouble(task), []).append(str(task.get("name") or task.get("id")))
    return tuple(f"{_names(names)} {trouble}" for trouble, names in groups.items())


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


def _is_settled(task: Row) -> bool:
    if task.get("state") == "completed":
        return task.get("reason") == "exited" and task.get("restart_policy") != "always"
    return task.get("state") == "running" and bool(task.get("ready"))


def _is_hopeless(task: Row) -> bool:
    """It failed, and by its policy no other task will take its slot."""
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


def _trouble(task: Row) -> str:
    state, reason, message = task.get("state"), task.get("reason"), str(task.get("message") or "")
    word = "not ready" if state == "running" and not task.get("ready") else str(state)
    if task.get("desired") == "stop" and state not in ENDED:
        word = "stopping"
    parts = [str(part) for part in (reason if state == "failed" else None, message) if part]
    if state == "failed" and reason == "exit-code" and not message:
        parts.append(str(task.get("exit_code")))
    if len(parts) > 1 and parts[1].replace(" ", "-").startswith(parts[0]):
        parts = parts[1:]
    return ": ".join([word, *parts])


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
