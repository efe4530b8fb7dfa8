"""A list that stays true: what there is, then every change of it, across the loss of managers without gap or repeat."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal
from urllib.parse import urlencode

import msgspec

from okube.client.answer import OpenAnswer
from okube.client.api import OkubeClient
from okube.client.attempt import AttemptFailed, Request
from okube.client.errors import error_of
from okube.client.retry import Patience
from okube.model.errors import NoQuorum, OkubeError, OutcomeUnknown, Unreachable

__all__ = ["Change", "Listed", "News", "Trouble", "follow", "poll"]

Row = dict[str, Any]
Query = Sequence[tuple[str, str]]
_PATIENCE = Patience(deadline_s=5.0, refused_s=1.0)
_SILENCE_S = 8.0  # managers say something every 5 s; one that is silent for longer is dead
_PAUSE_S = 0.3
_PAGE = 1000


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


News = Listed | Change | Trouble


class _Line(msgspec.Struct):
    type: str
    revision: int
    object: Row | None = None


class _TooOld(Exception):
    """The revision can no longer be followed: the list is read again."""


_decoder = msgspec.json.Decoder(_Line)


def follow(
    client: OkubeClient,
    path: str,
    query: Query,
    *,
    key: str = "name",
    wanted: Callable[[Row], bool] = lambda _: True,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[News]:
    """A list of the API and its changes, for ever.

    Args:
        client: asks the managers; not for anybody else meanwhile.
        path: of the list.
        query: the list's filters, which the managers heed.
        key: the field that tells objects apart.
        wanted: one more filter, heeded here.
        sleep: waits for that many seconds.

    Raises:
        OkubeError: the list cannot be read at the start, or managers refuse it.
    """
    view = _View(key, wanted)
    rows, revision = _list(client, path, query)
    yield Listed(tuple(view.begin(rows)), revision)
    is_troubled = False
    while True:
        try:
            with _open(client, path, query, revision) as answer:
                if is_troubled:
                    yield Trouble("")
                    is_troubled = False
                for line in _lines(answer):
                    if line.object is not None and (change := view.take(line)):
                        yield change
                    revision = max(revision, line.revision)
        except AttemptFailed:
            sleep(_PAUSE_S)
        except _TooOld:
            rows, revision = _list(client, path, query)
            yield from view.again(rows, revision)
        except (NoQuorum, OutcomeUnknown, Unreachable) as error:
            if not is_troubled:
                yield Trouble(error.detail)
            is_troubled = True
            sleep(_PAUSE_S)


def poll(
    look: Callable[[], Sequence[Row]],
    *,
    key: str = "name",
    every_s: float = 1.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[News]:
    """The same for what cannot be followed: looked at again and again.

    Raises:
        OkubeError: the first look fails, or managers refuse it.
    """
    view = _View(key, lambda _: True)
    yield Listed(tuple(view.begin(look())), 0)
    is_troubled = False
    while True:
        sleep(every_s)
        try:
            rows = look()
        except (NoQuorum, OutcomeUnknown, Unreachable) as error:
            if not is_troubled:
                yield Trouble(error.detail)
            is_troubled = True
            continue
        if is_troubled:
            is_troubled = False
            yield Trouble("")
        yield from view.again(rows, 0)


class _View:
    """What the reader has been told."""

    def __init__(self, key: str, wanted: Callable[[Row], bool]) -> None:
        self._key = key
        self._wanted = wanted
        self._rows: dict[object, Row] = {}

    def begin(self, rows: Sequence[Row]) -> list[Row]:
        self._rows = {row.get(self._key): row for row in rows if self._wanted(row)}
        return list(self._rows.values())

    def take(self, line: _Line) -> Change | None:
        """The change that a line tells of; None where the reader knows it."""
        assert line.object is not None
        row, key = line.object, line.object.get(self._key)
        if line.type == "delete" or not self._wanted(row):
            return Change("delete", line.revision, row) if self._rows.pop(key, None) is not None else None
        known = self._rows.get(key)
        if known is not None and _revision(known) >= _revision(row) > 0:
            return None
        self._rows[key] = row
        return Change("put", line.revision, row)

    def again(self, rows: Sequence[Row], revision: int) -> Iterator[Change]:
        """What must have happened between what the reader knows and the list as it is."""
        now = {row.get(self._key): row for row in rows if self._wanted(row)}
        gone = [row for key, row in self._rows.items() if key not in now]
        changed = [row for key, row in now.items() if self._rows.get(key) != row]
        self._rows = now
        yield from (Change("delete", revision, row) for row in gone)
        yield from (Change("put", revision or _revision(row), row) for row in changed)


def _revision(row: Row) -> int:
    found = row.get("revision")
    return found if isinstance(found, int) else 0


def _list(client: OkubeClient, path: str, query: Query) -> tuple[list[Row], int]:
    """All pages, and the revision of the first: what changed meanwhile is told again, and known by its revision."""
    rows: list[Row] = []
    revision: int | None = None
    token = ""
    while True:
        asked = [*query, ("limit", str(_PAGE)), *([("continue", token)] if token else [])]
        answer = client.caller.call(Request("GET", f"{path}?{urlencode(asked)}"), Patience(10.0, 3.0))
        if answer.status >= 400:
            raise error_of(answer.status, answer.body)
        if revision is None:
            said = answer.headers.get("okube-revision", "")
            revision = int(said) if said.isdigit() else 0
        found = answer.json()
        rows += [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
        token = answer.headers.get("okube-continue", "")
        if not token:
            return rows, revision


@contextlib.contextmanager
def _open(client: OkubeClient, path: str, query: Query, revision: int) -> Iterator[OpenAnswer]:
    target = f"{path}?{urlencode([*query, ('watch', 'true'), ('since', str(revision))])}"
    answer = client.caller.open(Request("GET", target), _PATIENCE)
    try:
        if answer.status == 410:
            raise _TooOld
        if answer.status >= 400:
            raise _refusal(answer)
        yield answer
    finally:
        answer.close()


def _refusal(answer: OpenAnswer) -> OkubeError:
    return error_of(answer.status, answer.read(lambda: _PATIENCE.deadline_s).body)


def _lines(answer: OpenAnswer) -> Iterator[_Line]:
    def silent() -> None:
        raise AttemptFailed("the stream is silent")

    for line in answer.lines(silent, _SILENCE_S):
        try:
            yield _decoder.decode(line)
        except msgspec.MsgspecError as error:
            raise AttemptFailed("what came is no line of a watch") from error
    raise AttemptFailed("the stream ended")
