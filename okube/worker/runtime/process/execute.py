"""A command beside a task's own: a child of the agent that has entered the task."""

import asyncio
import errno
import fcntl
import os
import pty
import signal as signals
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import msgspec

from okube.model.errors import Conflict
from okube.model.exec import CANNOT_RUN, NOT_FOUND, ExecRequest
from okube.worker.runtime import refusals
from okube.worker.runtime.base import CannotExec
from okube.worker.runtime.lines import Stream
from okube.worker.runtime.pids import Identity, identify, signal_session
from okube.worker.runtime.process import exec_entry
from okube.worker.runtime.process.cgroups import Limits
from okube.worker.runtime.threads import Threads

__all__ = ["Entered", "ProcessExec", "enter"]

_CHUNK = 64 << 10
_DRAIN_S = 1.0  # for output that is under way when the command has ended
_HANG_UP_S = 2.0
_END_OF_INPUT = b"\x04"


class Entered(msgspec.Struct, frozen=True):
    """A command that has been started: its process, and the agent's ends of its input and output."""

    process: subprocess.Popen[bytes]
    leader: Identity | None
    stdin: int | None
    outputs: dict[int, Stream]
    tty: bool


def enter(folder: Path, limits: Limits, request: ExecRequest) -> Entered:
    """Start a command within the task of ``folder``; blocks for the moment that takes.

    Raises:
        Conflict: the task has ended.
        CannotExec: there is no such command, or it is no program.
    """
    mine, theirs = _ends(request)
    report, report_in = os.pipe()
    words = [folder, report_in, "tty" if request.tty else "", limits.data_bytes, *limits.procs_files]
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", exec_entry.__file__, *map(str, words), "--", *request.command],
            stdin=theirs[0],
            stdout=theirs[1],
            stderr=theirs[2],
            env={},
            cwd="/",
            start_new_session=True,
            pass_fds=(report_in,),
        )
    except BaseException:
        _close(report, *mine)
        raise
    finally:
        _close(report_in, *theirs)
    said = os.read(report, 16)
    os.close(report)
    if said:
        _close(*mine)
        process.wait()
        raise _refused(said.decode(), request.command[0])
    stdin = mine[0] if request.stdin or request.tty else None
    outputs: dict[int, Stream] = {mine[0]: "stdout"} if request.tty else {mine[-2]: "stdout", mine[-1]: "stderr"}
    for fd in mine:
        os.set_blocking(fd, False)
    return Entered(process, identify(process.pid), stdin, outputs, request.tty)


class ProcessExec:
    """One session; see `ExecSession`. ``on_close`` is called once, when it is over."""

    def __init__(self, entered: Entered, threads: Threads, on_close: Callable[["ProcessExec"], None]) -> None:
        self._process = entered.process
        self._leader = entered.leader
        self._stdin = entered.stdin
        self._outputs = dict(entered.outputs)
        self._tty = entered.tty
        self._threads = threads
        self._on_close = on_close
        self._ended = asyncio.Event()
        self._closed = False
        self._pidfd: int | None = os.pidfd_open(entered.process.pid)
        asyncio.get_running_loop().add_reader(self._pidfd, self._has_ended)

    async def read(self) -> tuple[Stream, bytes] | None:
        """The next piece of output; what comes a second after the end is nobody's any more."""
        while self._outputs:
            for fd, stream in list(self._outputs.items()):
                data = self._read_now(fd)
                if data:
                    self._outputs[fd] = self._outputs.pop(fd)  # the other one comes first the next time
                    return stream, data
            if self._outputs and not await self._readable():
                return None
        return None

    async def write(self, data: bytes) -> None:
        """Give it input."""
        left = memoryview(data)
        while left and self._stdin is not None:
            try:
                left = left[os.write(self._stdin, left) :]
            except BlockingIOError:
                await self._writable(self._stdin)
            except OSError:  # it reads no more
                return

    async def close_stdin(self) -> None:
        """No more input."""
        if self._tty:
            await self.write(_END_OF_INPUT)
        elif self._stdin is not None:
            os.close(self._stdin)
            self._stdin = None

    async def resize(self, cols: int, rows: int) -> None:
        """Set the size of its terminal."""
        if self._tty and self._stdin is not None:
            _set_size(self._stdin, cols, rows)

    async def wait(self) -> int:
        """Its exit code."""
        await self._ended.wait()
        code = self._process.wait()
        return code if code >= 0 else 128 - code

    async def close(self) -> None:
        """End it if it runs."""
        if self._closed:
            return
        self._closed = True
        try:
            if not self._ended.is_set() and self._leader is not None:
                await self._threads.run(signal_session, self._leader, int(signals.SIGHUP))
                if not await self._ends_within(_HANG_UP_S):
                    await self.end()
                    await self._ends_within(_HANG_UP_S)
        finally:
            self._let_go()
            self._on_close(self)

    async def end(self) -> None:
        """SIGKILL to all of it: the task that it belongs to has ended. Its output and its exit code are still told."""
        if self._leader is not None:
            await self._threads.run(signal_session, self._leader, int(signals.SIGKILL))

    def _let_go(self) -> None:
        if self._pidfd is not None:
            asyncio.get_running_loop().remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None
        _close(*({*self._outputs} | ({self._stdin} if self._stdin is not None else set())))
        self._outputs.clear()
        self._stdin = None
        self._process.poll()  # no zombie stays

    def _has_ended(self) -> None:
        assert self._pidfd is not None
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._pidfd = None
        self._process.wait()
        self._ended.set()

    async def _ends_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        except TimeoutError:
            return False
        return True

    def _read_now(self, fd: int) -> bytes:
        """What is there; a stream that has ended is dropped."""
        try:
            data = os.read(fd, _CHUNK)
        except BlockingIOError:
            return b""
        except OSError:  # a terminal that nobody has any more
            data = b""
        if not data:
            del self._outputs[fd]
            if fd != self._stdin:
                os.close(fd)
        return data

    async def _readable(self) -> bool:
        """Wait for output; False once the command has ended and its time to drain is over."""
        loop = asyncio.get_running_loop()
        some = asyncio.Event()
        fds = list(self._outputs)
        for fd in fds:
            loop.add_reader(fd, some.set)
        ended = asyncio.ensure_future(self._ended.wait())
        came = asyncio.ensure_future(some.wait())
        try:
            await asyncio.wait({ended, came}, return_when=asyncio.FIRST_COMPLETED)
            if not some.is_set():
                await asyncio.wait({came}, timeout=_DRAIN_S)
            return some.is_set()
        finally:
            for fd in fds:
                loop.remove_reader(fd)
            ended.cancel()
            came.cancel()

    async def _writable(self, fd: int) -> None:
        """Wait until there is room, or nobody who could make any."""
        loop = asyncio.get_running_loop()
        some = asyncio.Event()
        loop.add_writer(fd, some.set)
        ended = asyncio.ensure_future(self._ended.wait())
        free = asyncio.ensure_future(some.wait())
        try:
            await asyncio.wait({ended, free}, return_when=asyncio.FIRST_COMPLETED)
            if not some.is_set():
                _close(fd)
                self._stdin = None
        finally:
            loop.remove_writer(fd)
            ended.cancel()
            free.cancel()


def _ends(request: ExecRequest) -> tuple[list[int], list[int]]:
    """The agent's ends, and the command's standard input, output and error."""
    if request.tty:
        mine, theirs = pty.openpty()
        _set_size(mine, request.cols, request.rows)
        return [mine], [theirs, theirs, theirs]
    (out, out_in), (err, err_in) = os.pipe(), os.pipe()
    if not request.stdin:
        return [out, err], [os.open(os.devnull, os.O_RDONLY), out_in, err_in]
    feed, feed_in = os.pipe()
    return [feed_in, out, err], [feed, out_in, err_in]


def _set_size(terminal: int, cols: int, rows: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))


def _close(*fds: int) -> None:
    for fd in set(fds):
        os.close(fd)


def _refused(said: str, command: str) -> Conflict | CannotExec:
    if said == "gone":
        return Conflict("the task has ended")
    number = int(said)
    if number in (errno.ENOENT, errno.ENOTDIR):
        return CannotExec(NOT_FOUND, refusals.no_such_command_to_exec(command))
    return CannotExec(CANNOT_RUN, f'command "{command}" cannot be run: {os.strerror(number)}')
