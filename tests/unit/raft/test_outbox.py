from okube.raft.frames import Appended, Body, VoteGranted
from okube.raft.outbox import Outbox


class Journal:
    """Ten records, the third of them the term; so many are durable."""

    position = 10
    term_position = 3
    synced_position = 5
    synced_index = 4


class Watch:
    """Seconds, set by the test."""

    now = 50.0


def an_outbox(journal: Journal, watch: Watch | None = None) -> tuple[Outbox, list[tuple[str, int, Body]]]:
    sent: list[tuple[str, int, Body]] = []
    time = watch or Watch()
    return Outbox(journal, lambda *frame: sent.append(frame), now=lambda: time.now, repeat_s=0.1), sent


def test_what_needs_no_sync_leaves_at_once() -> None:
    journal = Journal()
    journal.synced_position = 10
    outbox, sent = an_outbox(journal)
    outbox.send("m2", 1, VoteGranted())
    assert sent == [("m2", 1, VoteGranted())]


def test_a_vote_waits_for_the_sync_that_covers_it() -> None:
    journal = Journal()
    outbox, sent = an_outbox(journal)
    outbox.send("m2", 1, VoteGranted())
    journal.synced_position = 9
    outbox.flush(1)
    assert sent == []
    journal.synced_position = 10
    outbox.flush(1)
    assert sent == [("m2", 1, VoteGranted())]


def test_what_was_meant_for_an_earlier_term_is_dropped() -> None:
    journal = Journal()
    outbox, sent = an_outbox(journal)
    outbox.send("m2", 1, Appended(9, True, False))
    sent.clear()
    journal.synced_position = 10
    outbox.flush(2)
    assert sent == []


def test_while_a_sync_runs_what_is_durable_is_acknowledged() -> None:
    journal = Journal()
    outbox, sent = an_outbox(journal)
    outbox.send("m2", 1, Appended(9, True, False))
    assert sent == [("m2", 1, Appended(5, True, False))]
    journal.synced_position, journal.synced_index = 10, 8
    outbox.flush(1)
    assert sent[1:] == [("m2", 1, Appended(9, True, False))]


def test_what_is_acknowledged_already_is_acknowledged_again_only_after_a_while() -> None:
    journal, watch = Journal(), Watch()
    outbox, sent = an_outbox(journal, watch)
    for _ in range(3):
        outbox.send("m2", 1, Appended(9, True, False))
        watch.now += 0.04
    assert sent == [("m2", 1, Appended(5, True, False))]
    outbox.send("m2", 1, Appended(9, True, False))  # a disk that stalls: its leader must hear that it lives
    assert sent == [("m2", 1, Appended(5, True, False))] * 2


def test_what_became_durable_is_acknowledged_at_once() -> None:
    journal = Journal()
    outbox, sent = an_outbox(journal)
    outbox.send("m2", 1, Appended(9, True, False))
    journal.synced_index = 6
    outbox.send("m2", 1, Appended(9, True, False))
    outbox.send("m3", 2, Appended(9, True, False))
    assert sent == [
        ("m2", 1, Appended(5, True, False)),
        ("m2", 1, Appended(7, True, False)),
        ("m3", 2, Appended(7, True, False)),
    ]


def test_nothing_is_acknowledged_in_a_term_that_is_not_durable() -> None:
    journal = Journal()
    journal.term_position = 7
    outbox, sent = an_outbox(journal)
    outbox.send("m2", 1, Appended(3, True, False))
    assert sent == []
