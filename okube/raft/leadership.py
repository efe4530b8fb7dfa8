"""Tells listeners when this member becomes a leader that may act, and when it is none any more."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from okube.raft.waits import ChangeWaits

__all__ = ["Leadership", "LeadershipListener", "LeadershipSource"]

LeadershipListener = Callable[[int | None], None]


class LeadershipSource(Protocol):
    """What is watched."""

    @property
    def term(self) -> int:
        """The highest term seen."""

    @property
    def leader(self) -> str | None:
        """Who leads."""

    @property
    def is_leader(self) -> bool:
        """Whether this member leads."""

    @property
    def is_ready_leader(self) -> bool:
        """Whether it has applied an entry of its own term as well."""


class _Seen(NamedTuple):
    term: int
    leader: str | None
    is_leader: bool
    is_ready: bool


class Leadership:
    """Call ``look`` after anything that may have changed it.

    A listener gets the term once this member is a ready leader in it, and None whenever it leads no longer, also if it
    never became ready.
    """

    def __init__(self, source: LeadershipSource, listeners: list[LeadershipListener]) -> None:
        self._source = source
        self._listeners = listeners
        self._seen = _Seen(source.term, None, False, False)
        self.changes = ChangeWaits()

    def look(self) -> None:
        """Compare with what was seen last, and tell."""
        source = self._source
        seen, self._seen = self._seen, _Seen(source.term, source.leader, source.is_leader, source.is_ready_leader)
        if seen == self._seen:
            return
        if seen.is_leader and not self._still_leads(seen):
            self._tell(None)
        if self._seen.is_ready and not (seen.is_ready and self._still_leads(seen)):
            self._tell(self._seen.term)
        self.changes.changed()

    def end(self) -> None:
        """This member stops: it leads no longer."""
        if self._seen.is_leader:
            self._seen = _Seen(self._seen.term, None, False, False)
            self._tell(None)
        self.changes.changed()

    def _still_leads(self, seen: _Seen) -> bool:
        return self._seen.is_leader and self._seen.term == seen.term

    def _tell(self, term: int | None) -> None:
        for listener in self._listeners:
            listener(term)
