"""The log of one task, line by line; a follower moves on to another manager without a gap and without a repeat."""

import contextlib
from collections.abc import Callable, Iterator

import msgspec

from okube.client.address import Address
from okube.client.answer import OpenAnswer
from okube.client.attempt import AttemptFailed
from okube.client.errors import AgentUnreachable
from okube.model.errors import Conflict, NoQuorum, OkubeError, Unreachable

__all__ = ["Line", "follow", "read_lines"]

SILENCE_S = 5.0  # after which the manager behind a stream is asked whether it lives
_PAUSE_S = 0.5


class Line(msgspec.Struct, frozen=True):
    """One line of a container's output; milliseconds since 1970, UTC."""

    time_ms: int
    stream: str
    text: str


_decoder = msgspec.json.Decoder(Line)


def read_lines(answer: OpenAnswer, *, lives: Callable[[Address], bool]) -> Iterator[Line]:
    """The lines of an answer as they come.

    Args:
        answer: the open answer, which is closed at the end.
        lives: whether a manager answers; asked when the stream has been silent for long.

    Raises:
        AttemptFailed: the stream broke off, or the manager behind it hangs.
    """

    def check() -> None:
        if not lives(answer.manager):
            raise AttemptFailed("the manager behind the stream hangs")

    try:
        for line in answer.lines(check, SILENCE_S):
            try:
                yield _decoder.decode(line)
            except msgspec.MsgspecError as error:
                raise AttemptFailed("what came is no line of a log") from error
    finally:
        answer.close()


def follow(
    open_since: Callable[[int | None], OpenAnswer],
    *,
    has_ended: Callable[[], bool],
    lives: Callable[[Address], bool],
    sleep: Callable[[float], None],
    endured: tuple[type[OkubeError], ...] = (AgentUnreachable, Conflict, NoQuorum, Unreachable),
) -> Iterator[Line]:
    """The lines until the task has ended and its log with it, across the loss of managers and restarts of its agent.

    Args:
        open_since: opens the stream: from the beginning that the caller wants (None), or from a time in milliseconds.
        has_ended: whether the task has ended; asked whenever the stream has.
        lives: whether a manager answers.
        sleep: waits for that many seconds.
        endured: errors that do not end it when the stream is opened again: its node may come back.

    Raises:
        OkubeError: the stream cannot be opened at all, or again.
    """
    place = _Place()
    answer = open_since(None)
    while True:
        was_over = has_ended()
        with contextlib.suppress(AttemptFailed):
            for line in read_lines(answer, lives=lives):
                if place.is_new(line):
                    yield line
            if was_over or has_ended():
                return
        sleep(_PAUSE_S)
        answer = _open_again(open_since, place, sleep, endured)


def _open_again(
    open_since: Callable[[int | None], OpenAnswer],
    place: "_Place",
    sleep: Callable[[float], None],
    endured: tuple[type[OkubeError], ...],
) -> OpenAnswer:
    """The stream from where the reader is."""
    while True:
        place.rewind()
        try:
            return open_since(place.since_ms)
        except endured:
            sleep(_PAUSE_S)


class _Place:
    """How far a reader is: the last millisecond, and the lines of it that were read."""

    def __init__(self) -> None:
        self._last_ms: int | None = None
        self._at_last: list[Line] = []
        self._to_skip: list[Line] = []

    @property
    def since_ms(self) -> int | None:
        """Where to start again: a little before the last line, since several may bear the same time."""
        return None if self._last_ms is None else self._last_ms - 1

    def rewind(self) -> None:
        """The stream starts again at ``since_ms``."""
        self._to_skip = list(self._at_last)

    def is_new(self, line: Line) -> bool:
        """Whether the line was not read before."""
        if self._last_ms is not None and line.time_ms < self._last_ms and self._to_skip:
            return False
        if line in self._to_skip:
            self._to_skip.remove(line)
            return False
        if line.time_ms == self._last_ms:
            self._at_last.append(line)
        elif self._last_ms is None or line.time_ms > self._last_ms:
            self._last_ms, self._at_last = line.time_ms, [line]
        return True
