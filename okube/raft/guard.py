"""The AppendEntries guard: narrows the leader's message before pysyncobj sees it.

pysyncobj truncates whatever follows ``prev``, also entries that match. Raft allows that only on a conflict: a truncated
entry may have been acknowledged, and if the leader dies before it is appended again, it is gone. So pysyncobj is
handed only what is new, starting right after the last entry that matches.
"""

from typing import NamedTuple, Protocol

__all__ = ["Diverged", "LogView", "Narrowed", "narrow"]


class LogView(Protocol):
    """What the guard needs to know of a log."""

    @property
    def base_index(self) -> int:
        """The index before the first entry; everything up to it is committed."""

    @property
    def last_index(self) -> int:
        """The index of the last entry."""

    def term_at(self, index: int) -> int | None:
        """The term of an entry, or of the base; None if the log does not hold it."""


class Diverged(Exception):
    """The leader's log contradicts an entry that is committed here. It cannot happen; the process must not go on."""


class Narrowed(NamedTuple):
    """What to hand on. The entries start at ``prev_index`` + 1.

    ``end``: nothing is new and the log goes on beyond what matched; pysyncobj must see a log that ends here, for this
    one message, so that it acknowledges exactly what matched and deletes nothing.
    """

    prev_index: int
    prev_term: int
    entries: list[tuple[int, bytes]]
    end: int | None = None


def narrow(
    log: LogView, prev_index: int, prev_term: int, entries: list[tuple[int, bytes]], *, commit_index: int
) -> Narrowed:
    """Take away from (``prev``, ``entries``) what the log holds already.

    A message whose ``prev`` the log does not hold, or holds with another term, is handed on without entries: pysyncobj
    refuses it and tells the leader where to go on.

    Raises:
        Diverged: the message contradicts a committed entry.
    """
    if prev_index < log.base_index:
        # What a snapshot covers is committed, and so is in the log of every leader.
        entries = entries[log.base_index - prev_index :]
        prev_index, prev_term = log.base_index, log.term_at(log.base_index) or 0
    own_term = log.term_at(prev_index)
    if own_term != prev_term:
        if own_term is not None and prev_index <= commit_index:
            raise Diverged(f"entry {prev_index} is of term {own_term} here, committed, and {prev_term} at the leader")
        return Narrowed(prev_index, prev_term, [])
    matched = _count_matching(log, prev_index, entries)
    prev_index += matched
    prev_term = entries[matched - 1][0] if matched else prev_term
    entries = entries[matched:]
    if not entries:
        return Narrowed(prev_index, prev_term, [], None if prev_index == log.last_index else prev_index)
    if prev_index < log.last_index and prev_index < commit_index:
        raise Diverged(f"entry {prev_index + 1} is committed here and the leader holds another of term {entries[0][0]}")
    return Narrowed(prev_index, prev_term, entries)


def _count_matching(log: LogView, prev_index: int, entries: list[tuple[int, bytes]]) -> int:
    for place, (term, _) in enumerate(entries):
        if log.term_at(prev_index + 1 + place) != term:
            return place
    return len(entries)
