"""The engine's events about our containers, for as long as the runtime is open."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import msgspec

from okube.seams.clock import Clock
from okube.worker.runtime.base import RuntimeUnavailable
from okube.worker.runtime.docker.client import EngineClient
from okube.worker.runtime.naming import TASK_LABEL

__all__ = ["EventPump"]

_KINDS = ("create", "start", "die", "destroy", "oom", "pause", "unpause")
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0


class _Actor(msgspec.Struct):
    ID: str
    Attributes: dict[str, str] = {}


class _Event(msgspec.Struct):
    Actor: _Actor


class EventPump:
    """Calls ``on_event(container id, task id)`` for each event, and ``on_break`` when some may have been missed.

    ``connected`` is True while nothing is missed. ``on_return`` is awaited after each reconnection, so that whoever
    listens can look at all there is.
    """

    def __init__(
        self,
        client: EngineClient,
        clock: Clock,
        labels: list[str],
        *,
        on_event: Callable[[str, str], None],
        on_break: Callable[[], None],
        on_return: Callable[[], Awaitable[None]],
    ) -> None:
        self.connected = False
        self._client = client
        self._clock = clock
        self._labels = labels
        self._on_event = on_event
        self._on_break = on_break
        self._on_return = on_return

    async def run(self) -> None:
        """Read events, and connect anew whenever the stream breaks, until cancelled."""
        seen_ms = self._clock.time_ms()
        pause_s, returning = _FIRST_PAUSE_S, False
        while True:
            try:
                async with self._client.stream("GET", "/events", self._query(seen_ms)) as response:
                    response.raise_for_status()
                    self.connected = True
                    if returning:
                        await self._on_return()
                    pause_s, returning = _FIRST_PAUSE_S, True
                    async for line in response.content:
                        self._tell(line)
                        seen_ms = self._clock.time_ms()
            except (RuntimeUnavailable, ValueError):  # ValueError: a line that is no event; start over from a list
                returning = True
            finally:
                self.connected = False
                self._on_break()
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    def _query(self, since_ms: int) -> dict[str, str]:
        filters = {"type": ["container"], "event": list(_KINDS), "label": self._labels}
        # A second of overlap: a repeated event does no harm, a missed one makes somebody wait.
        return {"filters": json.dumps(filters), "since": f"{since_ms / 1000 - 1:.3f}"}

    def _tell(self, line: bytes) -> None:
        if line.strip():
            event = msgspec.json.decode(line, type=_Event)
            self._on_event(event.Actor.ID, event.Actor.Attributes.get(TASK_LABEL, ""))
