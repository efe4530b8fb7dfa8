"""How much is on its way to each follower, so that one that lags is not buried in entries."""

from collections import deque
from collections.abc import Iterator

__all__ = ["PIECE_BYTES", "Flow", "in_pieces"]

PIECE_BYTES = 32 * 1024
"""Each message is a sign of life too: this much takes a quarter of a second on a link of 1 Mbit/s."""

Entries = list[tuple[int, bytes]]
"""(term, command) of entries that follow each other."""


def in_pieces(entries: Entries) -> Iterator[tuple[int, Entries]]:
    """Entries as several messages, each with the place of its first: no more bytes in one, or a single entry.

    A large one would arrive whole or not at all, and on a slow link its receiver would hear nothing for seconds. No
    entries make one message without any, which is a heartbeat.
    """
    first = size = 0
    for place, (_, command) in enumerate(entries):
        if place > first and size + len(command) > PIECE_BYTES:
            yield first, entries[first:place]
            first, size = place, 0
        size += len(command)
    yield first, entries[first:]


class Flow:
    """Entries sent to one follower and not acknowledged, in bytes."""

    def __init__(self, window_bytes: int) -> None:
        self._window_bytes = window_bytes
        self._in_flight: deque[tuple[int, int]] = deque()
        self._bytes = 0
        self.last_sent_at = 0.0
        self.told_commit = 0

    @property
    def has_room(self) -> bool:
        """Whether more may be sent; the first message over the window still goes."""
        return self._bytes < self._window_bytes

    def sent(self, last_index: int, size_bytes: int, now: float) -> None:
        """A message left that ends with the entry ``last_index``; a heartbeat has no size."""
        self.last_sent_at = now
        if size_bytes:
            self._in_flight.append((last_index, size_bytes))
            self._bytes += size_bytes

    def acknowledged(self, next_index: int) -> None:
        """The follower holds everything before ``next_index``."""
        while self._in_flight and self._in_flight[0][0] < next_index:
            self._bytes -= self._in_flight.popleft()[1]

    def restart(self) -> None:
        """Whatever was on its way is lost or refused; what is committed is told with whatever is sent next."""
        self._in_flight.clear()
        self._bytes = 0
