"""Futures that wait for an index to be applied, or for anything about the leadership to change."""

import asyncio
import heapq
import itertools

__all__ = ["AppliedWaits", "ChangeWaits"]


class AppliedWaits:
    """Who waits for which index."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def add(self, index: int) -> asyncio.Future[None]:
        """A future that is done when ``index`` is applied."""
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._heap, (index, next(self._order), future))
        return future

    def applied(self, index: int) -> None:
        """Everything up to ``index`` is applied."""
        while self._heap and self._heap[0][0] <= index:
            future = heapq.heappop(self._heap)[2]
            if not future.done():
                future.set_result(None)

    def fail(self, error: Exception) -> None:
        """Nothing will be applied any more."""
        for _, _, future in self._heap:
            if not future.done():
                future.set_exception(error)
        self._heap.clear()


class ChangeWaits:
    """Who waits for the next change of role, term, leader or readiness."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[None], None] = {}

    async def next(self, timeout_s: float) -> None:
        """Return after the next change, or after ``timeout_s``."""
        future = asyncio.get_running_loop().create_future()
        self._waiting[future] = None
        try:
            await asyncio.wait([future], timeout=timeout_s)
        finally:
            self._waiting.pop(future, None)

    def changed(self) -> None:
        """Something changed."""
        waiting, self._waiting = self._waiting, {}
        for future in waiting:
            if not future.done():
                future.set_result(None)
