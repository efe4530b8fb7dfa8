import msgspec

from okube.model.epoch import Epoch
from okube.model.wire import AssignedTask, Assignment
from okube.worker.assignments import Holdings, Taken, raise_fence, take
from tests.unit.worker.machine import a_task

E1, E2, E3 = Epoch(1, 1), Epoch(1, 2), Epoch(2, 1)
HELD = Holdings(fence=E2, assigned=True, epoch=E2, revision=10, tasks={"t1": a_task("t1")}, ended=frozenset({"t0"}))


def an_assignment(
    *tasks: AssignedTask, epoch: Epoch = E2, revision: int = 11, base: int | None = None, **fields: object
) -> Assignment:
    made = Assignment("w1", "i1", epoch, revision, base, tasks)
    return msgspec.structs.replace(made, **fields)


def taken(holdings: Holdings, assignment: Assignment) -> Taken:
    return take(holdings, assignment, node="w1", instance="i1")


def test_the_first_assignment_is_obeyed() -> None:
    result = taken(Holdings(), an_assignment(a_task("t1"), ended=("t9",)))
    assert result.answer.accepted
    assert (result.answer.epoch, result.answer.revision) == (E2, 11)
    assert result.holdings == Holdings(E2, True, E2, 11, {"t1": a_task("t1")}, frozenset({"t9"}))


def test_a_whole_assignment_replaces_everything() -> None:
    assert set(taken(HELD, an_assignment(a_task("t2"))).holdings.tasks) == {"t2"}


def test_a_delta_changes_what_it_names() -> None:
    stop = a_task("t1", desired="stop")
    result = taken(HELD, an_assignment(stop, a_task("t2"), base=10))
    assert result.holdings.tasks == {"t1": stop, "t2": a_task("t2")}
    later = taken(result.holdings, an_assignment(base=11, revision=12, dropped=("t1",), ended=("t1",)))
    assert set(later.holdings.tasks) == {"t2"}
    assert later.holdings.ended == {"t1"}


def test_a_delta_with_another_base_asks_for_the_whole() -> None:
    for base in (9, 11):
        result = taken(HELD, an_assignment(base=base, revision=12))
        assert not result.answer.accepted
        assert (result.answer.epoch, result.answer.revision) == (E2, 10)
        assert "send the whole" in result.answer.message
        assert result.holdings is HELD


def test_a_delta_of_a_new_epoch_asks_for_the_whole() -> None:
    result = taken(HELD, an_assignment(base=10, epoch=E3))
    assert not result.answer.accepted
    assert result.answer.epoch == E2


def test_a_delta_before_any_assignment_asks_for_the_whole() -> None:
    assert not taken(Holdings(), an_assignment(base=0, epoch=Epoch())).answer.accepted


def test_an_older_epoch_is_refused_whatever_its_revision() -> None:
    result = taken(HELD, an_assignment(epoch=E1, revision=99))
    assert not result.answer.accepted
    assert (result.answer.epoch, result.answer.revision) == (E2, 10)
    assert result.holdings is HELD


def test_an_older_incarnation_is_older_however_high_its_term() -> None:
    held = msgspec.structs.replace(HELD, fence=E3, epoch=E3)
    assert not taken(held, an_assignment(epoch=Epoch(1, 99))).answer.accepted


def test_an_older_revision_of_the_same_epoch_is_refused() -> None:
    result = taken(HELD, an_assignment(revision=9))
    assert not result.answer.accepted
    assert result.answer.revision == 10


def test_the_same_revision_again_is_accepted_and_changes_nothing() -> None:
    for base in (None, 9):
        result = taken(HELD, an_assignment(revision=10, base=base))
        assert result.answer.accepted
        assert result.holdings is HELD


def test_a_new_epoch_may_have_a_lower_revision() -> None:
    result = taken(HELD, an_assignment(epoch=E3, revision=1))
    assert result.answer.accepted
    assert (result.holdings.fence, result.holdings.epoch, result.holdings.revision) == (E3, E3, 1)


def test_another_node_or_instance_is_refused_with_a_sentence() -> None:
    assert "for node w2" in taken(HELD, an_assignment(node="w2")).answer.message
    assert "for instance i2" in taken(HELD, an_assignment(instance="i2")).answer.message
    assert not taken(HELD, an_assignment(node="w2")).answer.accepted
    assert not taken(HELD, an_assignment(instance="i2", epoch=E3)).answer.accepted


def test_a_raised_fence_refuses_the_epoch_that_is_held() -> None:
    fenced = raise_fence(HELD, E3)
    assert fenced.tasks == HELD.tasks
    result = taken(fenced, an_assignment(revision=11))
    assert not result.answer.accepted
    assert (result.answer.epoch, result.answer.revision) == (E3, 0)
    assert taken(fenced, an_assignment(epoch=E3)).answer.accepted


def test_a_fence_never_goes_down() -> None:
    assert raise_fence(HELD, E1) is HELD
    assert raise_fence(HELD, E2) is HELD


def test_a_lost_fence_obeys_nobody_until_an_epoch_is_told() -> None:
    lost = msgspec.structs.replace(HELD, fence=None)
    assert not taken(lost, an_assignment(epoch=E3)).answer.accepted
    assert raise_fence(lost, E3).fence == E3
    assert raise_fence(lost, E1).fence == E2
