"""The changes of one kind of thing, line by line, across the loss of managers, without a gap and without a repeat.

Every manager streams the same lines, and each line bears its revision: whoever loses one manager goes on at another
from the last revision that was read. Managers send a mark when nothing else happened for five seconds, so a stream that
is silent for much longer is dead.
"""

from collections.abc import Callable, Iterator
from typing import Any, Literal

import msgspec

from okube.client.address import Address
from okube.client.answer import OpenAnswer
from okube.client.attempt import AttemptFailed
from okube.model.errors import Gone, NoQuorum, OkubeError, OutcomeUnknown, SlowDown, Unreachable

__all__ = ["KINDS", "SILENCE_S", "Change", "Listed", "WatchKind", "key_of", "watch", "watch_from_list"]

WatchKind = Literal["apps", "events", "nodes", "services", "tasks"]
KINDS: tuple[WatchKind, ...] = ("apps", "events", "nodes", "services", "tasks")
SILENCE_S = 12.0  # managers send a mark after 5 s
_PAUSE_S = 0.2
_TROUBLED_S = 0.5
_GONE = 410
_ENDURED = (NoQuorum, OutcomeUnknown, SlowDown, Unreachable)

Json = dict[str, Any]


class Change(msgspec.Struct, frozen=True):
    """One object is new or another than before (``put``), or gone, or not let pass by the filters any more.

    ``revision`` is that of the change; the object's own may be older, where only a sum that it shows has changed.
    """

    type: Literal["put", "delete"]
    revision: int
    object: Json


class Listed(msgspec.Struct, frozen=True):
    """All that there is: forget what you knew. Changes after ``revision`` follow."""

    objects: list[Json]
    revision: int


class _Line(msgspec.Struct):
    type: Literal["put", "delete", "mark"]
    revision: int
    object: Json | None = None


_decoder = msgspec.json.Decoder(_Line)

OpenSince = Callable[[int | None, frozenset[Address]], OpenAnswer]
"""Opens a stream of the changes after a revision (None: from now on), at any manager but those."""


def key_of(kind: WatchKind, found: Json) -> str:
    """What tells objects of a kind apart."""
    return str(found["id"] if kind in ("events", "tasks") else found["name"])


def watch(
    open_since: OpenSince,
    since: int | None,
    *,
    managers: frozenset[Address],
    sleep: Callable[[float], None],
    on_trouble: Callable[[OkubeError | None], None],
) -> Iterator[Change]:
    """The changes after ``since`` (None: from now on), for ever.

    Args:
        open_since: opens a stream; closed here.
        since: a revision.
        managers: all that there are.
        sleep: waits for that many seconds.
        on_trouble: called with what stands in the way, each time that it was tried in vain, and with None when the
            stream goes on.

    Raises:
        Gone: no manager keeps the changes after the revision any more; begin anew from a list.
        OkubeError: the stream cannot be opened at first, or is refused.
    """
    opened = troubled = False
    while True:
        try:
            answer = _open(open_since, since, managers)
        except _ENDURED as error:
            if not opened:
                raise
            troubled = True
            on_trouble(error)
            sleep(_TROUBLED_S)
            continue
        opened = True
        if troubled:
            troubled = False
            on_trouble(None)
        try:
            for line in _lines(answer):
                since = line.revision
                if line.type != "mark" and line.object is not None:
                    yield Change(line.type, line.revision, line.object)
        except AttemptFailed:
            pass
        finally:
            answer.close()
        sleep(_PAUSE_S)


def watch_from_list(
    read_list: Callable[[], Listed], watch_since: Callable[[int], Iterator[Change]]
) -> Iterator[Listed | Change]:
    """A list and then its changes; where these cannot be followed any more, a list again.

    Raises:
        OkubeError: the list cannot be read, or the stream is refused.
    """
    while True:
        listed = read_list()
        yield listed
        try:
            yield from watch_since(listed.revision)
        except Gone:
            continue


def _open(open_since: OpenSince, since: int | None, managers: frozenset[Address]) -> OpenAnswer:
    """A stream at whichever manager keeps the changes: one that was started lately may keep less than the others."""
    without: frozenset[Address] = frozenset()
    gone: Gone | None = None
    while True:
        try:
            answer = open_since(since, without)
        except _ENDURED:
            if gone is not None:
                raise gone from None
            raise
        if answer.status != _GONE:
            return answer
        gone = _gone(answer)
        without |= {answer.manager}
        if without >= managers:
            raise gone


def _gone(answer: OpenAnswer) -> Gone:
    answer.close()
    return Gone(f"the changes after that revision are not kept any more at {answer.manager}: begin anew from a list")


def _lines(answer: OpenAnswer) -> Iterator[_Line]:
    def silent() -> None:
        raise AttemptFailed("the stream is silent")

    for data in answer.lines(silent, SILENCE_S):
        try:
            line = _decoder.decode(data)
        except msgspec.MsgspecError as error:
            raise AttemptFailed("what came is no line of a watch") from error
        yield line
