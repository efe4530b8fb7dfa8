from typing import Any

import pytest

from okube.cli.verdict import describe_tasks, judge
from tests.unit.cli.cluster import a_service, a_task

Row = dict[str, Any]


def test_a_service_is_done_when_every_task_is_ready_on_the_newest_version() -> None:
    tasks = [a_task("web.1"), a_task("web.2")]
    assert judge(a_service("web", 2), tasks).done
    assert not judge(a_service("web", 2), tasks[:1]).done
    assert not judge(a_service("web", 2, version=2), tasks).done


@pytest.mark.parametrize("state", ["pending", "scheduled", "running"])
def test_a_task_that_is_not_ready_is_waited_for(state: str) -> None:
    verdict = judge(a_service("web"), [a_task("web.1", state, ready=False)])
    assert not verdict.done
    assert not verdict.hopeless


def test_the_tasks_of_the_version_before_must_be_gone() -> None:
    old = a_task("web.1", id="old", desired="stop")
    verdict = judge(a_service("web", version=2), [old, a_task("web.1", version=2)])
    assert not verdict.done
    assert "1 still to stop" in verdict.summary


def test_a_scale_down_is_done_when_what_is_too_much_is_gone() -> None:
    three = [a_task(f"web.{n}") for n in (1, 2, 3)]
    assert not judge(a_service("web", 2), three).done
    assert not judge(a_service("web", 2), [*three[:2], {**three[2], "desired": "stop"}]).done
    assert judge(a_service("web", 2), [*three[:2], {**three[2], "state": "completed", "desired": "stop"}]).done


def test_a_stopped_service_is_done_when_nothing_runs() -> None:
    stopped = a_service("web", 2, stopped=True)
    assert not judge(stopped, [a_task("web.1")]).done
    assert judge(stopped, [a_task("web.1", "completed", reason="stopped", desired="stop")]).done


@pytest.mark.parametrize(
    ("policy", "reason", "state", "done", "hopeless"),
    [
        ("never", "exited", "completed", True, False),
        ("on-failure", "exited", "completed", True, False),
        ("always", "exited", "completed", False, False),
        ("never", "exit-code", "failed", False, True),
        ("never", "signal", "failed", False, True),
        ("never", "out-of-memory", "failed", False, True),
        ("never", "image-pull", "failed", False, True),
        ("never", "node-lost", "failed", False, False),
        ("on-failure", "exit-code", "failed", False, True),
        ("on-failure", "image-pull", "failed", False, False),
        ("on-failure", "start-failed", "failed", False, False),
        ("always", "start-failed", "failed", False, False),
        ("always", "node-lost", "failed", False, False),
        ("never", "drained", "completed", False, False),
    ],
)
def test_how_a_task_ended_decides_whether_there_is_hope(
    policy: str, reason: str, state: str, done: bool, hopeless: bool
) -> None:
    verdict = judge(a_service("web"), [a_task("web.1", state, reason=reason, restart_policy=policy)])
    assert (verdict.done, bool(verdict.hopeless)) == (done, hopeless)


def test_a_later_task_in_the_slot_takes_the_place_of_a_failed_one() -> None:
    failed = a_task("web.1", "failed", id="a", reason="image-pull", message="there is no such image")
    again = a_task("web.1", "pending", id="b", created_at="2026-01-31T12:00:05.000Z")
    verdict = judge(a_service("web"), [again, failed])
    assert not verdict.hopeless
    assert verdict.troubles == ("web.1 failed: image-pull: there is no such image",)
    assert judge(a_service("web"), [failed, {**again, "state": "running", "ready": True}]).done


def test_a_global_service_wants_one_for_each_node_that_has_or_is_about_to_get_one() -> None:
    everywhere = a_service("agent", mode="global", update={"total": 0})
    assert not judge(everywhere, []).done, "the leader has not looked at it yet"
    assert judge(everywhere, [a_task("agent.1"), a_task("agent.2")]).done
    assert not judge(everywhere, [a_task("agent.1"), a_task("agent.2", "completed", reason="superseded")]).done
    assert judge(everywhere, [a_task("agent.1"), a_task("agent.2", "failed", reason="node-lost")]).done


def test_the_same_trouble_of_many_tasks_is_one_sentence() -> None:
    tasks = [a_task(f"web.{n}", "pending", message="no node fits: 3 nodes: full") for n in range(1, 8)]
    assert describe_tasks(tasks) == ("web.1, web.2, web.3 and 4 more pending: no node fits: 3 nodes: full",)


@pytest.mark.parametrize(
    ("task", "sentence"),
    [
        (a_task("a.1", "failed", reason="exit-code", exit_code=3), "a.1 failed: exit-code: 3"),
        (a_task("a.1", "failed", reason="signal", message="signal 9"), "a.1 failed: signal 9"),
        (a_task("a.1", "failed", reason="exit-code", message="exit code 3"), "a.1 failed: exit code 3"),
        (a_task("a.1", ready=False, message="restarting in 4 s"), "a.1 not ready on w1: restarting in 4 s"),
        (a_task("a.1", desired="stop"), "a.1 stopping on w1"),
        (a_task("a.1", "scheduled", node="w2"), "a.1 starting on w2"),
        (a_task("a.1", "pending"), "a.1 waiting for a node"),
    ],
)
def test_a_trouble_says_state_reason_and_message(task: Row, sentence: str) -> None:
    assert describe_tasks([task]) == (sentence,)


def test_rows_of_another_version_are_judged_without_a_traceback() -> None:
    assert not judge({}, [{}]).done
    judge({"update": 7, "replicas": "x"}, [{"slot": "x", "state": None}])


def test_a_service_that_is_waited_for_to_run_need_not_be_ready() -> None:
    assert judge(a_service("web"), [a_task("web.1", ready=False)], "running").done
    assert not judge(a_service("web"), [a_task("web.1", "scheduled")], "running").done


def test_a_service_is_stopped_when_no_task_is_left() -> None:
    assert not judge(a_service("web"), [a_task("web.1")], "stopped").done
    assert judge(a_service("web"), [a_task("web.1", "completed", reason="stopped")], "stopped").done


def test_a_job_is_completed_when_each_of_its_tasks_has_ended_well() -> None:
    def job(state: str, **fields: Any) -> Row:
        return a_task("job.1", state, restart_policy="on-failure", **fields)

    assert not judge(a_service("job"), [job("running")], "completed").done
    assert judge(a_service("job"), [job("completed", reason="exited")], "completed").done
    assert judge(a_service("job"), [job("failed", reason="exit-code")], "completed").hopeless
    assert judge(a_service("web"), [a_task("web.1")], "completed").hopeless
