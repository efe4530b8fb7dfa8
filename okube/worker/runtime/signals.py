"""Names of signals, as a service file has them, into numbers."""

import re
import signal

from okube.model.spec import ServiceSpec
from okube.worker.runtime.base import RuntimeFailure

__all__ = ["check_signals", "signal_number"]

_REAL_TIME = re.compile(r"SIGRT(MIN|MAX)([+-]\d{1,2})?")


def signal_number(name: str) -> int | None:
    """``SIGTERM`` or ``SIGRTMIN+3`` as a number, or None for a name that this machine does not know."""
    if match := _REAL_TIME.fullmatch(name):
        base = signal.SIGRTMIN if match[1] == "MIN" else signal.SIGRTMAX
        number = base + int(match[2] or 0)
        return int(number) if signal.SIGRTMIN <= number <= signal.SIGRTMAX else None
    return int(signal.Signals[name]) if name in signal.Signals.__members__ else None


def check_signals(spec: ServiceSpec) -> None:
    """Refuse a signal that does not exist before anything is made.

    Raises:
        RuntimeFailure: ``start-failed``.
    """
    if signal_number(spec.stop.signal) is None:
        raise RuntimeFailure(
            "start-failed",
            f"service {spec.name} asks to be stopped with {spec.stop.signal}, which is no signal; write SIGTERM, ...",
        )
    for kind, mount in spec.all_mounts:
        if mount.signal and signal_number(mount.signal) is None:
            raise RuntimeFailure(
                "start-failed",
                f"service {spec.name} asks for {mount.signal} when {kind} {mount.name} is rotated, which is no "
                "signal; write SIGHUP, ...",
            )
