import asyncio
import gc

from okube.worker.runtime.changes import Changes


async def test_a_change_is_told_to_every_listener() -> None:
    changes = Changes()
    listeners = [changes.listen(), changes.listen()]
    changes.publish("t1")
    assert [await anext(listener) for listener in listeners] == ["t1", "t1"]


async def test_what_changes_many_times_is_told_once() -> None:
    changes = Changes()
    listener = changes.listen()
    for _ in range(1000):
        changes.publish("t1")
        changes.publish("t2")
    changes.close()
    assert [task_id async for task_id in listener] == ["t1", "t2"]


async def test_listening_begins_with_the_call() -> None:
    changes = Changes()
    changes.publish("before")
    listener = changes.listen()
    changes.publish("after")
    assert await anext(listener) == "after"


async def test_a_listener_for_one_task_hears_of_no_other() -> None:
    changes = Changes()
    listener = changes.listen("t1")
    changes.publish("t2")
    changes.publish("t1")
    changes.close()
    assert [task_id async for task_id in listener] == ["t1"]


async def test_waiting_ends_with_a_change_or_with_the_time() -> None:
    changes = Changes()
    listener = changes.listen("t1")
    assert not await listener.within(0.01)
    asyncio.get_running_loop().call_later(0.01, changes.publish, "t1")
    assert await listener.within(30)
    changes.close()
    assert not await listener.within(30)


async def test_closing_ends_listeners_that_wait_and_those_to_come() -> None:
    changes = Changes()
    listener = changes.listen()
    waiting = asyncio.ensure_future(_all(listener))
    await asyncio.sleep(0)
    changes.close()
    assert await waiting == []
    assert await _all(changes.listen()) == []


async def test_a_listener_that_nobody_holds_is_forgotten() -> None:
    changes = Changes()
    listener = changes.listen()
    del listener
    gc.collect()
    assert len(changes._listeners) == 0


async def _all(listener: object) -> list[str]:
    assert hasattr(listener, "__aiter__")
    return [task_id async for task_id in listener]
