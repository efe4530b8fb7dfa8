"""Watch streams: the changes of one kind of thing from a revision on, as lines, for as long as somebody reads.

Any manager serves them, from what it has applied and nothing else; the lines are the same at each, so a reader who
lost one manager goes on at another from the last revision that it has seen. A stream ends, and says nothing, where it
could not go on without a gap: the reader was too slow, a snapshot came, no leader is heard, the manager stops.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

import msgspec

from okube.manager.core import ManagerCore
from okube.model.errors import Gone, SlowDown
from okube.model.views import WatchLine
from okube.raft.waits import ChangeWaits
from okube.state.feed import Feed, Kind
from okube.state.ring import Behind

__all__ = ["MARK_S", "MOST_STREAMS", "Wanted", "Watches"]

MARK_S = 5.0
"""After so long without a line comes a mark: the stream lives, and everything up to a revision has been told."""
MOST_STREAMS = 500
_DEAF_S = 3.0
"""Who has heard no leader for so long may know nothing of what goes on, and marks nothing."""
_LINES_AT_ONCE = 200
_BYTES_AT_ONCE = 1 << 16

Wanted = Callable[[Any], bool]
"""Whether a row (of apps: a view) passes the filters of a stream."""

_encoder = msgspec.json.Encoder()


class Watches:
    """The streams of one manager, fed by its tables."""

    def __init__(self, core: ManagerCore, *, most: int = MOST_STREAMS) -> None:
        self.feed = Feed(core.machine.tables)
        self.streams = 0
        self._core = core
        self._most = most
        self._closed = False
        self._applied = ChangeWaits()
        core.machine.restored.append(self.feed.restart)
        core.raft.subscribe_applied(lambda _: self._applied.changed())

    def close(self) -> None:
        """End all streams: the manager stops."""
        self._closed = True
        self._applied.changed()

    async def stream(
        self, kind: Kind, since: int | None, wanted: Wanted, sight: Wanted | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Whole lines, first a mark; ``since`` None: from now on. Close it when nobody reads it any more.

        What is not in the reader's ``sight`` (None: all is) is not there for them, whatever they want.

        Raises:
            Gone: the changes since then are not kept, or there is no such revision yet; before anything is yielded.
            SlowDown: there are too many streams here; the same.
        """
        if self.streams >= self._most:
            raise SlowDown(f"{self._most} watch streams are open at this manager: close some, or ask another one")
        self.streams += 1
        try:
            async for chunk in self._read(kind, self._begin(since), wanted, sight):
                yield chunk
        finally:
            self.streams -= 1

    def _begin(self, since: int | None) -> int:
        now = self._core.tables.revision
        if since is not None and since > now:
            raise Gone(f"there is no revision {since}: the cluster is at {now}; begin anew from a list")
        return now if since is None else since

    async def _read(self, kind: Kind, since: int, wanted: Wanted, sight: Wanted | None) -> AsyncGenerator[bytes, None]:
        feed, restarts, ring = self.feed, self.feed.restarts, self.feed.ring(kind)
        try:
            place = ring.place_after(since)
        except Behind as error:
            raise Gone(
                f"the changes after revision {since} are not kept any more, only those after {ring.since}; "
                "begin anew from a list"
            ) from error
        loop = asyncio.get_running_loop()
        yield _mark(since)
        said_at = loop.time()
        while feed.restarts == restarts and not self._closed:
            lines: list[bytes] = []
            size = 0
            try:
                end = min(ring.end, place + _LINES_AT_ONCE)
                while place < end and size < _BYTES_AT_ONCE:
                    line = feed.line(kind, place, wanted, sight)
                    place += 1
                    if line is not None:
                        lines.append(line)
                        size += len(line)
            except Behind:
                return
            if lines:
                yield b"".join(lines)
                said_at = loop.time()
            elif place < ring.end:
                await asyncio.sleep(0)  # nothing of it was wanted; others come first
            elif loop.time() < said_at + MARK_S:
                await self._applied.next(said_at + MARK_S - loop.time())
            elif self._is_deaf():
                return
            else:
                yield _mark(self._core.tables.revision)
                said_at = loop.time()

    def _is_deaf(self) -> bool:
        age_s = self._core.age_s
        return age_s is None or age_s > _DEAF_S


def _mark(revision: int) -> bytes:
    return _encoder.encode(WatchLine("mark", revision)) + b"\n"
