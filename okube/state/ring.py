"""The newest items of something endless, bounded by number and by size, each under the revision that made it."""

from collections import deque
from typing import Generic, TypeVar

__all__ = ["Behind", "Ring"]

T = TypeVar("T")


class Behind(Exception):
    """What was asked for is not kept any more, or never was."""


class Ring(Generic[T]):
    """Items at places 0, 1, 2 and on; the oldest go where a bound says so.

    Args:
        revision: where it begins: everything after that revision is in it, as long as the bounds let it be.
        most: how many items are kept.
        most_bytes: how large they may be together; the newest is kept all the same.
    """

    def __init__(self, revision: int, most: int, most_bytes: int) -> None:
        self._since = revision
        self._most = most
        self._most_bytes = most_bytes
        self._items: deque[tuple[int, T, int]] = deque()
        self._first = 0
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._items)

    @property
    def end(self) -> int:
        """The place that the next item takes."""
        return self._first + len(self._items)

    @property
    def since(self) -> int:
        """The oldest revision after which nothing is missing."""
        return self._since

    def add(self, revision: int, item: T, size: int) -> None:
        """Append an item; revisions grow."""
        items = self._items
        items.append((revision, item, size))
        self._bytes += size
        while self._bytes > self._most_bytes or len(items) > self._most:
            if len(items) == 1:
                return
            self._since, _, gone = items.popleft()
            self._first += 1
            self._bytes -= gone

    def place_after(self, revision: int) -> int:
        """The place of the first item after ``revision``, which may be yet to come.

        Raises:
            Behind: items between that revision and the oldest are gone.
        """
        if revision < self._since:
            raise Behind
        low, high = 0, len(self._items)
        while low < high:
            middle = (low + high) // 2
            if self._items[middle][0] <= revision:
                low = middle + 1
            else:
                high = middle
        return self._first + low

    def at(self, place: int) -> T:
        """The item at a place before ``end``.

        Raises:
            Behind: it is gone.
        """
        if place < self._first:
            raise Behind
        return self._items[place - self._first][1]
