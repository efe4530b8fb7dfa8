"""What a leader has proposed, and who waits for it."""

import asyncio
from collections.abc import Callable
from typing import Any

from pysyncobj.config import FAIL_REASON

from okube.raft.errors import ApplyFailed, OutcomeUnknown

__all__ = ["Proposals", "Told"]

Told = Callable[[Any, int], None]
"""Called with what applying an entry returned, and with pysyncobj's reason where it was not applied."""


class Proposals:
    """By the index of the entry. What is in flight when leadership is lost ends with ``OutcomeUnknown``."""

    def __init__(self) -> None:
        self._waiting: dict[int, asyncio.Future[Any]] = {}

    def add(self, append: Callable[[Told], int]) -> "tuple[int, asyncio.Future[Any]]":
        """Propose by ``append``, which returns the index of the entry, and tells later what came of it."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        index = append(lambda result, reason: self._resolve(index, result, reason))
        self._waiting[index] = future
        return index, future

    def leadership_changed(self, term: int | None) -> None:
        """This member leads in a term, or leads no longer (None)."""
        if term is not None:
            return
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(OutcomeUnknown("leadership was lost before the write was confirmed"))

    def _resolve(self, index: int, result: Any, reason: int) -> None:
        """Pysyncobj calls this when the index is applied; it must not raise, or the entry is applied again."""
        future = self._waiting.pop(index, None)
        if future is None or future.done():
            return
        if reason != FAIL_REASON.SUCCESS:
            future.set_exception(OutcomeUnknown("the leader changed before the write was confirmed"))
        elif isinstance(result, ApplyFailed):
            future.set_exception(result)
        else:
            future.set_result(result)
