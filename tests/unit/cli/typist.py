"""Somebody at a terminal: runs ``okube`` in a pty of a size, types, and sees the screen as a person does."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable

import psutil
import pyte

__all__ = ["Typist"]


class Typist:
    """One command in a terminal.

    Args:
        args: of ``okube``; or a whole command with ``program``.
        columns: of the terminal.
        rows: of the terminal.
        program: what to run instead of ``okube``.
        env: variables beside those of the test.
        cwd: the folder in which it runs.
    """

    def __init__(
        self,
        *args: str,
        columns: int = 80,
        rows: int = 24,
        program: tuple[str, ...] = (sys.executable, "-m", "okube.cli.main"),
        env: dict[str, str] | None = None,
        cwd: str | None = None,
    ) -> None:
        self.written = b""
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.terminal, inner = pty.openpty()
        self.inner = inner
        self._set_size(columns, rows)
        self.before = termios.tcgetattr(inner)
        self._process = subprocess.Popen(
            [*program, *args],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
            preexec_fn=_own_terminal,
            env={**os.environ, "TERM": "xterm-256color", **(env or {})},
            cwd=cwd,
        )

    @property
    def lines(self) -> list[str]:
        """What the screen shows, without the blanks at the ends."""
        self.read()
        lines = [line.rstrip() for line in self._screen.display]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    @property
    def text(self) -> str:
        """The screen as one text."""
        return "\n".join(self.lines)

    @property
    def title(self) -> str:
        """The window's title."""
        self.read()
        return str(self._screen.title)

    def type(self, keys: str) -> None:
        """Type."""
        os.write(self.terminal, keys.encode())

    def sees(self, text: str | Callable[[list[str]], bool], *, seconds: float = 20.0) -> None:
        """Look until the screen shows the text; fails after that many seconds."""
        wanted = text if callable(text) else lambda lines: text in "\n".join(lines)
        deadline = time.monotonic() + seconds
        while not wanted(self.lines):
            assert time.monotonic() < deadline, f"waited for {text!r} in vain:\n{self.text}"
            self.read(0.05)

    def resize(self, columns: int, rows: int) -> None:
        """Drag the window's corner."""
        self._screen.resize(rows, columns)
        self._set_size(columns, rows)
        self._process.send_signal(signal.SIGWINCH)

    def signal(self, number: signal.Signals) -> None:
        """Send the command a signal."""
        self._process.send_signal(number)

    def ends(self, *, seconds: float = 20.0) -> int:
        """Wait for the command's end; its exit status."""
        deadline = time.monotonic() + seconds
        while self._process.poll() is None:
            assert time.monotonic() < deadline, f"it does not end:\n{self.text}"
            self.read(0.05)
        self.read()
        return self._process.returncode

    @property
    def stopped(self) -> bool:
        """Whether the command is stopped, as by Ctrl-Z."""
        return psutil.Process(self._process.pid).status() == psutil.STATUS_STOPPED

    def settings(self) -> list[object]:
        """How the terminal is set now (termios)."""
        return list(termios.tcgetattr(self.inner))

    def read(self, wait_s: float = 0.0) -> None:
        """Take in what was written."""
        while select.select([self.terminal], [], [], wait_s)[0]:
            try:
                data = os.read(self.terminal, 1 << 16)
            except OSError:
                return
            self.written += data
            self._stream.feed(data)
            wait_s = 0.0

    def close(self) -> None:
        """End what still runs."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self.terminal)
        os.close(self.inner)

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def _own_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
