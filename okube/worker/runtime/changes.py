"""Who wants to know that a task's container may have changed, and telling them."""

import asyncio
import weakref
from collections.abc import AsyncIterator

__all__ = ["Changes", "Listener"]


class Listener(AsyncIterator[str]):
    """Ids of tasks, each once however often it changed since it was last read; so it holds at most one a task."""

    def __init__(self, only: str | None) -> None:
        self._only = only
        self._pending: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._closed = False

    def tell(self, task_id: str) -> None:
        """Something happened to this task's container."""
        if self._only in (None, task_id):
            self._pending[task_id] = None
            self._wake.set()

    def close(self) -> None:
        """No more will come: the iteration ends once what is pending was read."""
        self._closed = True
        self._wake.set()

    def __aiter__(self) -> "Listener":
        return self

    async def __anext__(self) -> str:
        while not self._pending:
            if self._closed:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        task_id = next(iter(self._pending))
        del self._pending[task_id]
        return task_id

    async def within(self, seconds: float) -> bool:
        """Whether something came in ``seconds``; takes it."""
        try:
            async with asyncio.timeout(seconds):
                await anext(self)
        except (TimeoutError, StopAsyncIteration):
            return False
        return True


class Changes:
    """Hands each change to every listener; a listener that nobody holds any more is forgotten."""

    def __init__(self) -> None:
        self._listeners: weakref.WeakSet[Listener] = weakref.WeakSet()
        self._closed = False

    def listen(self, only: str | None = None) -> Listener:
        """A listener from now on, for all tasks or one."""
        listener = Listener(only)
        self._listeners.add(listener)
        if self._closed:
            listener.close()
        return listener

    def publish(self, task_id: str) -> None:
        """Tell all listeners."""
        for listener in list(self._listeners):
            listener.tell(task_id)

    def close(self) -> None:
        """End every iteration, those to come as well."""
        self._closed = True
        for listener in list(self._listeners):
            listener.close()
