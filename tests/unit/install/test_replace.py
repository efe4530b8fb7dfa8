"""Which step is next until a manager is on another machine, or has a new disk."""

import pytest

from okube.install.nodes import Done, InCluster, OnMachine, Step
from okube.install.replace import next_to_replace
from okube.model.errors import Conflict, NotFound

HERE, THERE = "192.0.2.12", "192.0.2.22"
M1 = InCluster(instance="i1", host="192.0.2.11")
M3 = InCluster(instance="i3", host="192.0.2.13")
OLD = InCluster(instance="i2", host=HERE, answers=False)
NEW = InCluster(instance="i9", host=THERE, answers=False, voter=False)
RUNS = OnMachine(laid_out=True, cluster_id="c1", instance="i9", unit=True, enabled=True, runs=True, serves=True)
LOST = OnMachine(reachable=False)


def step(
    machine: OnMachine,
    m2: InCluster | None,
    *,
    host: str = THERE,
    former: OnMachine | None = LOST,
    m1: InCluster = M1,
    m3: InCluster | None = M3,
) -> Step | Done:
    members = {"m1": m1, "m2": m2, "m3": m3}
    there = {name: member for name, member in members.items() if member is not None}
    return next_to_replace("m2", host, "c1", machine, there, former=former, begun=True)


def verb(*args: object, **kwargs: object) -> str:
    found = step(*args, **kwargs)  # type: ignore[arg-type]
    return found.verb if isinstance(found, Step) else "done"


def test_the_new_machine_is_made_ready_before_the_old_manager_goes() -> None:
    assert verb(OnMachine(), OLD) == "install"
    assert verb(OnMachine(laid_out=True), OLD) == "forget"


def test_the_new_one_joins_once_the_old_one_is_no_member() -> None:
    assert verb(OnMachine(laid_out=True), None) == "join"
    assert verb(OnMachine(laid_out=True, drawn="i9"), NEW) == "join"


def test_the_new_one_is_not_taken_for_the_one_that_is_to_go() -> None:
    assert verb(OnMachine(laid_out=True, cluster_id="c1", instance="i9"), NEW) == "start"
    assert verb(RUNS, NEW) == "wait"


def test_a_manager_that_was_moved_by_hand_has_another_address_and_was_not_replaced() -> None:
    moved = OnMachine(laid_out=True, cluster_id="c1", instance="i2")
    with pytest.raises(Conflict, match=r"okube cluster readdress 192\.0\.2\.12=192\.0\.2\.22"):
        step(moved, OLD)


def test_what_is_left_on_the_former_machine_goes_last() -> None:
    votes = InCluster(instance="i9", host=THERE)
    old = OnMachine(laid_out=True, cluster_id="c1", instance="i2", unit=True, enabled=True, runs=True, serves=True)
    found = step(RUNS, votes, former=old)
    assert isinstance(found, Step)
    assert (found.verb, found.former) == ("stop", True)
    found = step(RUNS, votes, former=OnMachine(instance="i2", unit=True))
    assert isinstance(found, Step)
    assert (found.verb, found.former) == ("clear", True)
    assert verb(RUNS, votes, former=OnMachine()) == "done"


def test_a_former_machine_that_is_lost_is_named_and_holds_nothing_up() -> None:
    done = step(RUNS, InCluster(instance="i9", host=THERE))
    assert isinstance(done, Done)
    assert "if it comes back" in done.notes[0]


def test_a_machine_that_was_made_anew_at_the_same_address_is_another_one() -> None:
    assert verb(OnMachine(), OLD, host=HERE, former=None) == "install"
    assert verb(OnMachine(laid_out=True), OLD, host=HERE, former=None) == "forget"


def test_one_that_cannot_start_with_what_it_has_is_put_aside_and_joins_anew() -> None:
    broken = OnMachine(laid_out=True, cluster_id="c1", instance="i2", unit=True, enabled=True)
    assert verb(broken, OLD, host=HERE, former=None) == "forget"
    assert verb(broken, None, host=HERE, former=None) == "set-aside"
    again = OnMachine(laid_out=True, cluster_id="c1", instance="i2", unit=True, enabled=True, runs=True)
    assert verb(again, OLD, host=HERE, former=None) == "forget"
    assert verb(again, None, host=HERE, former=None) == "stop"


def test_one_that_is_well_where_it_is_stays() -> None:
    well = InCluster(instance="i9", host=THERE)
    assert verb(RUNS, well, former=None) == "done"


def test_nothing_is_begun_where_the_others_would_have_no_majority() -> None:
    silent = InCluster(instance="i3", host="192.0.2.13", answers=False)
    with pytest.raises(Conflict, match="no majority, for m3 does not answer either"):
        step(OnMachine(), OLD, m3=silent)


def test_the_only_manager_is_not_replaced() -> None:
    with pytest.raises(Conflict, match="m2 is the only manager"):
        next_to_replace("m2", THERE, "c1", OnMachine(), {"m2": OLD})


def test_who_is_no_manager_is_not_replaced() -> None:
    with pytest.raises(NotFound, match="m9 is no manager of the cluster; it has m1"):
        next_to_replace("m9", THERE, "c1", OnMachine(), {"m1": M1})
