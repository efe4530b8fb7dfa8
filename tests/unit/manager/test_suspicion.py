"""When silence is believed."""

import pytest

from okube.manager.suspicion import Limits, LivenessPlan, Silence, is_braked, plan_liveness

LIMITS = Limits(down_after_s=3.0, heartbeat_s=1.0)


def _plan(*silences: Silence, ready: int = 9, others: int = 2) -> LivenessPlan:
    return plan_liveness(silences, ready=ready, leader="m1", others=others, limits=LIMITS)


def test_a_node_is_called_before_it_has_been_silent_for_too_long() -> None:
    assert _plan(Silence("w1", 2.0)).call == ()
    assert _plan(Silence("w1", 2.5)).call == ("w1",)
    assert _plan(Silence("w1", 2.5, asked=True)).call == ()


def test_silence_alone_is_never_enough() -> None:
    assert _plan(Silence("w1", 1000.0)).down == ()
    assert _plan(Silence("w1", 1000.0, asked=True)).down == ()


def test_a_node_that_nobody_reached_is_down_when_its_time_is_over_and_not_before() -> None:
    reached = {"m1": False, "m2": False, "m3": False}
    assert _plan(Silence("w1", 2.9, reached=reached)) == LivenessPlan()
    assert _plan(Silence("w1", 3.01, reached=reached)).down == ("w1",)


@pytest.mark.parametrize("who", ["m1", "m2", "m3"])
def test_whoever_is_reached_by_any_manager_lives(who: str) -> None:
    reached = {"m1": False, "m2": False, "m3": False} | {who: True}
    plan = _plan(Silence("w1", 5.0, reached=reached))
    assert (plan.alive, plan.down) == (("w1",), ())


def test_one_silent_node_of_many_is_down_though_no_other_manager_answers() -> None:
    plan = _plan(Silence("w1", 3.5, reached={"m1": False}))
    assert not plan.braked
    assert plan.down == ("w1",)


def test_many_silent_nodes_are_not_down_before_another_manager_agrees_for_each() -> None:
    alone, agreed = {"m1": False}, {"m1": False, "m3": False}
    plan = _plan(Silence("w1", 3.5, reached=alone), Silence("w2", 3.5, reached=agreed), ready=5)
    assert plan.braked
    assert plan.down == ("w2",)
    assert plan.call == ("w1",)


def test_nodes_that_are_not_silent_for_too_long_yet_count_for_the_brake() -> None:
    assert _plan(Silence("w1", 3.1, reached={"m1": False}), Silence("w2", 2.1), ready=3).down == ()


def test_a_lone_manager_decides_alone() -> None:
    plan = _plan(
        Silence("w1", 3.5, reached={"m1": False}), Silence("w2", 3.5, reached={"m1": False}), ready=2, others=0
    )
    assert plan.down == ("w1", "w2")


def test_the_leaders_own_call_is_needed_too() -> None:
    assert _plan(Silence("w1", 3.5, reached={"m2": False, "m3": False})).down == ()


@pytest.mark.parametrize(
    ("silent", "ready", "braked"),
    [
        (0, 3, False),
        (1, 1, True),
        (1, 2, False),
        (1, 3, False),
        (2, 3, True),
        (2, 6, True),
        (2, 7, False),
        (9, 9, True),
    ],
)
def test_the_brake_holds_for_a_third_of_the_nodes_or_all(silent: int, ready: int, braked: bool) -> None:
    assert is_braked(silent, ready) is braked


def test_a_late_heartbeat_is_no_silence_at_the_shortest_times_that_are_allowed() -> None:
    limits = Limits(down_after_s=2.0, heartbeat_s=1.0)
    assert limits.heartbeat_s < limits.silent_after_s <= limits.call_after_s < limits.down_after_s
