"""Reading one answer of HTTP/1.1 (RFC 9112) from a stream of bytes.

``http.client`` would do, and costs a short command a quarter of its start, since it brings the package for e-mail.
Managers answer with a length or in chunks; anything else, and whatever is no HTTP, is garbled.
"""

from collections.abc import Callable

__all__ = ["BrokenAnswer", "Head", "Reader"]

_LONGEST_HEAD = 1 << 16
_LONGEST_LINE = 1 << 12
_CHUNK = 1 << 16
_SWITCHED = 101  # from here on the connection speaks another protocol


class BrokenAnswer(Exception):
    """What came is no answer of HTTP/1.1, or ended before its end."""


class Head:
    """Status and headers; the names of headers are in lower case."""

    def __init__(self, status: int, headers: dict[str, str], keeps_alive: bool) -> None:
        self.status = status
        self.headers = headers
        self.keeps_alive = keeps_alive


class Reader:
    """Reads a head, then parts of the body as they come.

    Args:
        first: the bytes that were read before.
        receive: gives up to that many more bytes; none at the end of the stream.
    """

    def __init__(self, first: bytes, receive: Callable[[int], bytes]) -> None:
        self._buffer = first
        self._receive = receive
        self._left = 0  # of the body, or of the chunk that is being read
        self._chunked = False
        self._until_end = False
        self.drained = False

    def head(self) -> Head:
        """Status and headers; informational answers (1xx) are passed over.

        Raises:
            BrokenAnswer: it is no HTTP.
        """
        while True:
            status, headers, is_old = self._one_head()
            if status >= 200 or status == _SWITCHED:
                break
        self._frame(status, headers)
        keeps_alive = not is_old and headers.get("connection", "").lower() != "close" and not self._until_end
        return Head(status, headers, keeps_alive)

    def part(self) -> bytes:
        """The next bytes of the body; none at its end.

        Raises:
            BrokenAnswer: the stream ended before the body did.
        """
        if self.drained:
            return b""
        if self._chunked and not self._left and not self._has_next_chunk():
            self.drained = True
            return b""
        data = self._take(_CHUNK if self._until_end else min(_CHUNK, self._left))
        if not data:
            if not self._until_end:
                raise BrokenAnswer("it ended too early")
            self.drained = True
        if not self._until_end:
            self._left -= len(data)
            self._end_of_part()
        return data

    def rest(self) -> bytes:
        """What was read beyond the answer: the first bytes of the protocol that was switched to."""
        taken, self._buffer = self._buffer, b""
        return taken

    def _one_head(self) -> tuple[int, dict[str, str], bool]:
        version, _, rest = self._line(_LONGEST_LINE).partition(" ")
        code = rest[:3]
        if not version.startswith("HTTP/1.") or not (code.isascii() and code.isdigit() and len(code) == 3):
            raise BrokenAnswer("it does not speak HTTP/1.1")
        headers: dict[str, str] = {}
        size = 0
        while line := self._line(_LONGEST_HEAD):
            size += len(line)
            name, colon, value = line.partition(":")
            if not colon or size > _LONGEST_HEAD:
                raise BrokenAnswer("its headers are none of HTTP")
            headers[name.strip().lower()] = value.strip()
        return int(code), headers, version == "HTTP/1.0"

    def _frame(self, status: int, headers: dict[str, str]) -> None:
        """How the end of the body is known."""
        length = headers.get("content-length")
        if status in (_SWITCHED, 204, 304):
            self.drained = True
        elif headers.get("transfer-encoding", "").lower() == "chunked":
            self._chunked = True
        elif length is None:
            self._until_end = True
        elif length.isascii() and length.isdigit():
            self._left = int(length)
            self.drained = not self._left
        else:
            raise BrokenAnswer(f"its length is {length!r}")

    def _has_next_chunk(self) -> bool:
        size = self._line(_LONGEST_LINE).partition(";")[0].strip()
        try:
            self._left = int(size, 16)
        except ValueError:
            raise BrokenAnswer(f"a part of it has the length {size!r}") from None
        if self._left < 0:
            raise BrokenAnswer(f"a part of it has the length {size!r}")
        if not self._left:
            while self._line(_LONGEST_LINE):
                pass  # trailers
        return bool(self._left)

    def _end_of_part(self) -> None:
        if self._left:
            return
        if not self._chunked:
            self.drained = True
        elif self._line(_LONGEST_LINE):
            raise BrokenAnswer("a part of it is longer than it said")

    def _take(self, count: int) -> bytes:
        """Up to ``count`` bytes, and at least one but at the end of the stream."""
        if not self._buffer:
            return self._receive(count)
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def _line(self, longest: int) -> str:
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > longest:
                raise BrokenAnswer("it does not speak HTTP/1.1")
            more = self._receive(_CHUNK)
            if not more:
                raise BrokenAnswer("it ended too early")
            self._buffer += more
        line, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
        return line.rstrip(b"\r").decode("latin-1")
