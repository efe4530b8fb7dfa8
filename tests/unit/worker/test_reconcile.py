"""The planner's table: what is held × how the container is × what is remembered → the next step."""

from typing import Any

import msgspec
import pytest

from okube.model.epoch import Epoch
from okube.model.spec import Stop
from okube.model.wire import AssignedTask
from okube.worker.actions import Remove, Restart, Start, StopContainer
from okube.worker.assignments import Holdings
from okube.worker.memory import Ending, TaskMemory
from okube.worker.reconcile import Step, could_not_start, plan, plan_task
from okube.worker.runtime.base import Container, RuntimeFailure
from tests.unit.worker.machine import a_task

NOW = 1_000_000_000
CREATED = Container("c1", "t1", "created")
RUNNING = Container("c1", "t1", "running", started_ms=NOW - 60_000)
REMEMBERED = TaskMemory(container_id="c1")


def exited(code: int | None = 0, *, ran_ms: int = 60_000, ago_ms: int = 0, **fields: Any) -> Container:
    ended_ms = NOW - ago_ms
    return Container("c1", "t1", "exited", exit_code=code, started_ms=ended_ms - ran_ms, ended_ms=ended_ms, **fields)


def holding(*tasks: AssignedTask, ended: tuple[str, ...] = ()) -> Holdings:
    return Holdings(Epoch(1, 1), True, Epoch(1, 1), 1, {task.id: task for task in tasks}, frozenset(ended))


def step(
    task: AssignedTask | None,
    container: Container | None,
    memory: TaskMemory | None = None,
    *,
    ended: tuple[str, ...] = (),
    now_ms: int = NOW,
) -> Step:
    holdings = holding(*([task] if task else []), ended=ended)
    return plan_task(holdings, "t1", [container] if container else [], memory, now_ms)


def memory_of(made: Step) -> TaskMemory:
    assert made.memory is not None
    return made.memory


def ending_of(made: Step) -> Ending:
    ending = memory_of(made).ending
    assert ending is not None
    assert made.report is not None
    assert (made.report.state, made.report.reason, made.report.message) == (ending.state, ending.reason, ending.message)
    assert not made.report.ready
    return ending


# Should run.


def test_a_task_without_a_container_is_started() -> None:
    task = a_task()
    made = step(task, None)
    assert made.action == Start(task)
    assert made.report is None


def test_a_container_that_was_only_created_is_started() -> None:
    task = a_task()
    assert step(task, CREATED).action == Start(task)
    assert step(task, CREATED, REMEMBERED).action == Start(task)


def test_a_running_container_is_left_alone_also_by_an_agent_that_remembers_nothing() -> None:
    made = step(a_task(), RUNNING)
    assert made.action is None
    assert memory_of(made).container_id == "c1"
    assert made.report is not None
    assert (made.report.state, made.report.ready, made.report.started_ms) == ("running", True, NOW - 60_000)


def test_a_container_that_ended_and_was_removed_by_hand_counts_as_one_restart() -> None:
    task = a_task()
    ended = memory_of(step(task, exited(137), REMEMBERED))
    assert ended.restarts == 1
    gone = step(task, None, ended)
    assert memory_of(gone).restarts == 1
    again = step(task, None, memory_of(gone), now_ms=NOW + 100)
    assert again.action == Start(task)
    runs = memory_of(step(task, RUNNING, memory_of(again)))
    assert (runs.restarts, runs.due_ms) == (1, None)
    assert memory_of(step(task, None, runs)).restarts == 2


def test_a_container_that_somebody_paused_runs_and_is_not_ready_and_says_why() -> None:
    made = step(a_task(), msgspec.structs.replace(RUNNING, paused=True))
    assert made.action is None
    assert made.report is not None
    assert (made.report.state, made.report.ready) == ("running", False)
    assert made.report.message == "paused outside of Okube; docker unpause on its node lets it go on"


@pytest.mark.parametrize(
    ("policy", "container", "restarts"),
    [
        ("always", exited(0), True),
        ("always", exited(3), True),
        ("always", exited(137), True),
        ("always", exited(137, oom_killed=True), True),
        ("on-failure", exited(0), False),
        ("on-failure", exited(3), True),
        ("on-failure", exited(None), True),
        ("on-failure:1", exited(3), True),
        ("never", exited(0), False),
        ("never", exited(3), False),
        ("never", exited(137, oom_killed=True), False),
    ],
)
def test_a_container_that_ended_is_treated_by_its_policy(policy: str, container: Container, restarts: bool) -> None:
    made = step(a_task(restart=policy), container, REMEMBERED)
    assert (memory_of(made).ending is None) == restarts
    assert memory_of(made).restarts == restarts
    assert made.action is None
    if restarts:
        assert made.wake_ms == NOW + 100
        assert made.report is not None
        assert (made.report.state, made.report.ready, made.report.restarts) == ("running", False, 1)
        assert made.report.message.startswith("restarting in 0.1 s (")
        assert made.report.exit_code == container.exit_code


@pytest.mark.parametrize(
    ("container", "state", "reason", "message"),
    [
        (exited(0), "completed", "exited", ""),
        (exited(3), "failed", "exit-code", "exit code 3"),
        (exited(137), "failed", "signal", "killed by SIGKILL"),
        (exited(137, oom_killed=True), "failed", "out-of-memory", "out of memory: limit 64.0 MiB"),
    ],
)
def test_an_end_for_good_has_its_state_reason_and_sentence(
    container: Container, state: str, reason: str, message: str
) -> None:
    made = step(a_task(restart="never", resources={"memory": "64M"}), container, REMEMBERED)
    ending = ending_of(made)
    assert (ending.state, ending.reason, ending.message) == (state, reason, message)
    assert made.report is not None
    assert (made.report.exit_code, made.report.started_ms, made.report.ended_ms) == (
        container.exit_code,
        container.started_ms,
        container.ended_ms,
    )


def test_past_its_maximum_on_failure_gives_up() -> None:
    made = step(a_task(restart="on-failure:2"), exited(3), msgspec.structs.replace(REMEMBERED, failures=2, restarts=2))
    assert ending_of(made).reason == "exit-code"


def test_successes_under_always_and_removals_do_not_count_as_failures() -> None:
    assert memory_of(step(a_task(), exited(0), REMEMBERED)).failures == 0
    assert memory_of(step(a_task(restart="on-failure:2"), None, REMEMBERED)).failures == 0


def test_an_end_is_counted_once_however_often_it_is_seen() -> None:
    container = exited(3, ran_ms=50)
    first = step(a_task(), container, REMEMBERED)
    again = step(a_task(), container, first.memory, now_ms=NOW + 50)
    assert again.memory == first.memory
    assert again.action is None
    assert again.wake_ms == NOW + 100


def test_when_the_wait_is_over_the_same_container_runs_again() -> None:
    task = a_task()
    first = step(task, exited(3), REMEMBERED)
    due = step(task, exited(3), first.memory, now_ms=NOW + 100)
    assert due.action == Restart(task, "c1")
    assert due.memory == first.memory


def test_an_end_of_long_ago_is_restarted_at_once() -> None:
    task = a_task()
    assert step(task, exited(3, ago_ms=3_600_000), REMEMBERED).action == Restart(task, "c1")


def test_quick_ends_double_the_wait_and_ten_seconds_of_running_end_it() -> None:
    rapid = msgspec.structs.replace(REMEMBERED, rapid=6)
    assert step(a_task(), exited(3, ran_ms=9_999), rapid).wake_ms == NOW + 6400
    steady = step(a_task(), exited(3, ran_ms=10_000), rapid)
    assert steady.wake_ms == NOW + 100
    assert memory_of(steady).rapid == 1


def test_a_running_task_says_why_it_was_started_again_until_it_is_steady() -> None:
    rapid = msgspec.structs.replace(REMEMBERED, rapid=2, restarts=2, note="exit code 3")
    young = step(a_task(), msgspec.structs.replace(RUNNING, started_ms=NOW - 4_000), rapid)
    assert young.report is not None
    assert (young.report.message, young.wake_ms) == ("started again: exit code 3", NOW + 6_000)
    old = step(a_task(), RUNNING, rapid)
    assert old.report is not None
    assert (old.report.message, memory_of(old).rapid, old.report.restarts) == ("", 0, 2)


def test_after_a_quick_end_a_run_is_ready_once_it_lasted_as_long_as_it_had_to_wait() -> None:
    rapid = msgspec.structs.replace(REMEMBERED, rapid=4, restarts=4, note="exit code 3")
    young = step(a_task(), msgspec.structs.replace(RUNNING, started_ms=NOW - 799), rapid)
    assert young.report is not None
    assert (young.report.state, young.report.ready, young.wake_ms) == ("running", False, NOW + 1)
    assert young.report.message == "started again: exit code 3"
    proven = step(a_task(), msgspec.structs.replace(RUNNING, started_ms=NOW - 800), rapid)
    assert proven.report is not None
    assert (proven.report.ready, proven.wake_ms) == (True, NOW + 9_200)
    many = step(
        a_task(), msgspec.structs.replace(RUNNING, started_ms=NOW - 10_000), msgspec.structs.replace(rapid, rapid=30)
    )
    assert many.report is not None and many.report.ready
    back = step(a_task(), msgspec.structs.replace(RUNNING, started_ms=NOW + 3_600_000), rapid)
    assert back.report is not None and back.report.ready, "a calendar that was set back keeps nothing waiting"


def test_a_calendar_that_was_set_back_does_not_make_a_task_wait_for_hours() -> None:
    first = step(a_task(), exited(3), REMEMBERED)
    back = step(a_task(), exited(3), first.memory, now_ms=NOW - 3_600_000)
    assert back.wake_ms == NOW - 3_600_000 + 100
    assert memory_of(back).due_ms == back.wake_ms


def test_a_calendar_that_was_set_back_does_not_stretch_the_first_wait() -> None:
    made = step(a_task(), exited(3), REMEMBERED, now_ms=NOW - 3_600_000)
    assert made.wake_ms == NOW - 3_600_000 + 100


@pytest.mark.parametrize("policy", ["always", "on-failure", "on-failure:1"])
def test_a_container_that_vanished_is_made_again_and_counted(policy: str) -> None:
    task = a_task(restart=policy)
    made = step(task, None, REMEMBERED)
    assert (memory_of(made).restarts, memory_of(made).container_id) == (1, None)
    assert made.report is not None
    assert "its container was gone" in made.report.message
    assert made.action is None
    assert step(task, None, made.memory, now_ms=NOW + 100).action == Start(task)


def test_a_container_that_vanished_under_never_is_a_failure() -> None:
    ending = ending_of(step(a_task(restart="never"), None, REMEMBERED))
    assert (ending.state, ending.message) == ("failed", "its container was gone, removed outside of Okube")


def test_a_task_that_ended_stays_ended_whatever_its_container_does() -> None:
    given_up = could_not_start(TaskMemory(), RuntimeFailure("image-pull", "no such image"), NOW)
    for container in (None, CREATED, exited(0)):
        made = step(a_task(), container, given_up)
        assert made.action is None
        ending = ending_of(made)
        assert (ending.state, ending.reason, ending.message) == ("failed", "image-pull", "no such image")
    assert step(a_task(), RUNNING, given_up).action == StopContainer("t1", "c1", Stop())


# Should stop.

STOP = a_task(desired="stop", stop_reason="drained", stop={"signal": "SIGINT", "grace": "3s"})


def test_a_running_task_that_should_stop_is_stopped_and_it_is_remembered_before() -> None:
    made = step(STOP, RUNNING, REMEMBERED)
    assert made.action == StopContainer("t1", "c1", Stop("SIGINT", 3.0))
    assert memory_of(made).stopping
    assert memory_of(made).ending is None


@pytest.mark.parametrize("container", [None, CREATED])
def test_a_task_that_never_ran_is_completed_at_once(container: Container | None) -> None:
    made = step(STOP, container)
    assert made.action is None
    assert (ending_of(made).state, ending_of(made).reason) == ("completed", "drained")


@pytest.mark.parametrize("code", [0, 3, 130])
def test_after_a_stop_its_reason_counts_and_not_the_exit_code(code: int) -> None:
    stopping = msgspec.structs.replace(REMEMBERED, stopping=True)
    ending = ending_of(step(STOP, exited(code), stopping))
    assert (ending.state, ending.reason, ending.message, ending.exit_code) == ("completed", "drained", "", code)


def test_a_stop_that_ended_by_force_says_so() -> None:
    stopping = msgspec.structs.replace(REMEMBERED, stopping=True)
    assert ending_of(step(STOP, exited(137), stopping)).message == "did not end within 3 s of SIGINT and was killed"


def test_a_stop_without_a_reason_is_stopped() -> None:
    assert ending_of(step(a_task(desired="stop"), None)).reason == "stopped"


def test_a_job_that_finished_before_the_stop_came_has_finished() -> None:
    job = msgspec.structs.replace(STOP, spec=a_task(restart="on-failure").spec)
    assert ending_of(step(job, exited(0), REMEMBERED)).reason == "exited"


def test_a_task_that_waits_for_its_restart_is_stopped_without_another_run() -> None:
    waiting = memory_of(step(a_task(), exited(3), REMEMBERED))
    ending = ending_of(step(STOP, exited(3), waiting))
    assert (ending.state, ending.reason) == ("completed", "drained")
    assert ending_of(step(STOP, exited(3), REMEMBERED)).reason == "drained"


def test_a_task_that_vanished_while_it_was_stopped_has_stopped() -> None:
    stopping = msgspec.structs.replace(REMEMBERED, stopping=True)
    assert ending_of(step(STOP, None, stopping)).reason == "drained"


def test_a_stop_that_was_taken_back_after_the_signal_still_ends_the_task() -> None:
    stopping = msgspec.structs.replace(REMEMBERED, stopping=True)
    assert step(a_task(), RUNNING, stopping).action is None
    assert ending_of(step(a_task(), exited(143), stopping)).reason == "stopped"
    assert ending_of(step(a_task(), None, stopping)).reason == "stopped"


# Not held.


def test_what_is_not_held_is_stopped_with_the_grace_that_is_remembered_then_removed() -> None:
    memory = msgspec.structs.replace(REMEMBERED, stop=Stop("SIGQUIT", 2.0))
    assert step(None, RUNNING, memory).action == StopContainer("t1", "c1", Stop("SIGQUIT", 2.0))
    assert step(None, exited(0), memory).action == Remove("t1", "c1")
    assert step(None, CREATED, memory).action == Remove("t1", "c1")
    assert step(None, None, memory).memory is None


def test_what_is_not_held_and_not_known_gets_ten_seconds() -> None:
    assert step(None, RUNNING).action == StopContainer("t1", "c1", Stop("SIGTERM", 10.0))


def test_the_container_of_an_ended_task_is_kept_for_its_logs() -> None:
    assert step(None, exited(0), REMEMBERED, ended=("t1",)) == Step(REMEMBERED)
    assert step(None, RUNNING, REMEMBERED, ended=("t1",)).action == StopContainer("t1", "c1", Stop())


# Around it.


def test_before_there_is_an_assignment_nothing_is_done() -> None:
    assert plan(Holdings(), {"t1": [RUNNING]}, {"t1": REMEMBERED}, NOW) == {}
    assert plan_task(Holdings(), "t1", [exited(0)], REMEMBERED, NOW) == Step(REMEMBERED)


def test_of_two_containers_the_running_one_stays() -> None:
    other = Container("c2", "t1", "exited", started_ms=NOW)
    made = plan_task(holding(a_task()), "t1", [RUNNING, other], None, NOW)
    assert made.action == Remove("t1", "c2")
    both = [msgspec.structs.replace(RUNNING, id="c0", started_ms=NOW), RUNNING]
    assert plan_task(holding(a_task()), "t1", both, REMEMBERED, NOW).action == StopContainer("t1", "c0", Stop())


def test_everything_that_is_held_seen_or_remembered_is_planned() -> None:
    containers = {"t2": [Container("c2", "t2", "exited")]}
    steps = plan(holding(a_task("t1")), containers, {"t3": TaskMemory()}, NOW)
    assert set(steps) == {"t1", "t2", "t3"}
    assert steps["t3"].memory is None
    assert set(plan(holding(a_task("t1")), containers, {}, NOW, tasks=["t2"])) == {"t2"}
