"""Agents that stop, die and come back: what they leave, what they remember, and whom they obey then."""

import asyncio

import pytest

from okube.model.epoch import Epoch
from okube.model.wire import Assignment
from okube.worker.runner import Runner
from tests.simulation.loop import run_virtual, virtual_loop
from tests.unit.worker.machine import Machine, a_machine, a_task, with_machine


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
