"""A watch stream as managers give it: what was done so far, then more as the test does it, until the test ends it."""

import json
import queue
from collections.abc import Callable, Iterator
from typing import Any

from tests.unit.client.playing import Received, Reply, problem

Row = dict[str, Any]


class Stream:
    """One list of the API with all of its changes; any number of managers may serve it.

    ``cut_after`` ends each stream after that many lines, as a failover would.
    """

    def __init__(self, revision: int = 10, key: str = "name") -> None:
        self.rows: dict[str, Row] = {}
        self.revision = revision
        self.oldest = 0
        self.cut_after: int | None = None
        self.opened: list[int] = []
        self._key = key
        self._lines: list[Row] = []
        self._listeners: list[queue.SimpleQueue[Row | None]] = []

    def put(self, row: Row) -> None:
        """An object is new or changes."""
        self.revision += 1
        row = {**row, "revision": self.revision}
        self.rows[str(row[self._key])] = row
        self._say({"type": "put", "revision": self.revision, "object": row})

    def delete(self, name: str) -> None:
        """An object goes."""
        self.revision += 1
        self._say({"type": "delete", "revision": self.revision, "object": self.rows.pop(name)})

    def forget(self) -> None:
        """What has happened so far can no longer be followed."""
        self._lines.clear()
        self.oldest = self.revision

    def end(self) -> None:
        """End the streams that are open, as a manager does that stops."""
        for listener in self._listeners:
            listener.put(None)
        self._listeners.clear()

    def __call__(self, received: Received) -> Reply:
        """The answer of any manager."""
        if "watch" not in received.query:
            return Reply(200, list(self.rows.values()), {"Okube-Revision": str(self.revision)})
        since = int(received.query["since"])
        self.opened.append(since)
        if since < self.oldest:
            return problem(410, "gone", f"revision {since} is too old to follow: read the list again")
        return Reply(lines=self._cut(self._follow(since)))

    def _follow(self, since: int) -> Iterator[bytes]:
        listener: queue.SimpleQueue[Row | None] = queue.SimpleQueue()
        self._listeners.append(listener)
        yield _line({"type": "mark", "revision": since})
        for known in [known for known in self._lines if known["revision"] > since]:
            yield _line(known)
            since = known["revision"]
        while (line := listener.get()) is not None:
            if line["revision"] > since:
                yield _line(line)

    def _cut(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        for number, line in enumerate(lines):
            if self.cut_after is not None and number > self.cut_after:
                return
            yield line

    def _say(self, line: Row) -> None:
        self._lines.append(line)
        for listener in self._listeners:
            listener.put(line)


def _line(data: Row) -> bytes:
    return json.dumps(data).encode()


Behave = Callable[[Received], Reply]
