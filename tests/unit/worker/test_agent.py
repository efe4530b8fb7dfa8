"""The agent whole, on virtual time, with an engine and a disk in memory."""

import asyncio
from collections.abc import Callable

import pytest

from okube.model.epoch import Epoch
from okube.model.wire import Assignment
from okube.worker.runner import Runner
from tests.simulation.loop import run_virtual, virtual_loop
from tests.unit.worker.machine import Machine, a_machine, a_task, with_machine


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
        await machine.until(_ran(machine, run + 1))
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
async def test_what_never_restarts_runs_once_even_if_the_agent_dies_as_it_starts_and_the_container_vanishes(
    machine: Machine,
) -> None:
    machine.crash()

    def die_after_the_start(call: str) -> None:
        if call == "ran":
            machine.crash()
            raise asyncio.CancelledError

    await machine.boot(die_after_the_start)
    await machine.assign(a_task("t1", restart="never"))
    await machine.until(lambda: machine.crashed)
    machine.engine.vanish("t1")
    await machine.boot()
    await machine.until(lambda: "t1" in machine.reports)
    assert machine.reports["t1"].state == "failed"
    assert machine.engine.runs == {"t1": 1}


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
async def test_the_fence_is_stored_with_the_assignment(machine: Machine) -> None:
    machine.managers.up = False
    machine.crash()
    machine.disk.files.clear()
    await machine.boot()
    await machine.assign(a_task("t1"), epoch=Epoch(1, 3))
    machine.crash()
    await machine.boot()
    assert machine.agent.holdings.fence == Epoch(1, 3)
    assert (await machine.assign()).accepted


@with_machine
async def test_deaths_that_no_news_tell_of_are_found(machine: Machine) -> None:
    await machine.assign(a_task("t1"))
    await machine.until(lambda: "t1" in machine.reports)
    machine.engine.deaf = True
    machine.engine.end("t1", 1)
    await machine.until(lambda: machine.engine.runs["t1"] == 2, within_s=11)


@with_machine
async def test_a_death_during_the_start_is_seen_at_once(machine: Machine) -> None:
    machine.engine.short_lived["example/web:1"] = (0.0005, 7)
    await machine.assign(a_task("t1"))
    await machine.until(lambda: machine.engine.runs.get("t1", 0) >= 3, within_s=1)


@with_machine
async def test_an_agent_that_comes_back_leaves_running_containers_alone(machine: Machine) -> None:
    await machine.assign(a_task("t1"), a_task("t2"))
    await machine.until(lambda: len(machine.reports) == 2)
    before = dict(machine.engine.containers)
    machine.crash()
    machine.managers.reports.clear()
    await machine.boot()
    await machine.until(lambda: len(machine.reports) == 2)
    await asyncio.sleep(30)
    assert machine.engine.containers == before
    assert all(report.ready and report.restarts == 0 for report in machine.reports.values())


@with_machine
async def test_what_ended_while_the_agent_was_away_is_treated_by_its_policy(machine: Machine) -> None:
    await machine.assign(a_task("t1"), a_task("t2", restart="never"))
    await machine.until(lambda: len(machine.reports) == 2)
    machine.crash()
    machine.engine.end("t1", 1)
    machine.engine.end("t2", 137, oom=True)
    await asyncio.sleep(5)
    await machine.boot()
    await machine.until(lambda: machine.engine.runs["t1"] == 2, within_s=1)
    await machine.until(lambda: machine.reports["t2"].state == "failed")
    assert machine.reports["t2"].reason == "out-of-memory"
    assert machine.engine.runs["t2"] == 1


@with_machine
async def test_restarts_are_remembered_over_a_crash_and_counted_once(machine: Machine) -> None:
    await machine.assign(a_task("t1"))
    await machine.until(lambda: "t1" in machine.reports)
    machine.engine.end("t1", 1)
    await machine.until(lambda: machine.engine.runs["t1"] == 2)
    machine.engine.end("t1", 1)
    await machine.until(lambda: machine.reports["t1"].restarts == 2)
    machine.crash()
    await machine.boot()
    await machine.until(lambda: machine.engine.runs["t1"] == 3)
    await machine.until(lambda: machine.reports["t1"].ready)
    assert machine.reports["t1"].restarts == 2


@with_machine
async def test_a_task_given_up_stays_given_up_over_a_crash(machine: Machine) -> None:
    machine.engine.refusals["run", "example/web:1"] = "port-conflict"
    await machine.assign(a_task("t1"))
    await machine.until(lambda: "t1" in machine.reports)
    machine.crash()
    machine.engine.refusals.clear()
    machine.reports.clear()
    await machine.boot()
    await machine.until(lambda: "t1" in machine.reports)
    assert machine.reports["t1"].reason == "port-conflict"
    await asyncio.sleep(30)
    assert machine.engine.runs == {}


@with_machine
async def test_without_an_assignment_containers_are_kept(machine: Machine) -> None:
    await machine.assign(a_task("t1"))
    await machine.until(lambda: "t1" in machine.reports)
    machine.crash()
    machine.disk.files.clear()
    machine.engine.end("t1", 1)
    await machine.boot()
    await asyncio.sleep(30)
    assert machine.engine.tasks("exited") == {"t1"}


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


def test_an_agent_that_stops_while_a_restart_is_due_does_not_spin(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = 0
    true_pass = Runner._pass

    async def counted(self: Runner, group: asyncio.TaskGroup) -> None:
        nonlocal passes
        passes += 1
        assert passes < 1000, "it plans and plans, and no time passes"
        await true_pass(self, group)

    monkeypatch.setattr(Runner, "_pass", counted)

    async def main() -> None:
        async with a_machine() as machine:
            await machine.assign(a_task("t1"))
            await machine.until(lambda: machine.engine.tasks("running"))
            machine.engine.latency_by_call["create"] = 3.0  # holds up the stop for longer than t1 waits
            await machine.assign(a_task("t1"), a_task("t2"))
            await machine.until(lambda: ("create", "t2") in machine.engine.calls)
            machine.engine.end("t1", 1)
            await machine.until(lambda: "t1" in machine.reports and machine.reports["t1"].restarts)
            await machine.shut_down()
            assert machine.engine.tasks("running") == {"t2"}

    run_virtual(main())


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
async def test_after_contact_with_a_new_epoch_nothing_older_is_obeyed(machine: Machine) -> None:
    machine.managers.epoch = Epoch(1, 5)
    await machine.until(lambda: machine.agent.holdings.fence == Epoch(1, 5))
    answer = await machine.agent.accept(Assignment("w1", "i1", Epoch(1, 4), 9, None, (a_task("t1"),)))
    assert not answer.accepted
    machine.crash()
    machine.managers.up = False
    await machine.boot()
    answer = await machine.agent.accept(Assignment("w1", "i1", Epoch(1, 4), 9, None, (a_task("t1"),)))
    assert not answer.accepted
    assert answer.epoch == Epoch(1, 5)


@with_machine
async def test_a_lost_fence_lets_nobody_in_until_a_manager_has_answered(machine: Machine) -> None:
    await machine.assign(a_task("t1"))
    await machine.until(lambda: "t1" in machine.reports)
    machine.crash()
    machine.managers.up = False
    machine.disk.files["epoch"] = b"\0" * 40
    await machine.boot()
    assert not (await machine.assign()).accepted
    machine.managers.up = True
    machine.managers.epoch = Epoch(1, 2)
    await machine.until(lambda: machine.agent.holdings.fence == Epoch(1, 2))
    assert not (await machine.assign()).accepted
    assert (await machine.assign(epoch=Epoch(1, 2))).accepted
    await machine.until(lambda: not machine.engine.containers)


@with_machine
async def test_a_stop_in_order_announces_an_absence_and_leaves_containers_running(machine: Machine) -> None:
    await machine.assign(a_task("t1"))
    await machine.until(lambda: "t1" in machine.reports)
    before = dict(machine.engine.containers)
    await machine.shut_down()
    assert machine.managers.heartbeats[-1][1].absence_s == 60.0
    assert machine.engine.containers == before


@with_machine
async def test_an_agent_that_leaves_announces_no_absence(machine: Machine) -> None:
    await machine.until(lambda: machine.managers.heartbeats)
    machine.agent.leave()
    await machine.shut_down()
    assert {beat.absence_s for _, beat in machine.managers.heartbeats} == {0.0}


@with_machine
async def test_a_stop_in_order_does_not_wait_for_managers_that_are_gone(machine: Machine) -> None:
    await machine.until(lambda: machine.managers.heartbeats)
    machine.managers.up = False
    began = virtual_loop().now
    await machine.shut_down()
    assert virtual_loop().now - began < 10


@with_machine
async def test_what_managers_say_of_their_addresses_is_remembered(machine: Machine) -> None:
    machine.managers.addresses = ("https://192.0.2.11:7101",)
    await machine.until(lambda: machine.managers.learned == ("https://192.0.2.11:7101",))
    await machine.until(lambda: "managers" in machine.disk.files)
    machine.crash()
    machine.managers.up = False
    machine.managers.learned = ()
    await machine.boot()
    await machine.until(lambda: machine.managers.learned == ("https://192.0.2.11:7101",))


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


@with_machine
async def test_a_defect_of_the_runtime_costs_one_task_some_time_and_the_others_nothing(machine: Machine) -> None:
    machine.engine.defects.add(("create", "t1"))
    await machine.assign(a_task("t1"), a_task("t2"))
    await machine.until(lambda: "t2" in machine.reports, within_s=1)
    await asyncio.sleep(60)
    assert 5 < sum(call == ("create", "t1") for call in machine.engine.calls) < 15
    machine.engine.defects.clear()
    await machine.until(lambda: "t1" in machine.reports)


@with_machine
async def test_news_that_break_off_are_made_up_for_with_a_look(machine: Machine) -> None:
    await machine.assign(a_task("t1"))
    await machine.until(lambda: "t1" in machine.reports)
    machine.engine.defects.add(("changes", ""))
    machine.engine.end("t1", 1)
    await machine.until(_ran(machine, 2), within_s=2)


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
async def test_a_stop_in_order_lets_a_start_end_and_gives_up_a_pull(machine: Machine) -> None:
    machine.engine.latency_by_call["run"] = 2.0
    machine.engine.slow_images["example/slow:1"] = 600.0
    await machine.assign(a_task("t1"), a_task("t2", image="example/slow:1"))
    await machine.until(lambda: any(call == "run" for call, _ in machine.engine.calls))
    await machine.shut_down()
    assert machine.engine.tasks() == machine.engine.tasks("running") == {"t1"}
    assert machine.engine.runs == {"t1": 1}
    await machine.boot()
    machine.engine.slow_images.clear()
    await machine.until(lambda: machine.engine.tasks("running") == {"t1", "t2"})
    assert machine.engine.runs == {"t1": 1, "t2": 1}


def _ran(machine: Machine, times: int) -> Callable[[], bool]:
    return lambda: machine.engine.runs["t1"] == times
