"""What changes of secrets, configs and the key ring mean to people, as events."""

from collections.abc import Iterator

from okube.model.event import Event, EventKind
from okube.model.sealed import Ring
from okube.model.secret import Secret

__all__ = ["of_ring", "of_secret"]


def of_secret(old: Secret | None, new: Secret | None, row: Secret) -> Event:
    """A secret or config was made, rotated or removed. Never a word about the value, not even how long it is."""
    kind: EventKind = "secret-removed" if new is None else "secret-created" if old is None else "secret-rotated"
    message = f"version {row.newest.version}" if kind == "secret-rotated" else ""
    return Event(id="", kind=kind, subject_kind=row.kind, subject=row.name, message=message)


def of_ring(old: Ring | None, new: Ring | None) -> Iterator[Event]:
    """The key ring was given up, or has another data key; that there is one now is no event."""
    if new is None:
        message = "given up, with all secrets and configs: its unlock key is lost"
        yield Event(id="", kind="keys-rotated", level="warning", subject_kind="cluster", message=message)
    elif old is not None and old.newest != new.newest:
        yield Event(id="", kind="keys-rotated", subject_kind="cluster", message=_ring_change(old, new))


def _ring_change(old: Ring, new: Ring) -> str:
    parts = [f"the data key {new.newest} seals from here on"]
    if new.unlock_id != old.unlock_id:
        parts.append(f"the unlock key is {new.unlock_id}")
    if new.autolock != old.autolock:
        parts.append("managers lock themselves" if new.autolock else "managers keep the unlock key on their disks")
    return "; ".join(parts)
