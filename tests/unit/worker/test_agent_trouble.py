"""What an agent makes of engines that hang or lie, of slow pulls, and of a disk that is full."""

import asyncio

import pytest

from tests.simulation.loop import run_virtual
from tests.unit.worker.machine import Machine, a_machine, a_task, with_machine


@with_machine
async def test_a_silent_engine_decides_nothing_about_tasks(machine: Machine) -> None:
    await machine.assign(a_task("t1"), a_task("t2", restart="never"))
    await machine.until(lambda: len(machine.reports) == 2)
    machine.engine.up = False
    machine.engine.tell("t1")
    await machine.assign(a_task("t1"), a_task("t2", restart="never"), a_task("t3"))
    await machine.until(lambda: len(machine.reports) == 3)
    assert {r.state for r in machine.reports.values()} == {"running", "scheduled"}
    assert all("does not answer" in r.message for r in machine.reports.values())
    machine.engine.up = True
    await machine.until(lambda: all(r.ready for r in machine.reports.values()))
    await machine.until(lambda: not any(r.message for r in machine.reports.values()))
    assert machine.engine.runs == {"t1": 1, "t2": 1, "t3": 1}


@with_machine
async def test_an_engine_that_lists_but_does_not_create_is_not_hammered(machine: Machine) -> None:
    machine.engine.silent_calls.add("create")
    await machine.assign(a_task("t1"))
    await asyncio.sleep(5)
    machine.engine.calls.clear()
    await asyncio.sleep(60)
    assert 5 < sum(call == "create" for call, _ in machine.engine.calls) < 15
    machine.engine.silent_calls.clear()
    await machine.until(lambda: "t1" in machine.reports and machine.reports["t1"].ready)


@with_machine
async def test_an_engine_that_answers_nonsense_decides_nothing_either(machine: Machine) -> None:
    await machine.assign(a_task("t1"))
    await machine.until(lambda: "t1" in machine.reports)
    machine.engine.defects.add(("list", ""))
    await machine.until(lambda: "does not answer" in machine.reports["t1"].message)
    assert machine.reports["t1"].ready
    machine.engine.defects.clear()
    await machine.until(lambda: machine.reports["t1"].message == "")


@with_machine
async def test_a_slow_pull_holds_up_neither_stops_nor_other_starts(machine: Machine) -> None:
    machine.engine.slow_images["example/slow:1"] = 600.0
    await machine.assign(a_task("t0"))
    await machine.until(lambda: "t0" in machine.reports)
    slow = [a_task(f"s{n}", image="example/slow:1") for n in range(20)]
    await machine.assign(*slow, a_task("t1"))
    await machine.until(lambda: "t1" in machine.reports, within_s=1)
    await machine.until(lambda: machine.engine.tasks() == {"t1"}, within_s=1)


@with_machine
async def test_a_slow_pull_is_told_of_while_the_task_is_scheduled(machine: Machine) -> None:
    machine.engine.slow_images["example/slow:1"] = 20.0
    await machine.assign(a_task("t1", image="example/slow:1"))
    await machine.until(lambda: "t1" in machine.reports, within_s=2)
    assert (machine.reports["t1"].state, machine.reports["t1"].message) == (
        "scheduled",
        "bringing image example/slow:1",
    )
    await machine.until(lambda: machine.reports["t1"].state == "running")
    assert machine.reports["t1"].message == ""


@with_machine
async def test_a_pull_that_nobody_wants_any_more_is_given_up(machine: Machine) -> None:
    machine.engine.slow_images["example/slow:1"] = 600.0
    await machine.assign(a_task("t1", image="example/slow:1"))
    await asyncio.sleep(1)
    await machine.assign(a_task("t1", image="example/slow:1", desired="stop", stop_reason="stopped"))
    await machine.until(lambda: "t1" in machine.reports, within_s=1)
    assert (machine.reports["t1"].state, machine.reports["t1"].reason) == ("completed", "stopped")
    await asyncio.sleep(700)
    assert not machine.engine.containers


def test_a_disk_that_fills_up_in_the_middle_of_a_start_is_named_as_the_cause(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        async with a_machine() as machine:
            machine.engine.latency_by_call["create"] = 0.5
            await machine.assign(a_task("t1"))
            await machine.until(lambda: ("create", "t1") in machine.engine.calls)
            machine.disk.full = True
            await machine.until(lambda: machine.engine.tasks("created"))
            await asyncio.sleep(1.0)
            assert not machine.engine.tasks("running")
            machine.disk.full = False
            await machine.until(lambda: machine.engine.tasks("running"))

    run_virtual(main())
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert {record.exc_info for record in errors} == {None}
    assert "No space left on device" in errors[0].getMessage()


@with_machine
async def test_a_full_disk_stops_the_agent_from_acting_and_not_from_living(machine: Machine) -> None:
    machine.disk.full = True
    answer = await machine.assign(a_task("t1"))
    assert not answer.accepted
    assert "No space left" in answer.message
    await asyncio.sleep(5)
    assert not machine.engine.containers
    machine.disk.full = False
    assert (await machine.assign(a_task("t1"))).accepted
    await machine.until(lambda: "t1" in machine.reports)


@with_machine
async def test_a_full_disk_keeps_nobody_from_knowing_what_runs(machine: Machine) -> None:
    await machine.assign(a_task("t1"), a_task("t2", restart="never"), a_task("t3"))
    await machine.until(lambda: len([r for r in machine.reports.values() if r.ready]) == 3)
    machine.disk.full = True
    machine.engine.end("t1", 1)
    machine.engine.end("t2", 0)
    await machine.until(lambda: not machine.reports["t1"].ready and not machine.reports["t2"].ready)
    for task_id in ("t1", "t2"):
        assert machine.reports[task_id].state == "running"
        assert "No space left" in machine.reports[task_id].message
    assert machine.reports["t3"].ready
    machine.disk.full = False
    await machine.until(lambda: machine.reports["t1"].ready and machine.reports["t2"].state == "completed")
    assert machine.reports["t1"].restarts == 1
    assert "No space" not in machine.reports["t1"].message


@with_machine
async def test_deaths_that_no_news_tell_of_are_found(machine: Machine) -> None:
    await machine.assign(a_task("t1"))
    await machine.until(lambda: "t1" in machine.reports)
    machine.engine.deaf = True
    machine.engine.end("t1", 1)
    await machine.until(lambda: machine.engine.runs["t1"] == 2, within_s=11)


@with_machine
async def test_news_that_break_off_are_made_up_for_with_a_look(machine: Machine) -> None:
    await machine.assign(a_task("t1"))
    await machine.until(lambda: "t1" in machine.reports)
    machine.engine.defects.add(("changes", ""))
    machine.engine.end("t1", 1)
    await machine.until(machine.ran("t1", 2), within_s=2)


@with_machine
async def test_a_look_that_is_older_than_a_step_does_not_undo_what_the_step_did(machine: Machine) -> None:
    machine.engine.latency_by_call["list"] = 5.0
    await machine.until(lambda: ("list", "") in machine.engine.calls)
    machine.engine.calls.clear()
    await machine.until(lambda: ("list", "") in machine.engine.calls)
    await machine.assign(a_task("t1"))
    await asyncio.sleep(60)
    assert machine.engine.runs == {"t1": 1}
    assert [(r.restarts, r.ready) for r in machine.managers.history] == [(0, True)]


@with_machine
async def test_a_defect_of_the_runtime_costs_one_task_some_time_and_the_others_nothing(machine: Machine) -> None:
    machine.engine.defects.add(("create", "t1"))
    await machine.assign(a_task("t1"), a_task("t2"))
    await machine.until(lambda: "t2" in machine.reports, within_s=1)
    await asyncio.sleep(60)
    assert 5 < sum(call == ("create", "t1") for call in machine.engine.calls) < 15
    machine.engine.defects.clear()
    await machine.until(lambda: "t1" in machine.reports)
