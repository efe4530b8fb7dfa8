"""The sync barrier: a vote, a new term and an acknowledgement leave only when what they promise is durable.

Frames wait here for a position of the journal, in order. Meanwhile a slow follower goes on acknowledging what it has
synced already, so that a disk which stalls for seconds costs neither its link nor an election; but for a while it says
the same thing once, because most syncs are over by then.
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

    def __init__(
        self,
        journal: SyncState,
        transmit: Callable[[str, int, Body], None],
        *,
        now: Callable[[], float],
        repeat_s: float,
    ) -> None:
        self._journal = journal
        self._transmit = transmit
        self._now = now
        self._repeat_s = repeat_s  # what is acknowledged already is acknowledged again after so long
        self._acknowledged: tuple[str, int, int] | None = None
        self._acknowledged_at = 0.0
        self._waiting: deque[_Waiting] = deque()

    def send(self, peer: str, term: int, body: Body) -> None:
        """Send what promises something, now if all of the journal is durable, else after the sync that covers it."""
        journal = self._journal
        if journal.synced_position >= journal.position:
            self._leave(peer, term, body)
            return
        if isinstance(body, Appended) and self._acknowledge_synced(peer, term, body):
            return
        self._waiting.append(_Waiting(journal.position, term, peer, body))

    def flush(self, term: int) -> None:
        """After a sync: send what it covers. What was meant for another term than this is worthless and dropped."""
        while self._waiting and self._waiting[0].position <= self._journal.synced_position:
            waiting = self._waiting.popleft()
            if waiting.term == term:
                self._leave(waiting.peer, waiting.term, waiting.body)

    def clear(self) -> None:
        """Drop everything."""
        self._waiting.clear()

    def _acknowledge_synced(self, peer: str, term: int, body: Appended) -> bool:
        """Send what is true already; whether that was all of it."""
        if self._journal.term_position > self._journal.synced_position:
            return False
        durable = min(body.next_index, self._journal.synced_index + 1) if body.success else body.next_index
        is_all = durable == body.next_index
        if is_all or self._is_news(peer, term, durable):
            self._leave(peer, term, Appended(durable, body.success, body.reset))
        return is_all

    def _is_news(self, peer: str, term: int, durable: int) -> bool:
        return (peer, term, durable) != self._acknowledged or self._now() >= self._acknowledged_at + self._repeat_s

    def _leave(self, peer: str, term: int, body: Body) -> None:
        if isinstance(body, Appended):
            self._acknowledged = (peer, term, body.next_index) if body.success else None
            self._acknowledged_at = self._now()
        self._transmit(peer, term, body)
