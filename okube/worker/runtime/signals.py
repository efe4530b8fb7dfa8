"""Names of signals, as a service file has them, into numbers."""

import re
import signal

from okube.worker.runtime.base import RuntimeFailure

__all__ = ["check_signal", "signal_number"]

_REAL_TIME = re.compile(r"SIGRT(MIN|MAX)([+-]\d{1,2})?")


def signal_number(name: str) -> int | None:
    """``SIGTERM`` or ``SIGRTMIN+3`` as a number, or None for a name that this machine does not know."""
    if match := _REAL_TIME.fullmatch(name):
        base = signal.SIGRTMIN if match[1] == "MIN" else signal.SIGRTMAX
        number = base + int(match[2] or 0)
        return int(number) if signal.SIGRTMIN <= number <= signal.SIGRTMAX else None
    return int(signal.Signals[name]) if name in signal.Signals.__members__ else None


def check_signal(name: str, *, service: str) -> None:
    """Refuse a stop signal that does not exist before anything is made.

    Raises:
        RuntimeFailure: ``start-failed``.
    """
    if signal_number(name) is None:
        raise RuntimeFailure(
            "start-failed", f"service {service} asks to be stopped with {name}, which is no signal; write SIGTERM, ..."
        )
