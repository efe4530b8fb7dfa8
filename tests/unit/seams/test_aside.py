import asyncio
import threading

import pytest

from okube.seams.aside import Aside


async def test_work_is_done_in_order_in_one_thread_that_is_not_the_loop_s() -> None:
    aside, seen = Aside("okube-test"), list[tuple[int, str]]()

    def work(number: int) -> None:
        seen.append((number, threading.current_thread().name))

    await asyncio.gather(*(aside.run(lambda number=number: work(number)) for number in range(5)))  # type: ignore[misc]
    assert seen == [(number, "okube-test") for number in range(5)]
    aside.close()


async def test_an_error_reaches_who_waits_and_the_thread_goes_on() -> None:
    aside = Aside("okube-test")

    def fail() -> None:
        raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        await aside.run(fail)
    await aside.run(lambda: None)
    aside.close()


async def test_work_goes_on_where_who_waits_for_it_is_cancelled() -> None:
    aside, go, done = Aside("okube-test"), threading.Event(), list[str]()

    def work() -> None:
        go.wait()
        done.append("first")

    waiting = asyncio.create_task(_wait_for(aside.run(work)))
    await asyncio.sleep(0)
    waiting.cancel()
    go.set()
    await aside.run(lambda: done.append("second"))
    assert done == ["first", "second"]
    with pytest.raises(asyncio.CancelledError):
        await waiting
    aside.close()


def test_work_whose_loop_is_gone_is_done_all_the_same() -> None:
    aside, go, done = Aside("okube-test"), threading.Event(), list[str]()

    def work() -> None:
        go.wait()
        done.append("it")

    async def begin() -> None:
        aside.run(work)

    asyncio.run(begin())
    go.set()
    aside.close()
    assert done == ["it"]


async def _wait_for(done: "asyncio.Future[None]") -> None:
    await done
