import pytest

from okube.raft.guard import Diverged, Narrowed, narrow


class Log:
    """Terms of the entries from ``base_index`` on."""

    def __init__(self, *terms: int, base_index: int = 1) -> None:
        self.base_index = base_index
        self._terms = terms

    @property
    def last_index(self) -> int:
        return self.base_index + len(self._terms) - 1

    def term_at(self, index: int) -> int | None:
        place = index - self.base_index
        return self._terms[place] if 0 <= place < len(self._terms) else None


def entries(*terms: int) -> list[tuple[int, bytes]]:
    return [(term, b"x") for term in terms]


def test_new_entries_right_after_the_end_are_handed_on() -> None:
    assert narrow(Log(0, 1, 1), 3, 1, entries(1, 2), commit_index=1) == Narrowed(3, 1, entries(1, 2))


def test_entries_that_are_there_already_are_taken_away() -> None:
    assert narrow(Log(0, 1, 1), 1, 0, entries(1, 1, 2), commit_index=1) == Narrowed(3, 1, entries(2))


def test_when_nothing_is_new_the_log_is_shown_up_to_what_matched() -> None:
    assert narrow(Log(0, 1, 1, 1), 1, 0, entries(1), commit_index=4) == Narrowed(2, 1, [], end=2)


def test_a_heartbeat_in_the_middle_of_the_log_is_shown_up_to_there() -> None:
    assert narrow(Log(0, 1, 1, 1), 2, 1, [], commit_index=4) == Narrowed(2, 1, [], end=2)


def test_a_heartbeat_at_the_end_needs_no_view() -> None:
    assert narrow(Log(0, 1, 1), 3, 1, [], commit_index=1) == Narrowed(3, 1, [])


def test_a_conflict_is_handed_on_from_where_it_is() -> None:
    assert narrow(Log(0, 1, 1, 1), 1, 0, entries(1, 2, 2), commit_index=2) == Narrowed(2, 1, entries(2, 2))


def test_a_message_that_does_not_connect_is_handed_on_without_entries() -> None:
    assert narrow(Log(0, 1), 5, 1, entries(1), commit_index=1) == Narrowed(5, 1, [])
    assert narrow(Log(0, 1, 1), 3, 2, entries(2), commit_index=1) == Narrowed(3, 2, [])


def test_what_a_snapshot_covers_is_taken_away() -> None:
    log = Log(1, 1, base_index=10)
    assert narrow(log, 8, 1, entries(1, 1, 1, 2), commit_index=10) == Narrowed(11, 1, entries(2))
    assert narrow(log, 5, 1, entries(1), commit_index=10) == Narrowed(10, 1, [], end=10)


def test_a_conflict_with_a_committed_entry_is_never_handed_on() -> None:
    with pytest.raises(Diverged):
        narrow(Log(0, 1, 1), 1, 0, entries(1, 2), commit_index=3)
    with pytest.raises(Diverged):
        narrow(Log(0, 1, 1), 3, 2, entries(2), commit_index=3)
