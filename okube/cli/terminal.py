"""The terminal of the person who types: its size, raw mode, and being told when it changes."""

import contextlib
import os
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TextIO

__all__ = ["TERMINATED", "coloured", "draws_in_place", "on_resize", "on_suspend", "raw", "size", "terminated"]

TERMINATED = 143  # as shells have it: 128 + SIGTERM


def coloured(descriptor: int) -> bool:
    """Whether colours may be written there: a terminal, and nobody has asked for none (NO_COLOR)."""
    return os.isatty(descriptor) and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"


def draws_in_place(stream: TextIO) -> bool:
    """Whether lines that were written there can be written over: a terminal that can move its cursor."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def size(descriptor: int) -> tuple[int, int]:
    """Columns and rows; 80 and 24 where it does not say."""
    try:
        columns, rows = os.get_terminal_size(descriptor)
    except OSError:
        return 80, 24
    return columns or 80, rows or 24


@contextlib.contextmanager
def raw(descriptor: int) -> Iterator[None]:
    """Every key goes to whoever reads, Ctrl-C too; the terminal is as before at the end, however it ends."""
    before = termios.tcgetattr(descriptor)
    try:
        with terminated():
            tty.setraw(descriptor, termios.TCSADRAIN)
            yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


@contextlib.contextmanager
def terminated() -> Iterator[None]:
    """SIGTERM and SIGHUP unwind, so that what was changed is put back."""

    def leave(*_: object) -> None:
        sys.exit(TERMINATED)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def on_suspend(before: Callable[[], None], after: Callable[[], None]) -> Iterator[None]:
    """Ctrl-Z: put the terminal back before the process stops, and take it again when it goes on."""

    def suspended(*_: object) -> None:
        before()
        os.kill(os.getpid(), signal.SIGSTOP)
        after()

    usual = signal.signal(signal.SIGTSTP, suspended)
    try:
        yield
    finally:
        signal.signal(signal.SIGTSTP, usual)


@contextlib.contextmanager
def on_resize(call: Callable[[], None]) -> Iterator[None]:
    """Call it, between two bytecodes of the main thread, whenever the terminal has another size."""

    def changed(_: int, __: FrameType | None) -> None:
        call()

    before = signal.signal(signal.SIGWINCH, changed)
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)
