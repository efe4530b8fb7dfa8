"""The journal on disk: records appended in order, one sync at a time, and a crash-safe way to make the file small.

To rewrite it, a new file is prepared beside the old one while records still go to the old one; these are remembered,
appended to the new file as well, and synced, before it takes the old one's name. A crash at any point leaves one
whole file under that name. Where there is no room for a second file, the old one goes on.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from okube.raft.errors import JournalDamaged, NotBootstrapped
from okube.raft.records import MAGIC, DamagedAt, Record, Writer, read_records
from okube.seams.disk import AppendFile, Disk, NoRoom

__all__ = ["JournalFile", "create_journal_file"]


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".new")


async def create_journal_file(disk: Disk, path: Path, records: Sequence[Record]) -> None:
    """Write the first journal of a directory; it appears whole or not at all."""
    await disk.replace(path, Writer(0, 0).whole_file(records))


class JournalFile:
    """Positions are counts of records since it was opened: ``position`` appended, ``synced`` of them durable.

    ``abandoned`` counts rewrites for which there was no room.
    """

    def __init__(self, disk: Disk, path: Path, file: AppendFile, offset: int) -> None:
        self._disk = disk
        self._path = path
        self._file = file
        self._writer = Writer(offset, offset)
        self._rewriting: asyncio.Task[Writer] | None = None
        self._since_rewrite: list[Record] = []
        self.position = 0
        self.synced = 0
        self.abandoned = 0

    @classmethod
    async def open(cls, disk: Disk, path: Path) -> "tuple[JournalFile, list[Record]]":
        """Read all records, cut off a torn tail, and make ready to append.

        Raises:
            NotBootstrapped: there is no journal.
            JournalDamaged: there is damage before the tail.
            DirectoryInUse: another process has it open.
        """
        try:
            file = await disk.open_append(path)
        except FileNotFoundError:
            message = f"{path.parent} holds no member of a cluster; it must be bootstrapped, or joined to one"
            raise NotBootstrapped(message) from None
        try:
            await disk.remove(_beside(path))
            data = await disk.read(path)
            records, end = _read(path, data)
            if end < len(data):
                await disk.truncate(path, end)
        except BaseException:
            await file.close()
            raise
        return cls(disk, path, file, end), records

    @property
    def size(self) -> int:
        """Bytes of the file, with what is still to be written."""
        return self._writer.offset

    def append(self, record: Record) -> None:
        """Queue a record for the next sync."""
        self._file.append(self._writer.frame(record))
        self.position += 1
        if self._rewriting is not None:
            self._since_rewrite.append(record)

    async def sync(self) -> None:
        """Make every record appended before this call durable. One call at a time.

        Raises:
            NoRoom: there is none for the records; the file must be closed.
            OSError: final.
        """
        position, offset = self.position, self._writer.offset
        if self._rewriting is None or not self._rewriting.done() or not await self._took_over(self._rewriting):
            await self._file.sync()
            self._writer.synced = max(self._writer.synced, offset)
        self.synced = position

    def rewrite(self, records: Sequence[Record]) -> None:
        """Begin to write a new file with ``records`` in place of all so far; a later ``sync`` finishes it."""
        if self._rewriting is not None:
            return
        self._since_rewrite = []
        self._rewriting = asyncio.get_running_loop().create_task(self._prepare(records))
        self._rewriting.add_done_callback(_look_at)  # if nobody else comes to it: the member is ending then

    @property
    def rewriting(self) -> bool:
        """Whether a rewrite has begun and no sync has finished it yet."""
        return self._rewriting is not None

    @property
    def wants_sync(self) -> bool:
        """Whether a sync has anything to do."""
        return self.synced < self.position or (self._rewriting is not None and self._rewriting.done())

    async def rewritten(self) -> None:
        """Wait until the new file is ready to be taken over, if one is being prepared. Raises ``NoRoom``."""
        if self._rewriting is not None:
            await asyncio.shield(self._rewriting)

    async def close(self) -> None:
        """Let go of the file; a rewrite that was not finished is dropped."""
        if self._rewriting is not None:
            self._rewriting.cancel()
            await asyncio.wait([self._rewriting])
        await self._file.close()

    async def _prepare(self, records: Sequence[Record]) -> Writer:
        writer = Writer(0, 0)
        await self._disk.replace(_beside(self._path), writer.whole_file(records))
        writer.synced = writer.offset
        return writer

    async def _took_over(self, prepared: asyncio.Task[Writer]) -> bool:
        """Put the new file in the old one's place; False: there is no room for it, and the old one goes on."""
        try:
            await self._take_over(prepared.result())
        except NoRoom:
            self.abandoned += 1
            self._rewriting, self._since_rewrite = None, []
            await self._disk.remove(_beside(self._path))
            return False
        return True

    async def _take_over(self, writer: Writer) -> None:
        """Bring the new file up to date and give it the journal's name; records that come meanwhile wait in both."""
        file = await self._disk.open_append(_beside(self._path))
        records, self._since_rewrite = self._since_rewrite, []
        for record in records:
            file.append(writer.frame(record))
        offset = writer.offset
        try:
            await file.sync()
        except NoRoom:
            await file.close()
            raise
        await self._disk.rename(_beside(self._path), self._path)
        writer.synced = offset
        for record in self._since_rewrite:
            file.append(writer.frame(record))
        old, self._file, self._writer = self._file, file, writer
        self._rewriting, self._since_rewrite = None, []
        await old.close()


def _look_at(task: "asyncio.Task[Writer]") -> None:
    if not task.cancelled():
        task.exception()


def _read(path: Path, data: bytes) -> tuple[list[Record], int]:
    if data.startswith(b"okube-journal ") and not data.startswith(MAGIC):
        raise JournalDamaged(path, f"the format {data[:20]!r} is not one that this version reads")
    try:
        return read_records(data)
    except DamagedAt as damage:
        raise JournalDamaged(path, f"it is damaged at byte {damage.offset}, before its end") from None
