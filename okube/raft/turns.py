"""When the engine is turned: soon after something happened, and when its next time-out is due; else a member sleeps."""

import asyncio
from typing import Protocol

from okube.raft.config import RaftConfig
from okube.raft.engine import Engine
from okube.seams.clock import Clock

__all__ = ["Turns", "TurnsHost"]

_TELL_S = 0.005
"""For so long a commit waits for the next entries, which tell it for nothing; a read that needs it does not wait."""

_LATE_S = 0.001
"""Timers are set so much later than what is due then: one that rings a moment early is set anew for nothing."""


class TurnsHost(Protocol):
    """What turns are a part of."""

    @property
    def running(self) -> bool:
        """Whether the member takes part."""

    def ticked(self, now: float) -> None:
        """The engine has looked at its timers: see to what else is due now and then."""

    def settle(self) -> None:
        """Follow up what has changed in the engine."""

    def die(self, error: Exception) -> None:
        """The engine may be half changed, and must not go on."""


class Turns:
    """The timers around an engine, from ``begin`` to ``end``."""

    def __init__(self, host: TurnsHost, *, engine: Engine, config: RaftConfig, clock: Clock) -> None:
        self._host = host
        self._engine = engine
        self._config = config
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._soon: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._telling: asyncio.TimerHandle | None = None
        self._telling_index = 0

    def begin(self) -> None:
        """Turn the engine now, and from then on when it is due."""
        self._on_timer()

    def end(self) -> None:
        """Turn it no more."""
        for handle in (self._timer, self._soon, self._telling):
            if handle is not None:
                handle.cancel()

    def wake(self) -> None:
        """Turn the engine soon: something was proposed, received, or synced."""
        if self._soon is None and self._host.running:
            self._soon = self._loop.call_soon(self._turn)

    def tell_commit(self) -> None:
        """Tell followers of a commit now: one of them waits for it."""
        try:
            self._engine.tell_commit()
        except Exception as error:
            self._host.die(error)

    def _on_timer(self) -> None:
        self._timer = None
        self._turn()

    def _set_timer(self) -> None:
        """Turn the engine again when its next time-out is due, and not before: a member that is idle sleeps."""
        now = self._clock.monotonic()
        tick_s = self._config.tick_ms / 1000
        due_s = self._engine.quiet_until(now) - now
        wait_s = tick_s if due_s <= 0 else min(max(due_s, tick_s / 8), self._config.election_s / 2) + _LATE_S
        if self._timer is not None:
            if self._timer_at <= now + wait_s:
                return  # it looks again then
            self._timer.cancel()
        self._timer_at = now + wait_s
        self._timer = self._loop.call_later(wait_s, self._on_timer)

    def _turn(self) -> None:
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        try:
            self._turn_engine()
        except Exception as error:
            self._host.die(error)
        if self._host.running:
            self._set_timer()

    def _turn_engine(self) -> None:
        now = self._clock.monotonic()
        self._engine.tick(now)
        self._host.ticked(now)
        self._tell_soon()
        self._host.settle()
        if self._engine.has_more_to_apply:
            self.wake()

    def _tell_soon(self) -> None:
        """Have followers told of a commit, unless the entries that follow do so: else that is half of all messages."""
        if self._telling is None and self._engine.has_commit_to_tell:
            self._telling_index = self._engine.commit_index
            self._telling = self._loop.call_later(_TELL_S, self._tell_late)

    def _tell_late(self) -> None:
        self._telling = None
        if self._engine.has_to_tell(self._telling_index):
            self.tell_commit()
        else:
            self._tell_soon()
