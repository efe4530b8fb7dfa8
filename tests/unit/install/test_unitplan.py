"""What is to be done so that a supervisor runs what it should."""

from okube.install.init import UnitState
from okube.install.unitplan import Found, Wanted, steps_for

UNIT = "okube-manager-m1.service"
RUNS = UnitState("active", is_enabled=True, pid=7)


def _verbs(found: Found, *, start: bool = True) -> list[str]:
    return [step.verb for step in steps_for([Wanted(UNIT, "new")], {UNIT: found}, start=start)]


def test_a_unit_that_is_not_there_is_written_enabled_and_started() -> None:
    assert _verbs(Found(None)) == ["write", "enable", "start"]


def test_a_unit_that_is_as_it_should_be_is_left_alone() -> None:
    assert _verbs(Found("new", RUNS)) == []


def test_a_unit_with_another_text_is_restarted_once() -> None:
    assert _verbs(Found("old", RUNS)) == ["write", "restart"]


def test_a_process_that_okube_up_started_is_taken_over() -> None:
    assert _verbs(Found(None, elsewhere=42)) == ["write", "enable", "take over", "start"]


def test_nothing_is_started_or_ended_where_that_is_not_asked_for() -> None:
    assert _verbs(Found("old", RUNS, elsewhere=42), start=False) == ["write"]


def test_a_unit_that_failed_is_started_again() -> None:
    assert _verbs(Found("new", UnitState("failed", is_enabled=True))) == ["start"]
