"""The sync barrier: a vote, a new term and an acknowledgement leave only when what they promise is durable.

Frames wait here for a position of the journal, in order. Meanwhile a slow follower goes on acknowledging what it has
synced already, so that a disk which stalls for seconds costs neither its link nor an election.
"""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

from okube.raft.frames import Appended, Body

__all__ = ["Outbox", "SyncState"]


class SyncState(Protocol):
    """What of the journal is durable."""

    @property
    def position(self) -> int:
        """Records appended."""

    @property
    def synced_position(self) -> int:
        """Records durable."""

    @property
    def term_position(self) -> int:
        """The record of the current term and vote."""

    @property
    def synced_index(self) -> int:
        """Entries durable."""


class _Waiting(NamedTuple):
    position: int
    term: int
    peer: str
    body: Body


class Outbox:
    """Holds back what depends on a sync; ``transmit(peer, term, body)`` is called with what may leave."""

    def __init__(self, journal: SyncState, transmit: Callable[[str, int, Body], None]) -> None:
        self._journal = journal
        self._transmit = transmit
        self._waiting: deque[_Waiting] = deque()

    def send(self, peer: str, term: int, body: Body) -> None:
        """Send what promises something, now if all of the journal is durable, else after the sync that covers it."""
        journal = self._journal
        if journal.synced_position >= journal.position:
            self._transmit(peer, term, body)
            return
        if isinstance(body, Appended) and self._acknowledge_synced(peer, term, body):
            return
        self._waiting.append(_Waiting(journal.position, term, peer, body))

    def flush(self, term: int) -> None:
        """After a sync: send what it covers. What was meant for another term than this is worthless and dropped."""
        while self._waiting and self._waiting[0].position <= self._journal.synced_position:
            waiting = self._waiting.popleft()
            if waiting.term == term:
                self._transmit(waiting.peer, waiting.term, waiting.body)

    def clear(self) -> None:
        """Drop everything."""
        self._waiting.clear()

    def _acknowledge_synced(self, peer: str, term: int, body: Appended) -> bool:
        """Send what is true already; whether that was all of it."""
        if self._journal.term_position > self._journal.synced_position:
            return False
        durable = min(body.next_index, self._journal.synced_index + 1) if body.success else body.next_index
        self._transmit(peer, term, Appended(durable, body.success, body.reset))
        return durable == body.next_index
