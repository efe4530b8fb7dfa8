"""The newest events, the one that happened last at the end.

Bounded by number. What happens again within the hour is one row, counted: a crash loop pushes nothing else out.
"""

import msgspec

from okube.model.event import KEPT_EVENTS, Event

__all__ = ["AGAIN_MS", "EventTable", "repeated"]

AGAIN_MS = 60 * 60 * 1000
"""For how long something that happens again is the same event: longer than the longest pause between two tries."""

_Key = tuple[str, str, str, str | None, str, str]


class EventTable:
    """Rows by id, in the order in which they happened last."""

    def __init__(self) -> None:
        self._rows: dict[str, Event] = {}
        self._ids: dict[_Key, str] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self) -> list[Event]:
        """All, the newest last."""
        return list(self._rows.values())

    def newest_first(self) -> list[Event]:
        """All, the newest first."""
        return list(reversed(self._rows.values()))

    def like(self, event: Event) -> Event | None:
        """The event that ``event`` is a repeat of."""
        known = self._rows.get(self._ids.get(_key(event), ""))
        return None if known is None or known.time_ms < event.time_ms - AGAIN_MS else known

    def put(self, event: Event) -> Event | None:
        """Add an event, or take it in the place of the one with its id; returns that one."""
        old = self._rows.pop(event.id, None)
        self._rows[event.id] = event
        self._ids[_key(event)] = event.id
        return old

    def oldest_beyond(self) -> Event | None:
        """The event that is one too many, if any."""
        return next(iter(self._rows.values())) if len(self._rows) > KEPT_EVENTS else None

    def forget(self, event: Event) -> None:
        """Remove it."""
        del self._rows[event.id]
        if self._ids.get(_key(event)) == event.id:
            del self._ids[_key(event)]


def repeated(known: Event, event: Event) -> Event:
    """``known`` once more: what ``event`` says of it now, and both counts."""
    return msgspec.structs.replace(event, id=known.id, first_ms=known.first_ms, count=known.count + event.count)


def _key(event: Event) -> _Key:
    return (event.kind, event.subject_kind, event.subject, event.reason, event.by, _particular(event))


def _particular(event: Event) -> str:
    """What makes it another event though all else is alike: to which number, on which node."""
    if event.kind == "service-scaled":
        return event.message
    return event.node or "" if event.kind == "task-running" else ""
