"""How far a service is: sums over its tasks, kept as they come, change and go."""

from typing import NamedTuple

from okube.model.endings import is_finished
from okube.model.spec import ServiceSpec
from okube.model.task import ENDED, Task

__all__ = ["Progress", "ServiceSums"]


class ServiceSums(NamedTuple):
    """What a service's view says beside its row; ``done`` and ``failed`` are of its newest version, of ``total``."""

    running: int
    done: int
    failed: int
    total: int


class Progress:
    """Of one service: how many tasks there are, serve or cannot, and which slots are done with its newest version.

    A slot is done when its task of the newest version is ready, or has ended by its own policy; it has failed where
    that end was no success.
    """

    __slots__ = ("_done", "_failed", "active", "running", "troubled", "version")

    def __init__(self, version: int) -> None:
        self.version = version
        self.running = 0
        self.active = 0  # tasks that have not ended
        self.troubled = 0  # tasks that should serve, and that something stands in the way of
        self._done: dict[int, int] = {}  # slot → how many of its tasks say so
        self._failed: dict[int, int] = {}

    @property
    def done(self) -> int:
        """How many slots are done."""
        return len(self._done)

    @property
    def failed(self) -> int:
        """How many of them have failed for good."""
        return len(self._failed)

    def new_version(self, version: int) -> None:
        """Nothing is done with a version that is new."""
        self.version = version
        self._done, self._failed = {}, {}

    def add(self, task: Task, spec: ServiceSpec) -> None:
        """Count a task in; ``spec`` is the one that it was made from."""
        if task.state == "pending" and task.reason is None:
            self.active += 1
            return
        self.active += not task.ended
        self.running += _serves(task)
        self.troubled += _is_troubled(task)
        if self._counts(task, spec):
            self._done[task.slot] = self._done.get(task.slot, 0) + 1
            if task.state == "failed":
                self._failed[task.slot] = self._failed.get(task.slot, 0) + 1

    def remove(self, task: Task, spec: ServiceSpec) -> None:
        """Count a task out."""
        self.active -= not task.ended
        self.running -= _serves(task)
        self.troubled -= _is_troubled(task)
        if self._counts(task, spec):
            _one_less(self._done, task.slot)
            if task.state == "failed":
                _one_less(self._failed, task.slot)

    def change(self, old: Task, new: Task, spec: ServiceSpec) -> None:
        """The same as to count one row of a task out and the next one in; most changes touch no sum at all."""
        if old.state in ENDED or new.state in ENDED:
            self.remove(old, spec)
            self.add(new, spec)
            return
        if old.state != "scheduled" or new.state != "scheduled":
            self.troubled += _is_troubled(new) - _is_troubled(old)
        serves = _serves(new)
        if serves == _serves(old):
            return
        self.running += 1 if serves else -1
        if new.version == self.version:
            if serves:
                self._done[new.slot] = self._done.get(new.slot, 0) + 1
            else:
                _one_less(self._done, new.slot)

    def _counts(self, task: Task, spec: ServiceSpec) -> bool:
        return task.version == self.version and (_serves(task) or (task.ended and is_finished(task, spec)))


def _one_less(counts: dict[int, int], slot: int) -> None:
    counts[slot] -= 1
    if not counts[slot]:
        del counts[slot]


def _serves(task: Task) -> bool:
    return task.ready and task.state == "running"


def _is_troubled(task: Task) -> bool:
    """It fits nowhere or backs off; it restarts, or is on a node that is down."""
    if task.desired != "run":
        return False
    return (task.state == "pending" and task.reason is not None) or (task.state == "running" and not task.ready)
