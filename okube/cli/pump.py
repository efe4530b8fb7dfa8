"""Bytes between a command in a task and the streams of this process, in one thread and without losing any."""

import contextlib
import os
import selectors
import time
from collections.abc import Callable, Iterator

from okube.cli.exits import REFUSED, UNREACHABLE, Ended
from okube.cli.terminal import on_resize
from okube.client.exec import Broken, Exited, Output, Refused, Running

__all__ = ["Pump"]

_READ = 1 << 15
_FULL = 1 << 18  # while that much waits to be sent, no more is read
_PING_S = 5.0
_DEAD_S = 20.0  # without a word, not even an answer to a ping


class Pump:
    """Carries input in and output out until the command ends.

    Args:
        running: the command.
        stdin: a descriptor that is read to its end and passed on; None where the command gets no input.
        stdout: where its output goes.
        stderr: where its errors go; with a TTY all comes as output.
        size: columns and rows of the terminal, where it has one; asked again whenever that changes.
        monotonic: seconds on a clock that never jumps.
    """

    def __init__(
        self,
        running: Running,
        *,
        stdin: int | None,
        stdout: int,
        stderr: int,
        size: Callable[[], tuple[int, int]] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._running = running
        self._stdin = stdin
        self._stdout = stdout
        self._stderr = stderr
        self._size = size
        self._monotonic = monotonic

    def run(self) -> int:
        """The command's exit status.

        Raises:
            Ended: it could not be run, or the connection to it was lost.
        """
        with _wakeup() as (woken, wake), self._resizes(wake):
            try:
                return self._run(woken)
            except Broken:
                raise Ended(
                    UNREACHABLE, "the connection to the task broke off; its node ends a command that nobody hears"
                ) from None

    def _run(self, woken: int) -> int:
        heard = pinged = self._monotonic()
        while True:
            for event in self._running.receive():
                if isinstance(event, Exited):
                    return event.code
                if isinstance(event, Refused):
                    raise Ended(REFUSED, event.sentence)
                self._write(event)
                heard = self._monotonic()
            self._running.flush()
            readable, socket_woke = self._wait(woken)
            now = self._monotonic()
            heard = now if socket_woke else heard
            if now - heard > _DEAD_S:
                raise Broken
            if now - pinged > _PING_S:
                pinged = now
                self._running.ping()
            if woken in readable:
                os.read(woken, 4096)
                self._tell_size()
            if self._stdin is not None and self._stdin in readable:
                self._read()

    def _wait(self, woken: int) -> tuple[set[int], bool]:
        """The descriptors that have something to read, and whether the socket has."""
        with selectors.PollSelector() as selector:
            selector.register(woken, selectors.EVENT_READ)
            wants_write = selectors.EVENT_WRITE if self._running.unsent else 0
            selector.register(self._running.fileno(), selectors.EVENT_READ | wants_write)
            if self._stdin is not None and self._running.unsent < _FULL:
                selector.register(self._stdin, selectors.EVENT_READ)
            ready = {key.fd: events for key, events in selector.select(_PING_S)}
        return set(ready), bool(ready.get(self._running.fileno(), 0) & selectors.EVENT_READ)

    def _read(self) -> None:
        assert self._stdin is not None
        try:
            data = os.read(self._stdin, _READ)
        except OSError:  # a terminal that has gone
            data = b""
        if data:
            self._running.write(data)
        else:
            self._stdin = None
            self._running.close_stdin()

    def _write(self, output: Output) -> None:
        descriptor = self._stderr if output.is_stderr else self._stdout
        left = memoryview(output.data)
        while left:
            left = left[os.write(descriptor, left) :]

    def _tell_size(self) -> None:
        if self._size is not None:
            self._running.resize(*self._size())

    def _resizes(self, wake: Callable[[], None]) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if self._size is None else on_resize(wake)


@contextlib.contextmanager
def _wakeup() -> Iterator[tuple[int, Callable[[], None]]]:
    """A descriptor that becomes readable when the function is called, also from a signal's handler."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)

    def wake() -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(writer, b"\0")

    try:
        yield reader, wake
    finally:
        os.close(reader)
        os.close(writer)
