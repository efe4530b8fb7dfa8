"""Output as it comes, in pieces of any size, into lines of bounded length, and how much of it is kept."""

from typing import Literal

import msgspec

from okube.model.wire import LogLine

__all__ = ["MAX_LINE_BYTES", "LineJoiner", "LogBounds", "Stream"]

MAX_LINE_BYTES = 64 << 10  # a longer one is told as several lines

Stream = Literal["stdout", "stderr"]


class LogBounds(msgspec.Struct, frozen=True):
    """How much output of one container is kept: ``files`` of ``bytes`` each."""

    bytes: int = 10 << 20
    files: int = 3


class LineJoiner:
    """Joins the pieces of each stream into lines; what it holds is never more than one line a stream."""

    def __init__(self) -> None:
        self._parts: dict[Stream, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self._times: dict[Stream, int] = {}

    def feed(self, stream: Stream, time_ms: int, piece: bytes) -> list[LogLine]:
        """The lines that ``piece`` completes; a line has the time of its first piece."""
        lines = []
        held = self._parts[stream]
        for part in _split(piece):
            if not held:
                self._times[stream] = time_ms
            held += part
            while len(held) - held.endswith(b"\n") > MAX_LINE_BYTES:
                lines.append(self._line(stream, bytes(held[:MAX_LINE_BYTES])))
                del held[:MAX_LINE_BYTES]
            if held.endswith(b"\n"):
                lines.append(self._line(stream, bytes(held[:-1])))
                held.clear()
        return lines

    def rest(self) -> list[LogLine]:
        """What was written without an end of line, when no more comes."""
        lines = [self._line(stream, bytes(held)) for stream, held in self._parts.items() if held]
        for held in self._parts.values():
            held.clear()
        return lines

    def _line(self, stream: Stream, text: bytes) -> LogLine:
        return LogLine(self._times[stream], stream, text.decode(errors="replace"))


def _split(piece: bytes) -> list[bytes]:
    """Pieces that end with a line feed; a carriage return alone ends nothing."""
    parts = piece.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])
