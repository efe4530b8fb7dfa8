from okube.model.commands import TaskReport
from okube.worker.outbox import Outbox

RUNNING = TaskReport("t1", "running", ready=True)
WAITING = TaskReport("t1", "running", restarts=1)
OTHER = TaskReport("t2", "running", ready=True)


def test_a_report_waits_until_it_is_confirmed() -> None:
    outbox = Outbox()
    outbox.put(RUNNING)
    assert outbox.batch(9) == outbox.batch(9) == (RUNNING,)
    assert outbox.changed.is_set()
    outbox.confirm((RUNNING,))
    assert outbox.batch(9) == ()
    assert not outbox.changed.is_set()


def test_what_is_confirmed_is_not_sent_again() -> None:
    outbox = Outbox()
    outbox.put(RUNNING)
    outbox.confirm(outbox.batch(9))
    outbox.put(RUNNING)
    assert outbox.batch(9) == ()


def test_only_the_newest_counts() -> None:
    outbox = Outbox()
    outbox.put(RUNNING)
    outbox.put(WAITING)
    assert outbox.batch(9) == (WAITING,)


def test_a_change_while_a_report_is_on_its_way_is_sent_after_it() -> None:
    outbox = Outbox()
    outbox.put(RUNNING)
    batch = outbox.batch(9)
    outbox.put(WAITING)
    outbox.confirm(batch)
    assert outbox.batch(9) == (WAITING,)


def test_a_change_back_is_sent_because_what_is_on_its_way_may_arrive() -> None:
    outbox = Outbox()
    outbox.put(RUNNING)
    outbox.confirm(outbox.batch(9))
    outbox.put(WAITING)
    outbox.batch(9)  # no answer comes
    outbox.put(RUNNING)
    assert outbox.batch(9) == (RUNNING,)


def test_batches_are_bounded_and_the_longest_waiting_goes_first() -> None:
    outbox = Outbox()
    outbox.put(RUNNING)
    outbox.put(OTHER)
    assert outbox.batch(1) == (RUNNING,)
    outbox.confirm((RUNNING,))
    assert outbox.batch(1) == (OTHER,)


def test_a_task_that_is_held_no_longer_is_forgotten() -> None:
    outbox = Outbox()
    outbox.put(RUNNING)
    outbox.put(OTHER)
    outbox.keep_only(["t2"])
    assert outbox.batch(9) == (OTHER,)
    outbox.confirm((RUNNING, OTHER))
    assert (outbox.of("t1"), outbox.of("t2")) == (None, OTHER)
    outbox.keep_only([])
    assert not outbox.changed.is_set()


def test_all_is_sent_again_to_another_leader() -> None:
    outbox = Outbox()
    outbox.put(RUNNING)
    outbox.put(OTHER)
    outbox.confirm(outbox.batch(9))
    outbox.send_all_again()
    assert outbox.batch(9) == (RUNNING, OTHER)
    assert outbox.changed.is_set()
