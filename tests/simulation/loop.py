"""An event loop without a clock of its own: when nothing is ready, time jumps to the next timer.

It also knows processes, so that one of many in the same loop can be killed: whatever is started within one (tasks,
timers, and all that they start) belongs to it by its context variables.
"""

import asyncio
import contextvars
import heapq
from asyncio import base_events
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

__all__ = ["Process", "Stuck", "VirtualLoop", "run_virtual", "running_process", "virtual_loop"]

T = TypeVar("T")


class Stuck(Exception):
    """Everything waits and no timer is set: nothing will ever happen again."""


class Process:
    """A life of a simulated process. When it is killed its tasks are cancelled and it gets no timers any more.

    What they do while they unwind must have no effect: links and disks of a dead process do nothing.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.paused_until = 0.0
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self._context = contextvars.copy_context()
        self._context.run(_PROCESS.set, self)

    def start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run a coroutine as a part of this process."""
        return asyncio.get_running_loop().create_task(work, context=self.context())

    def context(self) -> contextvars.Context:
        """A context in which whatever is started belongs to this process."""
        return self._context.copy()

    def pause(self, until: float) -> None:
        """Stop it for a while, as SIGSTOP does; its timers that ran out meanwhile fire then."""
        self.paused_until = until
        virtual_loop().delay_timers(self, until)

    def kill(self) -> None:
        """End it at once, as SIGKILL does."""
        self.alive = False
        virtual_loop().drop_timers(self)
        for task in list(self.tasks):
            task.cancel()


_PROCESS: contextvars.ContextVar[Process | None] = contextvars.ContextVar("process", default=None)


class _Jump:
    """Stands where a loop has its selector: there is no I/O, and to wait is to move the clock."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise Stuck
        self._loop.now += timeout
        return []


class VirtualLoop(base_events.BaseEventLoop):
    """Deterministic: callbacks run in the order in which they were scheduled, timers in the order of their time."""

    _scheduled: list[asyncio.TimerHandle]

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self._selector = _Jump(self)
        self._clock_resolution = 1e-9
        self.set_task_factory(_make_task)

    def time(self) -> float:
        """Virtual seconds."""
        return self.now

    def call_at(  # type: ignore[override]  # the same but for the variadic generics of its arguments
        self, when: float, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        """As ever, but a dead process gets a timer that never fires."""
        process = (context or contextvars.copy_context()).get(_PROCESS)
        when = max(when, process.paused_until) if process is not None else when
        handle = super().call_at(when, callback, *args, context=context)
        if process is not None and not process.alive:
            handle.cancel()
        return handle

    def delay_timers(self, process: Process, until: float) -> None:
        """No timer of this process fires before then."""
        for handle in self._scheduled:
            if _process_of(handle) is process and handle._when < until:  # type: ignore[attr-defined]
                handle._when = until  # type: ignore[attr-defined]
        heapq.heapify(self._scheduled)

    def drop_timers(self, process: Process) -> None:
        """No timer of this process fires any more."""
        for handle in list(self._scheduled):
            if _process_of(handle) is process:
                handle.cancel()

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        """Threads have no place here; the disk is simulated."""
        raise AssertionError(f"{func} would run in a thread")

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass


def _process_of(handle: asyncio.Handle) -> Process | None:
    context: contextvars.Context = handle._context  # type: ignore[attr-defined]  # asyncio has no accessor for it
    return context.get(_PROCESS)


def _make_task(
    loop: asyncio.AbstractEventLoop, work: Any, context: contextvars.Context | None = None
) -> "asyncio.Task[Any]":
    task = asyncio.Task(work, loop=loop, context=context)
    process = _PROCESS.get() if context is None else context.get(_PROCESS)
    if process is not None:
        process.tasks[task] = None
        task.add_done_callback(lambda done: process.tasks.pop(done, None))
        if not process.alive:
            task.cancel()
    return task


def running_process() -> Process | None:
    """The process that the running code is a part of."""
    return _PROCESS.get()


def virtual_loop() -> VirtualLoop:
    """The running loop, which must be a virtual one."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a virtual loop; tasks that it leaves behind are cancelled."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
