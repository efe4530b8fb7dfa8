import asyncio
from collections.abc import AsyncIterator

import pytest

from okube.model.errors import NotFound
from okube.model.wire import LogLine
from tests.unit.worker.machine import Machine, a_task, with_machine


async def collect(lines: AsyncIterator[LogLine], into: list[str]) -> None:
    async for line in lines:
        into += [line.text]


@with_machine
async def test_the_last_lines_are_given(machine: Machine) -> None:
    await machine.assign(a_task("t1"))
    await machine.until(lambda: "t1" in machine.reports)
    container_id = machine.engine.of("t1").id
    machine.engine.lines[container_id] = [LogLine(n, "stdout", f"{n}") for n in range(10)]
    texts: list[str] = []
    await collect(machine.agent.logs("t1", follow=False, tail=2, since_ms=None), texts)
    assert texts == ["8", "9"]


@with_machine
async def test_a_task_that_is_not_here_has_no_logs(machine: Machine) -> None:
    with pytest.raises(NotFound, match="no output of task t1"):
        await collect(machine.agent.logs("t1", follow=True, tail=None, since_ms=None), [])


@with_machine
async def test_following_goes_on_over_a_restart_and_ends_with_the_task(machine: Machine) -> None:
    await machine.assign(a_task("t1"))
    await machine.until(lambda: "t1" in machine.reports)
    container_id = machine.engine.of("t1").id
    machine.engine.lines[container_id] = [LogLine(machine.clock.time_ms(), "stdout", "first run")]
    texts: list[str] = []
    following = asyncio.ensure_future(collect(machine.agent.logs("t1", follow=True, tail=None, since_ms=None), texts))
    await asyncio.sleep(1)
    machine.engine.end("t1", 1)
    await machine.until(lambda: machine.engine.runs["t1"] == 2)
    machine.engine.lines[container_id].append(LogLine(machine.clock.time_ms(), "stdout", "second run"))
    await machine.until(lambda: texts == ["first run", "second run"])
    await machine.assign(a_task("t1", desired="stop"))
    await machine.until(following.done)
    assert texts == ["first run", "second run"]
