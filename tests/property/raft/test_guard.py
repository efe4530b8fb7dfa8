from hypothesis import given
from hypothesis import strategies as st

from okube.raft.guard import Diverged, narrow

Terms = list[int]


class Log:
    base_index = 1

    def __init__(self, terms: Terms) -> None:
        self.terms = [0, *terms]

    @property
    def last_index(self) -> int:
        return len(self.terms)

    def term_at(self, index: int) -> int | None:
        return self.terms[index - 1] if 1 <= index <= len(self.terms) else None


terms = st.lists(st.integers(1, 4), max_size=8).map(sorted)


@given(own=terms, leaders=terms, start=st.integers(0, 8), count=st.integers(0, 8), committed=st.integers(0, 8))
def test_what_is_handed_on_makes_of_the_log_what_raft_says(
    own: Terms, leaders: Terms, start: int, count: int, committed: int
) -> None:
    """Against Raft's own rule: a conflicting entry and all after it go, new ones are appended, nothing else changes."""
    log = Log(own)
    leader = Log(leaders)
    prev_index = min(1 + start, leader.last_index)
    entries = [(term, b"") for term in leader.terms[prev_index : prev_index + count]]
    prev_term = leader.terms[prev_index - 1]
    commit_index = min(1 + committed, log.last_index)
    connects = log.term_at(prev_index) == prev_term
    expected = list(log.terms)
    if connects:
        for place, (term, _) in enumerate(entries, start=prev_index):
            if place >= len(expected) or expected[place] != term:
                expected = expected[:place] + [term for term, _ in entries[place - prev_index :]]
                break
    changes_committed = expected[:commit_index] != log.terms[:commit_index]
    refuses_committed = not connects and prev_index <= commit_index
    try:
        handed = narrow(log, prev_index, prev_term, entries, commit_index=commit_index)
    except Diverged:
        assert changes_committed or refuses_committed
        return
    assert not changes_committed
    if not connects:
        assert handed.entries == []
        return
    seen = log.terms if handed.end is None else log.terms[: handed.end]
    # What pysyncobj makes of it: it cuts off whatever it sees after ``prev`` and appends.
    hidden = log.terms[len(seen) :]
    made = seen[: handed.prev_index] + [term for term, _ in handed.entries] + hidden
    assert made == expected
    assert handed.prev_index + len(handed.entries) == prev_index + len(entries)
