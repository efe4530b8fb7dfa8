"""Which requests were carried out lately, with their results: what makes a repeated write safe.

Bounded by age, by number and by size, whichever ends first; the age is measured on the proposers' stamps, so it is
the same on every manager.
"""

from collections import OrderedDict

import msgspec

from okube.model.commands import Applied, Result

__all__ = ["KEPT_BYTES", "KEPT_MS", "KEPT_NUMBER", "KnownRequest", "RequestTable"]

KEPT_MS = 10 * 60 * 1000
KEPT_NUMBER = 10_000
KEPT_BYTES = 8 << 20  # of results: one that puts a thousand services is half a megabyte


class KnownRequest(msgspec.Struct, frozen=True, array_like=True):
    """One request that was answered: its client's key, what it was, when, and the first result."""

    request_id: str
    fingerprint: bytes
    time_ms: int
    result: Result


class RequestTable:
    """The requests of the last ten minutes, oldest first."""

    def __init__(self) -> None:
        self._rows: OrderedDict[str, KnownRequest] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, request_id: str) -> KnownRequest | None:
        """What is remembered of a request."""
        return self._rows.get(request_id)

    def rows(self) -> list[KnownRequest]:
        """All, oldest first."""
        return list(self._rows.values())

    def put(self, row: KnownRequest) -> list[KnownRequest]:
        """Remember a request; returns the old ones that were forgotten for it."""
        self._rows[row.request_id] = row
        self._bytes += _size(row)
        return self._forget(row.time_ms)

    def oldest_ms(self) -> int | None:
        """When the oldest remembered request was answered: how far back a repeat is safe."""
        return next(iter(self._rows.values())).time_ms if self._rows else None

    def _forget(self, now_ms: int) -> list[KnownRequest]:
        forgotten = []
        while len(self._rows) > 1:
            oldest = next(iter(self._rows.values()))
            within = len(self._rows) <= KEPT_NUMBER and self._bytes <= KEPT_BYTES
            if within and oldest.time_ms >= now_ms - KEPT_MS:
                break
            del self._rows[oldest.request_id]
            self._bytes -= _size(oldest)
            forgotten.append(oldest)
        return forgotten


def _size(row: KnownRequest) -> int:
    return len(row.result.body) if isinstance(row.result, Applied) else len(row.result.detail)
