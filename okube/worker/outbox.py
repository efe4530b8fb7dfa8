"""How each task stands, and which of that no manager has confirmed yet."""

import asyncio
from collections.abc import Iterable
from itertools import islice

import msgspec

from okube.model.commands import MAX_MESSAGE, TaskReport

__all__ = ["Outbox"]


class Outbox:
    """Reports wait here until an answer confirms them; only the newest of each task counts.

    ``changed`` is set while there is something to send.
    """

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self._newest: dict[str, TaskReport] = {}
        self._confirmed: dict[str, TaskReport] = {}
        self._pending: dict[str, TaskReport] = {}

    def of(self, task_id: str) -> TaskReport | None:
        """How one task stands."""
        return self._newest.get(task_id)

    def all(self) -> tuple[TaskReport, ...]:
        """How every task stands."""
        return tuple(self._newest.values())

    def put(self, report: TaskReport) -> None:
        """A task stands like this now; what is confirmed already is not sent again."""
        if len(report.message) > MAX_MESSAGE:
            report = msgspec.structs.replace(report, message=report.message[: MAX_MESSAGE - 1] + "…")
        self._newest[report.id] = report
        if self._confirmed.get(report.id) == report:
            self._pending.pop(report.id, None)
        else:
            self._pending[report.id] = report
        self._note()

    def keep_only(self, tasks: Iterable[str]) -> None:
        """Forget all tasks but these: nobody asks for the others any more."""
        for task_id in self._newest.keys() - set(tasks):
            for table in (self._newest, self._confirmed, self._pending):
                table.pop(task_id, None)
        self._note()

    def batch(self, limit: int) -> tuple[TaskReport, ...]:
        """The next reports to send, the longest waiting first; they stay until ``confirm``.

        Once sent, what was confirmed before is in doubt: a request without an answer may have been carried out.
        """
        batch = tuple(islice(self._pending.values(), limit))
        for report in batch:
            self._confirmed.pop(report.id, None)
        return batch

    def confirm(self, batch: Iterable[TaskReport]) -> None:
        """These were committed; what changed since then stays."""
        for report in batch:
            if report.id not in self._newest:
                continue
            self._confirmed[report.id] = report
            if self._pending.get(report.id) == report:
                del self._pending[report.id]
        self._note()

    def send_all_again(self) -> None:
        """Nothing counts as confirmed: another leader may have missed it."""
        self._confirmed.clear()
        self._pending = dict(self._newest)
        self._note()

    def _note(self) -> None:
        if self._pending:
            self.changed.set()
        else:
            self.changed.clear()
