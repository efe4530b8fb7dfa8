"""The agent whole, on virtual time, with an engine and a disk in memory: what becomes of its tasks."""

import asyncio

from tests.simulation.loop import virtual_loop
from tests.unit.worker.machine import Machine, a_task, with_machine


@with_machine
async def test_an_assigned_task_runs_and_is_reported_ready(machine: Machine) -> None:
    answer = await machine.assign(a_task("t1"))
    began = virtual_loop().now
    assert answer.accepted
    await machine.until(lambda: "t1" in machine.reports)
    report = machine.reports["t1"]
    assert (report.state, report.ready, report.container_id) == ("running", True, machine.engine.of("t1").id)
    assert virtual_loop().now - began < 0.1


@with_machine
async def test_what_is_said_of_a_long_wait_shrinks_with_it(machine: Machine) -> None:
    await machine.assign(a_task("t1"))
    for run in range(1, 11):
        await machine.until(lambda run=run: machine.engine.runs.get("t1") == run)  # type: ignore[misc]
        machine.engine.end("t1", 3)
    await machine.until(lambda: machine.reports["t1"].restarts == 10)
    began = virtual_loop().now
    shown = []
    while machine.engine.runs["t1"] == 10:
        await asyncio.sleep(0.5)
        message = machine.reports["t1"].message
        seconds = float(message.removeprefix("restarting in ").partition(" s ")[0]) if "restarting" in message else 0.0
        left = 51.2 - (virtual_loop().now - began)
        assert seconds <= max(2 * left + 2, 6.4), (seconds, left)
        shown.append(seconds)
    assert list(dict.fromkeys(shown))[:4] == [51.0, 26.0, 13.0, 6.4]


@with_machine
async def test_a_crashed_program_is_restarted_in_place_with_back_off(machine: Machine) -> None:
    await machine.assign(a_task("t1"))
    await machine.until(lambda: machine.engine.tasks("running"))
    container_id = machine.engine.of("t1").id
    for run in range(1, 5):
        machine.engine.end("t1", 3)
        await machine.until(machine.ran("t1", run + 1))
    assert machine.engine.of("t1").id == container_id
    await machine.until(lambda: machine.reports["t1"].ready and machine.reports["t1"].restarts == 4)
    waits = [r.message for r in machine.managers.history if r.message.startswith("restarting")]
    assert waits == [
        "restarting in 0.1 s (exit code 3), 1 restart",
        "restarting in 0.2 s (exit code 3), 2 restarts",
        "restarting in 0.4 s (exit code 3), 3 restarts",
        "restarting in 0.8 s (exit code 3), 4 restarts",
    ]
    assert {r.state for r in machine.managers.history} == {"running"}


@with_machine
async def test_the_back_off_is_over_after_ten_seconds_of_running(machine: Machine) -> None:
    await machine.assign(a_task("t1"))
    await machine.until(lambda: machine.engine.tasks("running"))
    for _ in range(3):
        machine.engine.end("t1", 1)
        await machine.until(lambda: machine.engine.tasks("running"))
    assert machine.agent.runner.container("t1") is not None
    await machine.until(lambda: machine.reports["t1"].message == "", within_s=11)
    machine.engine.end("t1", 1)
    await machine.until(lambda: "restarting in 0.1 s" in machine.reports["t1"].message)


@with_machine
async def test_a_job_that_ends_with_0_is_completed(machine: Machine) -> None:
    machine.engine.short_lived["example/job:1"] = (1.0, 0)
    await machine.assign(a_task("t1", restart="on-failure", image="example/job:1"))
    await machine.until(lambda: "t1" in machine.reports and machine.reports["t1"].state == "completed")
    report = machine.reports["t1"]
    assert (report.reason, report.exit_code, report.ready) == ("exited", 0, False)
    assert machine.engine.runs == {"t1": 1}
    assert report.started_ms is not None
    assert report.ended_ms == report.started_ms + 1000


@with_machine
async def test_a_program_that_never_restarts_fails_with_its_exit_code(machine: Machine) -> None:
    machine.engine.short_lived["example/job:1"] = (0.0, 3)
    await machine.assign(a_task("t1", restart="never", image="example/job:1"))
    await machine.until(lambda: "t1" in machine.reports and machine.reports["t1"].state == "failed")
    assert (machine.reports["t1"].reason, machine.reports["t1"].message) == ("exit-code", "exit code 3")


@with_machine
async def test_on_failure_gives_up_past_its_maximum(machine: Machine) -> None:
    machine.engine.short_lived["example/job:1"] = (0.5, 3)
    await machine.assign(a_task("t1", restart="on-failure:2", image="example/job:1"))
    await machine.until(lambda: "t1" in machine.reports and machine.reports["t1"].state == "failed")
    assert machine.engine.runs == {"t1": 3}
    assert machine.reports["t1"].restarts == 2


@with_machine
async def test_a_task_that_cannot_start_fails_with_its_reason_and_is_not_tried_again(machine: Machine) -> None:
    machine.engine.refusals["prepare", "example/web:1"] = "image-pull"
    await machine.assign(a_task("t1"))
    await machine.until(lambda: "t1" in machine.reports)
    assert (machine.reports["t1"].state, machine.reports["t1"].reason) == ("failed", "image-pull")
    await asyncio.sleep(60)
    assert [call for call, _ in machine.engine.calls if call == "prepare"] == ["prepare"]


@with_machine
async def test_a_stopped_task_gets_its_signal_and_its_grace_and_keeps_its_container(machine: Machine) -> None:
    stop = {"signal": "SIGINT", "grace": "3s"}
    await machine.assign(a_task("t1", stop=stop))
    await machine.until(lambda: "t1" in machine.reports)
    machine.engine.stubborn.add("t1")
    await machine.assign(a_task("t1", stop=stop, desired="stop", stop_reason="superseded"))
    await machine.until(lambda: machine.reports["t1"].state == "completed")
    assert machine.engine.signals == [("t1", "SIGINT", 3.0)]
    assert machine.reports["t1"].reason == "superseded"
    assert machine.reports["t1"].message == "did not end within 3 s of SIGINT and was killed"
    await machine.assign(ended=["t1"])
    await asyncio.sleep(20)
    assert machine.engine.tasks("exited") == {"t1"}
    await machine.assign()
    await machine.until(lambda: not machine.engine.containers)


@with_machine
async def test_what_the_assignment_does_not_hold_is_stopped_with_its_grace_and_removed(machine: Machine) -> None:
    await machine.assign(a_task("t1", stop={"signal": "SIGQUIT", "grace": "2s"}), a_task("t2"))
    await machine.until(lambda: len(machine.reports) == 2)
    await machine.assign(a_task("t2"))
    await machine.until(lambda: machine.engine.tasks() == {"t2"})
    assert machine.engine.signals == [("t1", "SIGQUIT", 2.0)]
    assert machine.engine.runs["t2"] == 1


@with_machine
async def test_a_vanished_container_is_made_again(machine: Machine) -> None:
    await machine.assign(a_task("t1"))
    await machine.until(lambda: "t1" in machine.reports)
    machine.engine.vanish("t1")
    await machine.until(lambda: machine.engine.runs["t1"] == 2)
    await machine.until(lambda: machine.reports["t1"].ready and machine.reports["t1"].restarts == 1)
    assert "its container was gone" in machine.reports["t1"].message
    assert machine.reports["t1"].container_id == machine.engine.of("t1").id


@with_machine
async def test_a_vanished_container_that_never_restarts_is_a_failure(machine: Machine) -> None:
    await machine.assign(a_task("t1", restart="never"))
    await machine.until(lambda: "t1" in machine.reports)
    machine.engine.vanish("t1")
    await machine.until(lambda: machine.reports["t1"].state == "failed")
    assert machine.engine.runs == {"t1": 1}


@with_machine
async def test_a_death_during_the_start_is_seen_at_once(machine: Machine) -> None:
    machine.engine.short_lived["example/web:1"] = (0.0005, 7)
    await machine.assign(a_task("t1"))
    await machine.until(lambda: machine.engine.runs.get("t1", 0) >= 3, within_s=1)


@with_machine
async def test_a_second_container_of_a_task_is_removed(machine: Machine) -> None:
    await machine.assign(a_task("t1"))
    await machine.until(lambda: "t1" in machine.reports)
    kept = machine.engine.of("t1")
    machine.engine.add_stray("t1")
    await machine.until(lambda: set(machine.engine.containers) == {kept.id}, within_s=11)


@with_machine
async def test_an_idle_agent_does_nothing(machine: Machine) -> None:
    await machine.assign(*(a_task(f"t{n}") for n in range(10)))
    await machine.until(lambda: len(machine.reports) == 10)
    await asyncio.sleep(20)
    machine.engine.calls.clear()
    machine.disk.writes.clear()
    await asyncio.sleep(70)
    assert {call for call, _ in machine.engine.calls} == {"list"}
    assert len(machine.engine.calls) <= 11
    assert machine.disk.writes == []


@with_machine
async def test_many_deaths_at_once_are_all_seen_at_once(machine: Machine) -> None:
    names = [f"t{n}" for n in range(40)]
    await machine.assign(*(a_task(name) for name in names))
    await machine.until(lambda: len(machine.reports) == 40)
    for name in names:
        machine.engine.end(name, 1)
    await machine.until(lambda: all(machine.engine.runs[name] == 2 for name in names), within_s=2)


@with_machine
async def test_a_container_removed_while_it_is_started_again_is_no_failure_of_its_task(
    machine: Machine,
) -> None:
    await machine.assign(a_task("t1"))
    await machine.until(lambda: "t1" in machine.reports)
    machine.engine.latency_by_call["run"] = 1.0
    machine.engine.end("t1", 1)
    await machine.until(lambda: sum(call == "run" for call, _ in machine.engine.calls) == 2)
    machine.engine.vanish("t1")
    await machine.until(lambda: machine.reports["t1"].ready and machine.reports["t1"].restarts == 1)
    assert {r.state for r in machine.managers.history} == {"running"}
