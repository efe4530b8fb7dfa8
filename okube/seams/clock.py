"""Time as an argument."""

import asyncio
import time
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """Two clocks: one that never jumps, for intervals, and the calendar, for what people read."""

    def monotonic(self) -> float:
        """Seconds since some fixed point; the clock of the running event loop."""

    def time_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""


class SystemClock:
    """The machine's clocks; ``monotonic`` is the one that the timers of asyncio run on."""

    def monotonic(self) -> float:
        """Seconds on the running loop's clock."""
        return asyncio.get_running_loop().time()

    def time_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000_000
