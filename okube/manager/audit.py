"""The audit log of one manager: what it did or refused itself. Kept in files of its own, and never waited for.

What was done and what was refused are kept apart, so that whoever is refused a thousand times a second pushes nothing
out of the record of what was done; and what was refused alike within a second is one line.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import msgspec

from okube.manager.trail import Trail
from okube.model.audit import AuditRecord

__all__ = ["AuditLog"]

_log = logging.getLogger(__name__)
_SOON_S = 0.05
_TOGETHER_S = 1.0
_KINDS_TOGETHER = 200
_MOST_WAITING = 4 << 20
_Key = tuple[str, str, str, str, str, int, str]
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(AuditRecord)


class AuditLog:
    """Takes records on the loop at once, and writes them in a thread a moment later.

    Args:
        folder: where the files are.
        monotonic: seconds.
    """

    def __init__(self, folder: Path, monotonic: Callable[[], float]) -> None:
        self.lost = 0
        """Lines that could not be written: the disk is full, or too slow for so many."""
        self._done = Trail(folder, "done", file_bytes=8 << 20, files=4)
        self._refused = Trail(folder, "refused", file_bytes=4 << 20, files=2)
        self._monotonic = monotonic
        self._lines: list[bytes] = []
        self._bytes = 0
        self._alike: dict[_Key, AuditRecord] = {}
        self._together_since = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._writing = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def note(self, record: AuditRecord) -> None:
        """Take a record."""
        if record.result == "refused":
            self._note_refused(record)
        elif self._bytes > _MOST_WAITING:
            self.lost += 1
        else:
            line = _encoder.encode(record) + b"\n"
            self._lines.append(line)
            self._bytes += len(line)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_SOON_S, self._begin)

    async def flush(self) -> None:
        """Have all that was taken in the files."""
        await self._write(everything=True)

    async def read(self, wanted: Callable[[AuditRecord], bool], *, limit: int, since: str) -> list[AuditRecord]:
        """The newest records that are wanted, the oldest of them first.

        Args:
            wanted: whether a record is.
            limit: so many at most.
            since: none from before that time, as records have it.
        """
        await self.flush()

        def read() -> list[AuditRecord]:
            found = _newest(self._done, wanted, limit, since) + _newest(self._refused, wanted, limit, since)
            return sorted(found, key=lambda record: record.time)[-limit:]

        return await asyncio.to_thread(read)

    def _note_refused(self, record: AuditRecord) -> None:
        """Count it where it is one of many alike; of too many kinds, those that came last lose what they are about."""
        if not self._alike:
            self._together_since = self._monotonic()
        key = _key(record)
        if key not in self._alike and len(self._alike) >= _KINDS_TOGETHER:
            record = msgspec.structs.replace(record, who="", role="", path="", detail="", address="(many)")
            key = _key(record)
        known = self._alike.get(key)
        if known is not None:
            record = msgspec.structs.replace(known, count=known.count + 1)
        self._alike[key] = record

    def _begin(self) -> None:
        self._timer = None
        task = asyncio.get_running_loop().create_task(self._write(everything=False))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self, *, everything: bool) -> None:
        async with self._writing:
            done, self._lines, self._bytes = self._lines, [], 0
            refused: list[AuditRecord] = []
            if everything or self._monotonic() >= self._together_since + _TOGETHER_S:
                refused, self._alike = list(self._alike.values()), {}
            lines = [_encoder.encode(record) + b"\n" for record in refused]
            await self._append(self._done, done)
            await self._append(self._refused, lines)
            if self._alike and self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(_TOGETHER_S, self._begin)

    async def _append(self, trail: Trail, lines: list[bytes]) -> None:
        if not lines:
            return
        try:
            await asyncio.to_thread(trail.append, b"".join(lines))
        except OSError as error:
            self.lost += len(lines)
            _log.error("%d lines of the audit log are lost: %s", len(lines), error)


def _key(record: AuditRecord) -> _Key:
    return (record.who, record.address, record.method, record.path, record.action, record.status, record.detail)


def _newest(trail: Trail, wanted: Callable[[AuditRecord], bool], limit: int, since: str) -> list[AuditRecord]:
    found: list[AuditRecord] = []
    for line in trail.newest_first():
        try:
            record = _decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue  # one that was cut off
        if record.time < since or len(found) == limit:
            break
        if wanted(record):
            found.append(record)
    return found
