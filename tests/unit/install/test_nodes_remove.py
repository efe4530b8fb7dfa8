"""Which step is next until a process is gone."""

import pytest

from okube.install.nodes import Done, InCluster, OnMachine, Step
from okube.install.nodes_remove import next_to_remove
from okube.model.errors import Unreachable

THERE = OnMachine(laid_out=True, cluster_id="c1", instance="i1", unit=True, enabled=True, runs=True, serves=True)
FULL = InCluster(instance="i1", host="192.0.2.24")
EMPTY = InCluster(instance="i1", host="192.0.2.24", empty=True)
LOST = InCluster(instance="i1", host="192.0.2.24", answers=False)


def verb(machine: OnMachine, known: InCluster | None, *, role: str = "worker", force: bool = False) -> str:
    step = next_to_remove("x", "manager" if role == "manager" else "worker", machine, known, force=force)
    return step.verb if isinstance(step, Step) else "done"


def test_tasks_move_before_the_agent_ends() -> None:
    assert verb(THERE, FULL) == "drain"


def test_an_agent_without_tasks_ends_before_the_cluster_forgets_it() -> None:
    assert verb(THERE, EMPTY) == "stop"
    assert verb(OnMachine(instance="i1", unit=True), EMPTY) == "forget"


def test_a_manager_is_no_member_any_more_before_it_ends() -> None:
    assert verb(THERE, FULL, role="manager") == "forget"
    assert verb(THERE, None, role="manager") == "stop"


def test_what_is_left_on_the_machine_goes_last() -> None:
    assert verb(OnMachine(instance="i1", unit=True), None) == "clear"
    assert verb(OnMachine(unit=True), None) == "clear"
    assert verb(OnMachine(laid_out=True), None) == "done"


def test_a_machine_that_is_lost_is_forgotten_and_what_it_has_is_said() -> None:
    assert verb(OnMachine(reachable=False), LOST) == "forget"
    done = next_to_remove("w4", "worker", OnMachine(reachable=False), None)
    assert isinstance(done, Done)
    assert "may still have w4's unit and folder" in done.notes[0]


def test_a_node_that_takes_part_is_not_shut_out_only_because_ssh_fails() -> None:
    with pytest.raises(Unreachable, match="--force"):
        verb(OnMachine(reachable=False), FULL)


def test_by_force_it_is_emptied_and_shut_out() -> None:
    assert verb(OnMachine(reachable=False), FULL, force=True) == "drain"
    assert verb(OnMachine(reachable=False), EMPTY, force=True) == "forget"
