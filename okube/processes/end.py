"""Ends processes: asked first, killed when they do not listen; never another one that got the same pid meanwhile."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Sequence

from okube.model.errors import Forbidden
from okube.processes.lock import Running

__all__ = ["end"]

_POLL_S = 0.02
_KILL_S = 5.0


def end(processes: Sequence[Running], *, grace_s: float, request: signal.Signals = signal.SIGTERM) -> list[Running]:
    """``request`` to all at once, SIGKILL to those that live after ``grace_s``; returns those that had to be killed.

    Raises:
        Forbidden: one belongs to another user.
    """
    for process in processes:
        _signal(process, request)
    stubborn = _living(processes, grace_s)
    for process in stubborn:
        _signal(process, signal.SIGKILL)
    _living(stubborn, _KILL_S)
    return stubborn


def _living(processes: Sequence[Running], timeout_s: float) -> list[Running]:
    deadline = time.monotonic() + timeout_s
    living = [p for p in processes if p.lives]
    while living and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        living = [p for p in living if p.lives]
    return living


def _signal(process: Running, number: signal.Signals) -> None:
    with _pinned(process) as descriptor, contextlib.suppress(ProcessLookupError):
        if descriptor is None:
            return
        try:
            signal.pidfd_send_signal(descriptor, number)
        except PermissionError as error:
            raise Forbidden(
                f"Process {process.pid} belongs to another user: run this as the user who started it, or as root."
            ) from error


@contextlib.contextmanager
def _pinned(process: Running) -> Iterator[int | None]:
    """A descriptor of exactly this process, so that the check of its start holds until the signal is sent."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        yield None
        return
    try:
        yield descriptor if process.lives else None
    finally:
        os.close(descriptor)
