"""What tasks use; each test runs on a real Docker Engine and on real processes."""

import asyncio
from pathlib import Path

import pytest

from okube.model.resources import Resources
from okube.seams.clock import SystemClock
from okube.worker.runtime import accounting
from okube.worker.runtime.base import Runtime
from okube.worker.usage import TaskMeter
from tests.lab.runtime.site import Site, ended, running, until

IDLE = "while true; do sleep 1; done"
BUSY = "while true; do :; done"


async def test_a_busy_task_is_told_from_an_idle_one(site: Site, runtime: Runtime) -> None:
    busy = await running(runtime, site.task(BUSY, resources=Resources(cpus=0.4)))
    idle = await running(runtime, site.task(IDLE))
    await ended(runtime, site.task("exit 0"))
    meter = TaskMeter(runtime, SystemClock())
    await meter.read()
    await asyncio.sleep(2)
    used = {usage.id: usage for usage in await meter.read()}
    assert set(used) == {busy.task_id, idle.task_id}
    assert 0.05 < used[busy.task_id].cpus < 0.6
    assert used[idle.task_id].cpus < 0.05
    assert all(0 < usage.memory < 64 << 20 for usage in used.values())


async def test_memory_is_what_a_task_holds(site: Site, runtime: Runtime) -> None:
    hold = "x=$(head -c 20000000 /dev/zero | tr '\\0' x); echo ${#x}; while true; do sleep 1; done"
    container = await running(runtime, site.task(hold))

    async def holds_it() -> bool:
        return (await runtime.usage())[container.id][1].memory > 18_000_000

    await until(holds_it, "it holds 18 MB")


async def test_where_groups_cannot_be_read_the_engine_is_asked(
    site: Site, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounting.Groups, "of", lambda *_args, **_more: None)
    container = await running(runtime, site.task(BUSY, resources=Resources(cpus=0.4)))
    await asyncio.sleep(1)
    (task_id, used) = (await runtime.usage())[container.id]
    assert task_id == container.task_id
    assert used.cpu_s > 0.05
    assert used.memory > 0


def test_groups_of_another_process_are_not_believed(tmp_path: Path) -> None:
    assert accounting.Groups.of(1, mark="no-such-container") is None
    assert accounting.Groups.of(1, mark="", root=tmp_path) is None
