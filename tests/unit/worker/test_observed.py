import msgspec

from okube.worker.observed import Observed
from okube.worker.runtime.base import Container

C1 = Container("c1", "t1", "created")
C1_RUNS = msgspec.structs.replace(C1, state="running")
C2 = Container("c2", "t2", "running")


def everything(task_id: str) -> bool:
    return True


def test_a_look_brings_what_is_there_and_drops_what_is_not() -> None:
    observed = Observed()
    assert observed.replace([C1, C2], observed.moment(), trusted=everything) == {"t1", "t2"}
    assert observed.replace([C2], observed.moment(), trusted=everything) == {"t1"}
    assert observed.by_task() == {"t2": (C2,)}


def test_a_look_does_not_undo_a_step_that_was_taken_meanwhile() -> None:
    observed = Observed()
    observed.replace([C1], observed.moment(), trusted=everything)
    began = observed.moment()
    observed.put(C1_RUNS)
    assert observed.replace([C1], began, trusted=everything) == set()
    assert observed.of("t1") == (C1_RUNS,)
    assert observed.replace([C1], observed.moment(), trusted=everything) == {"t1"}


def test_a_look_does_not_bring_back_what_was_removed_meanwhile() -> None:
    observed = Observed()
    observed.put(C1)
    began = observed.moment()
    observed.drop("t1", "c1")
    observed.replace([C1], began, trusted=everything)
    assert observed.tasks() == set()


def test_of_tasks_under_way_a_look_says_nothing() -> None:
    observed = Observed()
    observed.put(C1_RUNS)
    observed.replace([C2], observed.moment(), trusted=lambda task_id: task_id != "t1")
    assert observed.tasks() == {"t1", "t2"}


def test_a_task_may_have_two_containers() -> None:
    observed = Observed()
    other = Container("c9", "t1", "exited")
    observed.replace([C1, other], observed.moment(), trusted=everything)
    assert set(observed.of("t1")) == {C1, other}
    observed.drop("t1", "c9")
    assert observed.of("t1") == (C1,)


def test_dropping_what_is_not_there_is_no_error() -> None:
    observed = Observed()
    observed.drop("t1", "c1")
    assert observed.of("t1") == ()
