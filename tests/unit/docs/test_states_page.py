"""docs/states.md names all that the code can say, so that it cannot go stale."""

import re
from pathlib import Path
from typing import get_args

import pytest

from okube.manager.backoff import start_delay_ms
from okube.model.event import EVENT_KINDS, KEPT_EVENTS
from okube.model.node import BLOCKING_CONDITIONS, Availability, Condition, NodeState
from okube.model.spec import RestartPolicy
from okube.model.task import KEPT_ENDED_TASKS, Reason, Task, TaskState
from okube.model.workload_views import AppState
from okube.state.requests import KEPT_BYTES, KEPT_MS, KEPT_NUMBER
from okube.worker import endings

_PAGE = (Path(__file__).parents[3] / "docs" / "states.md").read_text()

_CONDITIONS = sorted(set(re.findall(r"``([a-z]+(?:-[a-z]+)*)``", str(Condition.__doc__))) - {"kind"})


def _section(title: str) -> str:
    """What stands between the heading ``title`` and the next one of its rank."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", _PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, f"docs/states.md has no section {title!r}"
    return found[1]


def _words(section: str, column: int = 0) -> set[str]:
    """The words in backticks that stand in one column of a section's tables."""
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return {word for row in rows if len(row) > column for word in re.findall(r"`([\w-]+)`", row[column])}


@pytest.mark.parametrize("reason", get_args(Reason))
def test_every_reason_has_its_row(reason: str) -> None:
    assert reason in _words(_section("Reasons"))


def test_no_row_stands_for_a_reason_that_there_is_not() -> None:
    assert _words(_section("Reasons")) <= set(get_args(Reason))


@pytest.mark.parametrize("state", get_args(TaskState))
def test_every_state_of_a_task_has_its_row(state: str) -> None:
    assert state in _words(_section("Tasks"))


@pytest.mark.parametrize("desired", get_args(Task.__annotations__["desired"]))
def test_what_is_wanted_of_a_task_is_told(desired: str) -> None:
    assert f"`{desired}`" in _section("Tasks")


@pytest.mark.parametrize("word", [*get_args(NodeState), *get_args(Availability)])
def test_every_state_and_availability_of_a_node_has_its_row(word: str) -> None:
    assert word in _words(_section("Nodes"), column=1)


@pytest.mark.parametrize("policy", get_args(RestartPolicy))
def test_every_restart_policy_has_its_column(policy: str) -> None:
    assert f"`{policy}" in _section("When a container ends").split("\n|---", maxsplit=1)[0]


def test_how_many_ended_tasks_are_kept_is_told() -> None:
    assert f"| ended tasks | {KEPT_ENDED_TASKS} a slot" in _section("How much history is kept")


def test_how_long_results_of_requests_are_kept_is_told() -> None:
    told = f"{KEPT_MS // 60_000} minutes, at most {KEPT_NUMBER:,} and {KEPT_BYTES >> 20} MiB of answers"
    assert told in _section("How much history is kept")


@pytest.mark.parametrize(
    ("first_ms", "longest_ms", "anew"),
    [
        (endings.delay_ms(0), endings.MAX_DELAY_MS, f"has run for {endings.STEADY_MS // 1000} s"),
        (start_delay_ms(1), start_delay_ms(100), "with another version of the service"),
    ],
)
def test_how_long_is_waited_before_the_next_try_is_told(first_ms: int, longest_ms: int, anew: str) -> None:
    rows = [line for line in _section("Back-off").splitlines() if line.startswith("|")]
    first, longest = f"| {first_ms / 1000:g} s |", f"| {longest_ms // 60_000} min |"
    assert any(first in row and longest in row and anew in row for row in rows)


@pytest.mark.parametrize("kind", sorted(EVENT_KINDS))
def test_every_kind_of_event_has_its_row(kind: str) -> None:
    assert kind in _words(_section("Events"))


def test_no_row_stands_for_a_kind_of_event_that_there_is_not() -> None:
    assert _words(_section("Events")) <= EVENT_KINDS


def test_how_many_events_are_kept_is_told() -> None:
    assert f"The newest {KEPT_EVENTS:,} are kept" in " ".join(_section("Events").split())
    assert f"| events | {KEPT_EVENTS:,} |" in _section("How much history is kept")


@pytest.mark.parametrize("state", get_args(AppState))
def test_every_state_of_an_app_has_its_row(state: str) -> None:
    assert state in _words(_section("Apps"))


@pytest.mark.parametrize("condition", _CONDITIONS)
def test_every_condition_of_a_node_has_its_row(condition: str) -> None:
    assert condition in _words(_section("Conditions"))


def test_conditions_that_take_no_new_tasks_are_told() -> None:
    rows = [line for line in _section("Conditions").splitlines() if "no new tasks" in line]
    assert {re.findall(r"`([\w-]+)`", row)[0] for row in rows} == set(BLOCKING_CONDITIONS)
