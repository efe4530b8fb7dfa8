import pytest

from okube.client.http1 import BrokenAnswer, Reader


def _reader(data: bytes, *, step: int = 1 << 16) -> Reader:
    """Reads data that comes in steps of so many bytes, and then the stream's end."""
    left = bytearray(data)

    def receive(count: int) -> bytes:
        taken = bytes(left[: min(count, step)])
        del left[: len(taken)]
        return taken

    return Reader(b"", receive)


def _read(data: bytes, *, step: int = 1 << 16) -> tuple[int, bytes, bool, bool]:
    reader = _reader(data, step=step)
    head = reader.head()
    body = b""
    while part := reader.part():
        body += part
    return head.status, body, head.keeps_alive, reader.drained


SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: t\r\n\r\n"
UNTIL_END = b"HTTP/1.1 200 OK\r\n\r\nhello"


@pytest.mark.parametrize("step", [1, 2, 7, 4096])
@pytest.mark.parametrize(("data", "keeps_alive"), [(SIZED, True), (CHUNKED, True), (UNTIL_END, False)])
def test_a_body_is_read_to_its_end_however_it_comes(data: bytes, keeps_alive: bool, step: int) -> None:
    assert _read(data, step=step) == (200, b"hello", keeps_alive, True)


def test_headers_are_told_in_lower_case() -> None:
    head = _reader(b"HTTP/1.1 200 OK\r\nOkube-Revision:  7 \r\nX: a:b\r\n\r\n").head()
    assert head.headers == {"okube-revision": "7", "x": "a:b"}


def test_informational_answers_are_passed_over() -> None:
    assert _read(b"HTTP/1.1 100 Continue\r\n\r\n" + SIZED)[:2] == (200, b"hello")


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\n\r\n",
        b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_an_answer_without_a_body_is_at_its_end_at_once(data: bytes) -> None:
    assert _read(data)[1:] == (b"", True, True)


def test_who_says_close_does_not_keep_the_connection() -> None:
    assert not _reader(SIZED.replace(b"\r\n\r\n", b"\r\nConnection: Close\r\n\r\n")).head().keeps_alive
    assert not _reader(SIZED.replace(b"HTTP/1.1", b"HTTP/1.0")).head().keeps_alive


@pytest.mark.parametrize("data", [SIZED, CHUNKED])
def test_a_body_that_is_cut_off_anywhere_is_broken(data: bytes) -> None:
    for length in range(len(data)):
        with pytest.raises(BrokenAnswer):
            _read(data[:length])


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        b"x" * (1 << 20),
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * (1 << 16),
    ],
)
def test_what_is_no_http_is_broken(data: bytes) -> None:
    with pytest.raises(BrokenAnswer):
        _read(data)
