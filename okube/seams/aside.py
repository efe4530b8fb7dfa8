"""A thread that works beside the loop, one thing after the other, with as little between the two as there can be.

A thread pool makes a future with a lock of its own for each call, chains it to one of asyncio's, and keeps count of
idle threads: much for a sync of the journal, of which there are hundreds a second.
"""

import asyncio
import contextlib
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

__all__ = ["Aside"]

_Work = Callable[[], None]
_Done = asyncio.Future[None]


class Aside:
    """One thread, from the first ``run`` to ``close``."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[tuple[_Work, _Done] | None] = SimpleQueue()
        self._thread: Thread | None = None

    def run(self, work: _Work) -> _Done:
        """Begin ``work`` after all that was begun before; done when it is, or with the error that it raised.

        It is carried out also where the future is cancelled.
        """
        if self._thread is None:
            self._thread = Thread(target=self._serve, name=self._name, daemon=True)
            self._thread.start()
        done: _Done = asyncio.get_running_loop().create_future()
        self._jobs.put((work, done))
        return done

    def close(self) -> None:
        """Wait until all that was begun is done."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            work, done = job
            error: BaseException | None = None
            try:
                work()
            except BaseException as raised:
                error = raised
            _tell(done, error)
            del job, work, done, error  # nothing of it stays while this thread waits for the next


def _tell(done: _Done, error: BaseException | None) -> None:
    with contextlib.suppress(RuntimeError):  # its loop is closed, and nobody waits any more
        done.get_loop().call_soon_threadsafe(_settle, done, error)


def _settle(done: _Done, error: BaseException | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
