"""A list that stays true: what there is, then every change of it, across the loss of managers without gap or repeat."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import msgspec

from okube.client import watch as client_watch
from okube.client.api import OkubeClient
from okube.model.errors import NoQuorum, OkubeError, OutcomeUnknown, SlowDown, Unreachable

__all__ = ["Change", "Listed", "News", "Source", "Tell", "Trouble", "follow", "poll"]

Row = dict[str, Any]
_PAUSE_S = 0.5
_HURRY_S = 3.0  # whoever watches is told soon that nobody answers; the first list may take longer
_ENDURED = (NoQuorum, OutcomeUnknown, SlowDown, Unreachable)


class Listed(msgspec.Struct, frozen=True):
    """All that there is, at the start."""

    rows: tuple[Row, ...]
    revision: int


class Change(msgspec.Struct, frozen=True):
    """One object is new or another than before (``put``), or no longer there or wanted (``delete``)."""

    type: Literal["put", "delete"]
    revision: int
    object: Row


class Trouble(msgspec.Struct, frozen=True):
    """Nothing can be heard now (a sentence), or all is well again (empty); the feed goes on."""

    sentence: str


News = Listed | Change
Tell = Callable[[Trouble], None]
Source = Callable[[OkubeClient, Tell], Iterator[News]]
"""Makes a feed: with a client that nobody else uses meanwhile, and what to call with troubles."""


def follow(
    client: OkubeClient,
    kind: client_watch.WatchKind,
    query: Sequence[tuple[str, str]],
    *,
    tell: Tell,
    wanted: Callable[[Row], bool] = lambda _: True,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[News]:
    """A list of the API and its changes, for ever.

    Args:
        client: asks the managers; not for anybody else meanwhile.
        kind: which list.
        query: the list's filters, which the managers heed.
        tell: called with what stands in the way, once, and with an empty Trouble when it is over.
        wanted: one more filter, heeded here.
        sleep: waits for that many seconds.

    Raises:
        OkubeError: the list cannot be read at the start, or managers refuse it.
    """
    view = _View(lambda row: client_watch.key_of(kind, row), wanted)
    once = _Once(tell)
    filters: dict[str, list[str]] = {}
    for name, value in query:
        filters.setdefault(name, []).append(value)
    while True:
        try:
            for news in client.follow(kind, on_trouble=once.tell, **filters):
                once.tell(None)
                client.hurry(_HURRY_S)
                if isinstance(news, client_watch.Change):
                    yield from view.take(news)
                else:
                    yield from view.again(news.objects, news.revision)
        except _ENDURED as error:
            if not view.has_begun:
                raise
            once.tell(error)
            sleep(_PAUSE_S)


class _Once:
    """Tells a trouble when it begins and when it ends, however often it is met."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._is_troubled = False

    def tell(self, error: OkubeError | None) -> None:
        if self._is_troubled != (error is not None):
            self._is_troubled = error is not None
            self._tell(Trouble(error.detail if error else ""))


def poll(
    look: Callable[[], Sequence[Row]],
    *,
    tell: Tell,
    key: str = "name",
    every_s: float = 1.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[News]:
    """The same for what cannot be followed: looked at again and again.

    Raises:
        OkubeError: the first look fails, or managers refuse it.
    """
    view = _View(lambda row: str(row.get(key)), lambda _: True)
    once = _Once(tell)
    while True:
        try:
            rows = look()
        except _ENDURED as error:
            if not view.has_begun:
                raise
            once.tell(error)
        else:
            once.tell(None)
            yield from view.again(rows, 0)
        sleep(every_s)


class _View:
    """What the reader has been told."""

    def __init__(self, key: Callable[[Row], str], wanted: Callable[[Row], bool]) -> None:
        self._key = key
        self._wanted = wanted
        self._rows: dict[str, Row] = {}
        self.has_begun = False

    def take(self, line: client_watch.Change) -> Iterator[Change]:
        """The change that a line tells of; nothing where the reader knows it, or newer."""
        row, key = line.object, self._key(line.object)
        known = self._rows.get(key)
        if line.type == "delete" or not self._wanted(row):
            if self._rows.pop(key, None) is not None:
                yield Change("delete", line.revision, row)
        elif known is None or (known != row and _revision(known) <= _revision(row)):
            self._rows[key] = row
            yield Change("put", line.revision, row)

    def again(self, rows: Sequence[Row], revision: int) -> Iterator[News]:
        """The list: whole at first, and later as what must have changed since."""
        before, self._rows = self._rows, {self._key(row): row for row in rows if self._wanted(row)}
        if not self.has_begun:
            self.has_begun = True
            yield Listed(tuple(self._rows.values()), revision)
            return
        yield from (Change("delete", revision, row) for key, row in before.items() if key not in self._rows)
        changed = [row for key, row in self._rows.items() if before.get(key) != row]
        yield from (Change("put", revision or _revision(row), row) for row in changed)


def _revision(row: Row) -> int:
    found = row.get("revision")
    return found if isinstance(found, int) else 0
