import asyncio
from pathlib import Path

import pytest

from okube.seams.clock import SystemClock
from okube.worker.runtime import remove_all
from okube.worker.runtime.base import RuntimeUnavailable
from okube.worker.runtime.choose import choose_runtime
from okube.worker.runtime.process import ProcessRuntime
from tests.unit.worker.runtime.builders import a_task
from tests.unit.worker.runtime.test_choose import settings


def test_all_tasks_of_a_dead_agent_are_ended_and_removed(tmp_path: Path) -> None:
    asyncio.run(_run_tasks(tmp_path, 3))
    assert remove_all(settings(tmp_path), grace_s=5) == 3
    assert remove_all(settings(tmp_path), grace_s=5) == 0
    assert list((tmp_path / "state" / "containers").iterdir()) == []


def test_a_node_whose_agent_never_ran_has_nothing_to_remove(tmp_path: Path) -> None:
    assert remove_all(settings(tmp_path)) == 0
    assert list(tmp_path.iterdir()) == []


def test_an_engine_that_does_not_answer_is_told(tmp_path: Path) -> None:
    with pytest.raises(RuntimeUnavailable, match="does not answer"):
        remove_all(settings(tmp_path, "docker"))


async def _run_tasks(folder: Path, count: int) -> None:
    await (await choose_runtime(settings(folder, "process"))).close()
    runtime = ProcessRuntime("c" * 32, "w1", folder / "state", SystemClock())
    await runtime.start()
    for n in range(count):
        made = await runtime.create(a_task(f"t{n}", image="host", command=("sleep", "1000")))
        await runtime.run(made.id)
    await runtime.close()
