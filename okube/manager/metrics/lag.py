"""How late the event loop is: a timer that says how much later it ran than it should have."""

import asyncio
from collections.abc import Callable

__all__ = ["sample_lag"]

INTERVAL_S = 0.1


async def sample_lag(observe: Callable[[float], None], *, interval_s: float = INTERVAL_S) -> None:
    """Observe the lag (seconds) every ``interval_s``, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + interval_s
        await asyncio.sleep(interval_s)
        observe(max(0.0, loop.time() - due))
