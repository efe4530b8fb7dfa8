"""Which saved snapshots are kept, and which have had their time."""

from collections.abc import Sequence

import msgspec

from okube.model.archive import ArchiveHead

__all__ = ["Kept", "Retention", "to_forget"]

_DAY_MS = 24 * 60 * 60 * 1000


class Retention(msgspec.Struct, frozen=True):
    """How often, and what is kept.

    The newest ``keep``, and the last of each of the newest ``days`` days; of all no more than ``most_bytes``, but the
    newest two in any case.
    """

    every_s: float = 3600.0
    keep: int = 24
    days: int = 7
    most_bytes: int = 4 << 30


class Kept(msgspec.Struct, frozen=True):
    """A snapshot on disk."""

    name: str
    size: int
    head: ArchiveHead


def to_forget(kept: Sequence[Kept], policy: Retention) -> list[str]:
    """The names of those that are kept no longer. ``kept`` may come in any order; what a person asked for stays."""
    scheduled = [each for each in kept if each.head.why == "scheduled"]
    newest_first = sorted(scheduled, key=lambda each: each.head.taken_ms, reverse=True)
    last_of_day: dict[int, str] = {}
    for each in newest_first:
        last_of_day.setdefault(each.head.taken_ms // _DAY_MS, each.name)
    staying = {each.name for each in newest_first[: policy.keep]}
    staying |= set(list(last_of_day.values())[: policy.days])
    forgotten, size = [], 0
    for number, each in enumerate(newest_first):
        size += each.size
        if each.name not in staying or (size > policy.most_bytes and number >= 2):
            forgotten.append(each.name)
            size -= each.size
    return forgotten
