"""A bounded pool of threads for calls that block, so that the loop never does."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

__all__ = ["Threads"]

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """``size`` threads at most; more calls than that wait for their turn.

    A call whose awaiting task is cancelled goes on in its thread until it returns; its result is dropped.
    """

    def __init__(self, size: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(size, thread_name_prefix=name)
        self._running: set[Future[Any]] = set()

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What ``function`` returns or raises, from a thread."""
        call = self._pool.submit(function, *args, **kwargs)
        self._running.add(call)
        call.add_done_callback(self._running.discard)
        return await asyncio.wrap_future(call)

    async def close(self, *, patience_s: float = 5.0) -> None:
        """Begin no further call, and wait for those under way; one that outlasts ``patience_s`` ends unwatched."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        under_way = [asyncio.ensure_future(_end_of(call)) for call in tuple(self._running)]
        if under_way:
            _, late = await asyncio.wait(under_way, timeout=patience_s)
            for waiting in late:
                waiting.cancel()
            if late:
                return
        self._pool.shutdown(wait=True)


async def _end_of(call: Future[Any]) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    call.add_done_callback(lambda _: loop.is_closed() or loop.call_soon_threadsafe(ended.set))
    await ended.wait()
