"""Which step is next until a process takes part."""

import pytest

from okube.install.nodes import Done, InCluster, OnMachine, Step
from okube.install.nodes_add import next_to_add
from okube.model.errors import Conflict, Unreachable

THERE = OnMachine(laid_out=True, cluster_id="c1", instance="i1", unit=True, enabled=True, runs=True, serves=True)


def verb(machine: OnMachine, known: InCluster | None, *, role: str = "worker", learning: tuple[str, ...] = ()) -> str:
    step = next_to_add("w4", "manager" if role == "manager" else "worker", "c1", machine, known, learning=learning)
    return step.verb if isinstance(step, Step) else "done"


def test_a_bare_machine_is_installed_first() -> None:
    assert verb(OnMachine(), None) == "install"


def test_a_machine_that_has_what_it_needs_joins() -> None:
    assert verb(OnMachine(laid_out=True), None) == "join"


def test_one_that_has_joined_is_started_and_waited_for() -> None:
    known = InCluster(instance="i1", host="192.0.2.24", answers=False)
    assert verb(OnMachine(laid_out=True, cluster_id="c1", instance="i1"), known) == "start"
    assert verb(OnMachine(laid_out=True, cluster_id="c1", instance="i1", runs=True), known) == "start"
    assert verb(THERE, known) == "wait"
    assert verb(THERE, InCluster(instance="i1", host="192.0.2.24")) == "done"


def test_a_manager_is_waited_for_until_it_votes() -> None:
    assert verb(THERE, InCluster(instance="i1", host="192.0.2.24", voter=False), role="manager") == "wait"


def test_a_join_that_was_interrupted_goes_on_with_the_instance_that_was_drawn() -> None:
    known = InCluster(instance="i1", host="192.0.2.24", answers=False)
    assert verb(OnMachine(laid_out=True, drawn="i1"), known) == "join"


def test_managers_join_one_at_a_time() -> None:
    assert verb(OnMachine(laid_out=True), None, role="manager", learning=("m4",)) == "wait"
    assert verb(OnMachine(laid_out=True), None, role="worker", learning=("m4",)) == "join"


def test_a_folder_of_one_that_the_cluster_forgot_is_put_aside_once_nothing_runs_in_it() -> None:
    assert verb(THERE, None) == "stop"
    assert verb(OnMachine(laid_out=True, cluster_id="c1", instance="i0"), None) == "set-aside"
    assert verb(OnMachine(laid_out=True, damaged=True), None) == "set-aside"


def test_a_name_that_another_machine_has_is_refused_with_what_helps() -> None:
    other = InCluster(instance="i7", host="192.0.2.9", answers=False)
    with pytest.raises(Conflict, match="'okube cluster remove-node w4' forgets it"):
        verb(OnMachine(laid_out=True), other)
    with pytest.raises(Conflict, match="'okube cluster replace-manager w4' puts this one in its place"):
        verb(OnMachine(laid_out=True), other, role="manager")


def test_a_folder_of_another_cluster_is_not_touched() -> None:
    with pytest.raises(Conflict, match=r"of another cluster \(c9\)"):
        verb(OnMachine(cluster_id="c9", instance="i1"), None)


def test_a_machine_that_does_not_answer_ends_it() -> None:
    with pytest.raises(Unreachable, match="machine of w4 does not answer"):
        verb(OnMachine(reachable=False), None)


def test_what_is_done_is_said() -> None:
    done = next_to_add("w4", "worker", "c1", THERE, InCluster(instance="i1", host="192.0.2.24"))
    assert done == Done("worker w4 takes part")
