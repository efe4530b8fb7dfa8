"""The log as pysyncobj sees it: term, vote, membership and entries in memory, each change a record of the journal file.

Positions of the list that pysyncobj indexes: 0 is the base, the entry before the first (a snapshot covers it), then the
entries. Commands carry pysyncobj's kind in their first byte.
"""

import bisect
import struct
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any

import msgspec

from okube.raft.errors import JournalDamaged
from okube.raft.journal_file import JournalFile
from okube.raft.members import Membership, decode_membership
from okube.raft.records import Base, Kind, Record, Term
from okube.seams.disk import Disk

__all__ = ["FIRST_BASE_INDEX", "Command", "Entry", "Journal", "first_records", "first_records_after"]

ENTRY_OVERHEAD_BYTES = 36  # of the file, for each entry: a record's frame, index and term
FIRST_BASE_INDEX = 1  # pysyncobj's log starts with a no-op of term 0 at index 1, which every member has

Entry = tuple[bytes, int, int]
"""(command, index, term), the order that pysyncobj has."""

_PLACE = struct.Struct("<QQ")
_INDEX = struct.Struct("<Q")
_term_decoder = msgspec.msgpack.Decoder(Term)
_base_decoder = msgspec.msgpack.Decoder(Base)


class Command(IntEnum):
    """The first byte of an entry's command, as pysyncobj numbers it."""

    REGULAR = 0
    NO_OP = 1
    MEMBERSHIP = 2


def first_records(cluster_id: str, members: Membership, members_index: int = 0) -> list[Record]:
    """The journal of a new cluster: its first membership and nothing else.

    Of a member that joins one: the membership as of the entry that made it a member, and the log still to come.
    """
    return [_base_record(Base(cluster_id, FIRST_BASE_INDEX, 0, members, members_index))]


def first_records_after(cluster_id: str, members: Membership, index: int, term: int) -> list[Record]:
    """The journal of a cluster that goes on after an entry, which its snapshot covers, with this membership."""
    return [_base_record(Base(cluster_id, index, term, members))]


class Journal:
    """Duck type of ``pysyncobj.journal.Journal``; what it cannot hold by its nature is refused at ``open``."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file
        self._term = Term(0, None)
        self._term_position = 0
        self._base = Base("", 0, 0, ())
        self._entries: list[Entry] = []
        self._memberships: list[tuple[int, Membership]] = []
        self._synced_index = 0
        self._syncing_index = 0
        self._bytes = 0

    @classmethod
    async def open(cls, disk: Disk, path: Path) -> "Journal":
        """Read the journal of a directory. Raises what ``JournalFile.open`` raises."""
        file, records = await JournalFile.open(disk, path)
        journal = cls(file)
        try:
            for record in records:
                journal._replay(record)
            if not journal._entries:
                raise ValueError("it has no beginning")
        except (ValueError, msgspec.MsgspecError, struct.error) as error:
            await file.close()
            raise JournalDamaged(path, f"its records contradict each other ({error})") from None
        journal._synced_index = journal.last_index
        return journal

    # What the rest of okube/raft asks.

    @property
    def cluster_id(self) -> str:
        """The cluster this journal belongs to."""
        return self._base.cluster_id

    @property
    def members(self) -> Membership:
        """The membership: it holds from the moment its entry is appended, and is undone when that is truncated."""
        return self._memberships[-1][1]

    @property
    def members_index(self) -> int:
        """The entry that made the membership what it is (or the base)."""
        return self._memberships[-1][0]

    def memberships_from(self, commit_index: int) -> list[tuple[int, Membership]]:
        """The membership that is committed, then those that are not yet; each with the entry as of which it holds."""
        first = len(self._memberships) - 1
        while first > 0 and self._memberships[first][0] > commit_index:
            first -= 1
        return self._memberships[first:]

    @property
    def base_index(self) -> int:
        """The index before the first entry."""
        return self._base.index

    @property
    def base_term(self) -> int:
        """The term of the entry before the first."""
        return self._base.term

    @property
    def last_index(self) -> int:
        """The index of the last entry."""
        return self._entries[-1][1]

    @property
    def last_term(self) -> int:
        """The term of the last entry."""
        return self._entries[-1][2]

    @property
    def log_bytes(self) -> int:
        """What the entries' commands take."""
        return self._bytes

    @property
    def waste_bytes(self) -> int:
        """What the file takes beyond its entries: those truncated or forgotten, and terms and votes of the past."""
        return self._file.size - self._bytes - len(self._entries) * ENTRY_OVERHEAD_BYTES

    @property
    def position(self) -> int:
        """Counts up with each record; compare with ``synced_position``."""
        return self._file.position

    @property
    def synced_position(self) -> int:
        """All records up to this one are durable."""
        return self._file.synced

    @property
    def term_position(self) -> int:
        """The position of the current term and vote."""
        return self._term_position

    @property
    def synced_index(self) -> int:
        """All entries up to this one are durable."""
        return self._synced_index

    @property
    def wants_sync(self) -> bool:
        """Whether ``sync`` has anything to do."""
        return self._file.wants_sync

    @property
    def abandoned(self) -> int:
        """How often there was no room to make the file small."""
        return self._file.abandoned

    @property
    def rewriting(self) -> bool:
        """Whether the file is being made small."""
        return self._file.rewriting

    def term_at(self, index: int) -> int | None:
        """The term of an entry, or of the base; None if the log does not hold it."""
        if not self._base.index <= index <= self.last_index:
            return None
        return self._entries[index - self._base.index][2]

    def first_of_term_at(self, index: int) -> int:
        """The first index above the base whose entry has the term of the entry at ``index``."""
        term = self._entries[index - self._base.index][2]
        place = bisect.bisect_left(self._entries, term, lo=1, key=_term_of)
        return self._base.index + place

    def members_at(self, index: int) -> Membership:
        """The membership as of an entry that the log holds, or a later one where none so early is known."""
        return self.memberships_from(index)[0][1]

    async def sync(self) -> None:
        """Make everything appended before this call durable. One call at a time; an error is final for this journal.

        Raises:
            NoRoom: the disk is full; the journal must be closed, and may be opened anew.
            OSError: nothing on this disk can be trusted.
        """
        self._syncing_index = self.last_index
        await self._file.sync()
        self._synced_index = max(self._synced_index, self._syncing_index)

    def tail_start(self, index: int, *, entries: int, size_bytes: int) -> int:
        """The new base for a compaction below ``index`` that keeps a tail of so many entries and bytes before it."""
        start = index
        kept_bytes = 0
        while start > self._base.index and index - start < entries:
            kept_bytes += len(self._entries[start - self._base.index][0])
            if kept_bytes > size_bytes:
                break
            start -= 1
        return start

    def compact(self, index: int) -> None:
        """Forget entries up to ``index``, which a durable snapshot covers, and make the file small.

        Nothing happens while an earlier rewrite is under way.
        """
        if index <= self._base.index or self._file.rewriting:
            return
        at, members = self.memberships_from(index)[0]
        self._base = Base(self._base.cluster_id, index, self._entries[index - self._base.index][2], members, at)
        del self._entries[: index - self._entries[0][1]]
        self._entries[0] = _base_entry(self._base)
        self._memberships = [(at, members)] + [pair for pair in self._memberships if pair[0] > max(index, at)]
        self._bytes = sum(len(entry[0]) for entry in self._entries)
        self.shrink()

    def shrink(self) -> None:
        """Make the file as small as what the log holds. Nothing happens while a rewrite is under way."""
        self._file.rewrite(_Image(self._base, self._term, self._entries[1:]))

    async def compacted(self) -> None:
        """Wait until the small file is ready for the next ``sync`` to take it over. Raises ``NoRoom``."""
        await self._file.rewritten()

    def restart_at(self, index: int, term: int, members: Membership) -> None:
        """Drop all entries: a durable snapshot up to ``index`` has taken their place."""
        at, known = self._memberships[0]
        if at > index:  # a snapshot from before this member joined
            members = known
        self._append(_base_record(Base(self._base.cluster_id, index, term, members, max(at, index))))

    async def close(self) -> None:
        """Let go of the file."""
        await self._file.close()

    # What pysyncobj calls.

    def add(self, command: bytes, idx: int, term: int) -> None:
        """Append an entry."""
        self._append(Record(Kind.ENTRY, _PLACE.pack(idx, term) + command))

    def deleteEntriesFrom(self, entryFrom: int) -> None:  # noqa: N802, N803  pysyncobj's names
        """Truncate at a position of the list."""
        self._append(Record(Kind.TRUNCATE, _INDEX.pack(self._base.index + entryFrom)))

    def __getitem__(self, item: Any) -> Any:
        return self._entries[item]

    def __len__(self) -> int:
        return len(self._entries)

    def setCurrentTerm(self, term: int, votedForNodeId: str | None) -> None:  # noqa: N802, N803
        """Take a new term, or a vote in it."""
        if Term(term, votedForNodeId) == self._term:
            return
        self._append(Record(Kind.TERM, msgspec.msgpack.encode(Term(term, votedForNodeId))))
        self._term_position = self._file.position

    def getCurrentTerm(self) -> int:  # noqa: N802
        """The highest term seen; never below the last entry's."""
        return max(self._term.term, self.last_term)

    def getVotedForNodeId(self) -> str | None:  # noqa: N802
        """Whom this member voted for in the current term."""
        return self._term.vote if self._term.term == self.getCurrentTerm() else None

    def setRaftCommitIndex(self, raftCommitIndex: int) -> None:  # noqa: N802, N803
        """Not kept: a commit index on disk could reach beyond a torn journal, and the leader tells it anew."""

    # Records, in memory.

    def _append(self, record: Record) -> None:
        self._file.append(record)
        self._replay(record)

    def _replay(self, record: Record) -> None:
        match record.kind:
            case Kind.ENTRY:
                self._replay_entry(record.body)
            case Kind.TERM:
                self._term = _term_decoder.decode(record.body)
            case Kind.TRUNCATE:
                self._replay_truncate(_INDEX.unpack(record.body)[0])
            case Kind.BASE:
                self._replay_base(_base_decoder.decode(record.body))
            case _:
                raise ValueError(f"a record of unknown kind {record.kind}")

    def _replay_entry(self, body: bytes) -> None:
        index, term = _PLACE.unpack_from(body)
        command = body[_PLACE.size :]
        if not self._entries or index != self.last_index + 1 or term < self.last_term or not command:
            raise ValueError(f"entry {index} of term {term} does not follow")
        self._entries.append((command, index, term))
        self._bytes += len(command)
        if command[0] == Command.MEMBERSHIP and index > self._memberships[0][0]:
            self._memberships.append((index, decode_membership(command[1:])))

    def _replay_truncate(self, index: int) -> None:
        if not self._base.index < index <= self.last_index:
            raise ValueError(f"a truncation at {index}")
        place = index - self._base.index
        self._bytes -= sum(len(entry[0]) for entry in self._entries[place:])
        del self._entries[place:]
        while len(self._memberships) > 1 and self._memberships[-1][0] >= index:
            self._memberships.pop()
        self._synced_index = min(self._synced_index, index - 1)
        self._syncing_index = min(self._syncing_index, index - 1)

    def _replay_base(self, base: Base) -> None:
        self._base = base
        self._entries = [_base_entry(base)]
        self._memberships = [(base.members_index or base.index, base.members)]
        self._bytes = 0
        self._synced_index = self._syncing_index = base.index


class _Image(Sequence[Record]):
    """The records of a journal at one moment, made one by one while another thread writes them."""

    def __init__(self, base: Base, term: Term, entries: list[Entry]) -> None:
        self._first = [_base_record(base), Record(Kind.TERM, msgspec.msgpack.encode(term))]
        self._entries = entries

    def __len__(self) -> int:
        return len(self._first) + len(self._entries)

    def __getitem__(self, place: Any) -> Any:
        if place < len(self._first):
            return self._first[place]
        command, index, term = self._entries[place - len(self._first)]
        return Record(Kind.ENTRY, _PLACE.pack(index, term) + command)


def _base_record(base: Base) -> Record:
    return Record(Kind.BASE, msgspec.msgpack.encode(base))


def _base_entry(base: Base) -> Entry:
    return bytes([Command.NO_OP]), base.index, base.term


def _term_of(entry: Entry) -> int:
    return entry[2]
