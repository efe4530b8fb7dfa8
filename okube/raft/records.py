"""The format of the journal: a line that names it, then checksummed records that are only ever appended.

A record is ``mark (2) kind (1) zero (1) length (4) checksum (4) synced (8) body``, little-endian. ``synced`` is how
much of the file was known to be durable when the record was made. It tells a torn tail from damage: bytes that cannot
be read are a torn tail, and cut off, unless a later record claims that they had been synced. The checksum (CRC-32)
starts from the record's place in the file, so that a record is valid only there.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import NamedTuple

import msgspec

from okube.raft.members import Membership

__all__ = ["MAGIC", "Base", "DamagedAt", "Kind", "Record", "Term", "Writer", "read_records"]

MAGIC = b"okube-journal 1\n"
_MARK = b"\xf5\x4b"
_HEADER = struct.Struct("<2sBBIIQ")
_SEED = struct.Struct("<BIQ")
MAX_BODY_BYTES = 64 * 1024 * 1024


class Kind(IntEnum):
    """What a record says. Numbers are for ever."""

    BASE = 1
    """The log starts anew after an entry that a snapshot covers (or after nothing); body: ``Base``."""
    TERM = 2
    """The current term and the vote given in it; body: ``Term``."""
    ENTRY = 3
    """One entry of the log; body: index, term, command."""
    TRUNCATE = 4
    """Entries from this index on are gone; body: index."""


class Base(msgspec.Struct, frozen=True, array_like=True):
    """Where the log starts: its first entry follows ``index``. ``members`` is the membership at that point.

    Where ``members_index`` is beyond it, the membership is that of this later entry, which is known to be committed: a
    member that joins knows it before it has the log. Entries up to there do not change it.
    """

    cluster_id: str
    index: int
    term: int
    members: Membership
    members_index: int = 0


class Term(msgspec.Struct, frozen=True, array_like=True):
    """The highest term seen and whom this member voted for in it."""

    term: int
    vote: str | None


class Record(NamedTuple):
    """One record without its frame."""

    kind: int
    body: bytes


class DamagedAt(Exception):
    """Bytes at this place of the file cannot be read although they had been synced."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


class Writer:
    """Frames records for one file; knows how far the file reaches and how much of it is durable."""

    def __init__(self, offset: int, synced: int) -> None:
        self.offset = offset
        self.synced = synced

    def frame(self, record: Record) -> bytes:
        """The bytes of the next record of the file."""
        kind, body = record
        checksum = _checksum(kind, body, self.synced, self.offset)
        data = _HEADER.pack(_MARK, kind, 0, len(body), checksum, self.synced) + body
        self.offset += len(data)
        return data

    def whole_file(self, records: Iterable[Record]) -> Iterator[bytes]:
        """A new file with these records, for a writer that starts at zero."""
        self.offset += len(MAGIC)
        yield MAGIC
        for record in records:
            yield self.frame(record)


def read_records(data: bytes) -> tuple[list[Record], int]:
    """All records of a file and where they end, which is before a torn tail, if there is one.

    Raises:
        DamagedAt: bytes that had been synced cannot be read.
    """
    if not data.startswith(MAGIC):
        raise DamagedAt(0)
    records: list[Record] = []
    offset = len(MAGIC)
    while offset < len(data):
        found = _read_one(data, offset)
        if found is None:
            _refuse_damage(data, offset)
            break
        record, _, offset = found
        records.append(record)
    return records, offset


def _refuse_damage(data: bytes, offset: int) -> None:
    """Raise if any record further on claims that the file was durable beyond ``offset``."""
    place = data.find(_MARK, offset + 1)
    while place >= 0:
        found = _read_one(data, place)
        if found is not None and found[1] > offset:
            raise DamagedAt(offset)
        place = data.find(_MARK, place + 1)


def _read_one(data: bytes, offset: int) -> tuple[Record, int, int] | None:
    """The record at this place, its ``synced`` claim and its end; None if no valid record is there."""
    start = offset + _HEADER.size
    if start > len(data):
        return None
    mark, kind, zero, length, checksum, synced = _HEADER.unpack_from(data, offset)
    if mark != _MARK or zero != 0 or length > MAX_BODY_BYTES or start + length > len(data):
        return None
    body = data[start : start + length]
    if _checksum(kind, body, synced, offset) != checksum:
        return None
    return Record(kind, body), synced, start + length


def _checksum(kind: int, body: bytes, synced: int, offset: int) -> int:
    seed = zlib.crc32(_SEED.pack(kind, len(body), synced), offset & 0xFFFFFFFF)
    return zlib.crc32(body, seed)
