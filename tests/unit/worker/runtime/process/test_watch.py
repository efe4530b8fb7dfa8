import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from okube.worker.runtime.pids import Identity, boot_id
from okube.worker.runtime.process.watch import ShimWatch, has_ended


@pytest.fixture
async def sleeper() -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec("sleep", "1000")
    yield process
    if process.returncode is None:
        process.kill()
    await process.wait()


def identity(pid: int) -> Identity:
    start = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return Identity(boot_id(), pid, int(start))


async def test_an_end_is_told_once(sleeper: asyncio.subprocess.Process) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    watch = ShimWatch(told.put_nowait)
    known = identity(sleeper.pid)
    assert watch.watch("c1", known)
    assert watch.watch("c1", known)
    sleeper.kill()
    async with asyncio.timeout(30):
        assert await told.get() == "c1"
    await sleeper.wait()
    assert not watch.watch("c1", known)
    assert told.empty()


async def test_nothing_is_told_after_closing(sleeper: asyncio.subprocess.Process) -> None:
    told: list[str] = []
    watch = ShimWatch(told.append)
    watch.watch("c1", identity(sleeper.pid))
    watch.close()
    sleeper.kill()
    await sleeper.wait()
    assert told == []


async def test_waiting_for_an_end(sleeper: asyncio.subprocess.Process) -> None:
    known = identity(sleeper.pid)
    assert not await has_ended(known, within_s=0.01)
    asyncio.get_running_loop().call_later(0.01, sleeper.kill)
    assert await has_ended(known, within_s=30)
    await sleeper.wait()
    assert await has_ended(known, within_s=30)
