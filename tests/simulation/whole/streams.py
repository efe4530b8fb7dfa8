"""Watch streams in simulated clusters: every manager makes the same lines, and readers who are cut off miss none.

``Truth`` compares the feed of each manager with what any manager has made so far. A ``Roamer`` reads one kind through
the real stream, for a moment at a time, at any manager, from the last revision that it has seen; whatever is cut off,
lost on its way or gone with a manager, it must end up with every line once.
"""

import asyncio
import contextlib
import random
from bisect import bisect_right
from collections.abc import Callable

import msgspec

from okube.manager.core import ManagerCore
from okube.manager.watch import Watches
from okube.model.errors import Gone, OkubeError
from okube.state import Tables
from okube.state.feed import KINDS, Feed, Kind
from okube.state.lines import render
from tests.simulation.whole.calls import CallNetwork, Silence

__all__ = ["FeedOfLife", "Roamer", "Truth", "WatchAnswer", "WatchQuestion", "answer_watch"]

LONGEST_S = 7.0  # longer than it takes until a mark comes


class WatchQuestion(msgspec.Struct, frozen=True, array_like=True):
    """Open a stream, and cut it after so many seconds or parts."""

    kind: Kind
    since: int | None
    seconds: float
    parts: int


class WatchAnswer(msgspec.Struct, frozen=True, array_like=True):
    """What came; or that the revision is gone, and where the cluster is."""

    data: bytes
    gone_at: int | None = None


class _Line(msgspec.Struct):
    type: str
    revision: int


async def answer_watch(core: ManagerCore, watches: Watches, asked: WatchQuestion) -> WatchAnswer:
    """As the route does it, but that the stream is cut."""
    await core.read_barrier()
    parts: list[bytes] = []
    stream = watches.stream(asked.kind, asked.since, lambda _: True)
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(asked.seconds), contextlib.aclosing(stream):
                async for part in stream:
                    parts.append(part)
                    if len(parts) >= asked.parts:
                        break
    except Gone:
        return WatchAnswer(b"", core.tables.revision)
    return WatchAnswer(b"".join(parts))


class Truth:
    """All lines that any manager has made, in order; ``violate`` is called where another one makes others."""

    def __init__(self, violate: Callable[[str], None]) -> None:
        self.violate = violate
        self.lines: dict[Kind, dict[int, bytes]] = {kind: {} for kind in KINDS}
        self._order: dict[Kind, list[int]] = {kind: [] for kind in KINDS}
        self._high = 0  # revisions up to here are known

    def between(self, kind: Kind, after: int, until: int) -> list[int]:
        """The revisions of the lines of a kind after one revision and up to another."""
        order = self._order[kind]
        return order[bisect_right(order, after) : bisect_right(order, until)]

    def last(self, kind: Kind) -> int:
        """The revision of the newest line of a kind; 0 where there is none."""
        return self._order[kind][-1] if self._order[kind] else 0

    def take(self, manager: str, found: dict[Kind, dict[int, bytes]], after: int, until: int) -> None:
        """A manager has made these lines for the revisions after one and up to another."""
        for kind in KINDS:
            self._compare(manager, kind, found[kind], after, min(until, self._high))
            for revision, line in found[kind].items():
                if revision > self._high:
                    self.lines[kind][revision] = line
                    self._order[kind].append(revision)
        self._high = max(self._high, until)

    def _compare(self, manager: str, kind: Kind, found: dict[int, bytes], after: int, until: int) -> None:
        expected = self.between(kind, after, until)
        made = [revision for revision in found if revision <= until]
        if made != expected:
            self.violate(f"{manager} makes lines of {kind} at {made}, and others at {expected}")
        for revision in made:
            if self.lines[kind].get(revision) not in (None, found[revision]):
                self.violate(f"{manager} makes {found[revision]!r}, and others {self.lines[kind][revision]!r}")


class FeedOfLife:
    """Follows the feed of one life of a manager."""

    def __init__(self, manager: str, feed: Feed, tables: Tables, truth: Truth) -> None:
        self._manager = manager
        self._feed = feed
        self._tables = tables
        self._truth = truth
        self._at = tables.revision
        self._restarts = feed.restarts

    def look(self) -> None:
        """Compare what was applied since the last look."""
        feed, now = self._feed, self._tables.revision
        if feed.restarts != self._restarts:
            self._restarts = feed.restarts
            self._at = feed.ring("tasks").since
        if now == self._at:
            return
        self._truth.take(self._manager, {kind: self._made(kind) for kind in KINDS}, self._at, now)
        self._at = now

    def _made(self, kind: Kind) -> dict[int, bytes]:
        ring = self._feed.ring(kind)
        changes = [ring.at(place) for place in range(ring.place_after(self._at), ring.end)]
        return {change.revision: render(change, lambda _: True) or b"" for change in changes}


class Roamer:
    """Reads one kind, at one manager after the other."""

    def __init__(
        self, kind: Kind, *, rng: random.Random, network: CallNetwork, managers: list[str], truth: Truth
    ) -> None:
        self.lines = 0
        self.begun_anew = 0
        self.kind = kind
        self._rng = rng
        self._network = network
        self._managers = managers
        self._truth = truth
        self._since: int | None = None

    @property
    def is_behind(self) -> bool:
        """Whether there are lines that it has not come to."""
        return (self._since or 0) < self._truth.last(self.kind)

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            await asyncio.sleep(self._rng.uniform(0.0, 0.5))
            asked = WatchQuestion(
                self.kind, self._since, self._rng.choice([0.05, 0.5, LONGEST_S]), self._rng.choice([1, 2, 3, 99])
            )
            manager = self._rng.choice(self._managers)
            try:
                data = await self._network.call(
                    "client", manager, "watch", msgspec.msgpack.encode(asked), timeout_s=LONGEST_S + 4.0
                )
            except (Silence, OkubeError):
                continue
            answer = msgspec.msgpack.decode(data, type=WatchAnswer)
            if answer.gone_at is not None:
                self.begun_anew += 1
                self._since = answer.gone_at
            for line in answer.data.splitlines(keepends=True):
                self._take(manager, line)

    def _take(self, manager: str, data: bytes) -> None:
        line = msgspec.json.decode(data, type=_Line)
        since = line.revision if self._since is None else self._since
        expected = self._truth.between(self.kind, since, line.revision)
        if line.type == "mark":
            if expected or line.revision < since:
                self._truth.violate(f"{manager} marks {line.revision} of {self.kind} after {since}, past {expected}")
        else:
            self.lines += 1
            if expected != [line.revision]:
                self._truth.violate(f"{manager} gives {line.revision} of {self.kind} after {since}, past {expected}")
            if self._truth.lines[self.kind].get(line.revision) != data:
                self._truth.violate(f"{manager} gives another line of {self.kind} than others: {data!r}")
        self._since = line.revision
