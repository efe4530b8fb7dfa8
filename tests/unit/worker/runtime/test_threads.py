import asyncio
import threading

import pytest

from okube.worker.runtime.threads import Threads


async def test_a_call_returns_or_raises_from_a_thread_of_the_pool() -> None:
    threads = Threads(2, "pool")
    assert (await threads.run(lambda: threading.current_thread().name)).startswith("pool")
    with pytest.raises(ZeroDivisionError):
        await threads.run(divmod, 1, 0)
    await threads.close()


async def test_no_more_calls_run_at_a_time_than_there_are_threads() -> None:
    threads = Threads(2, "pool")
    running: list[int] = []
    most: list[int] = []
    lock, both = threading.Lock(), threading.Barrier(2)

    def call() -> None:
        with lock:
            running.append(1)
            most.append(len(running))
        both.wait(30)
        with lock:
            running.pop()

    await asyncio.gather(*(threads.run(call) for _ in range(6)))
    await threads.close()
    assert max(most) == 2


async def test_closing_waits_for_a_call_that_nobody_awaits_any_more() -> None:
    threads = Threads(1, "pool")
    begun, go, ended = threading.Event(), threading.Event(), threading.Event()

    def call() -> None:
        begun.set()
        go.wait(30)
        ended.set()

    waiting = asyncio.create_task(threads.run(call))
    await asyncio.to_thread(begun.wait, 30)
    waiting.cancel()
    closing = asyncio.create_task(threads.close(patience_s=30))
    await asyncio.sleep(0)
    go.set()
    await closing
    assert ended.is_set()


async def test_a_call_that_hangs_does_not_hold_up_closing() -> None:
    threads = Threads(1, "pool")
    begun, go = threading.Event(), threading.Event()

    def call() -> None:
        begun.set()
        go.wait(30)

    waiting = asyncio.create_task(threads.run(call))
    await asyncio.to_thread(begun.wait, 30)
    await threads.close(patience_s=0.01)
    assert not waiting.done()
    go.set()
    await waiting


async def test_closing_twice_is_no_error() -> None:
    threads = Threads(1, "pool")
    await threads.close()
    await threads.close()
