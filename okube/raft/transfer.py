"""Snapshots for followers that are behind the leader's log: piece by piece, installed whole, then acknowledged.

The receiver says how much it has, and the sender sends what follows; so a lost or doubled piece changes nothing. The
last acknowledgement is the usual one for entries, after the installed snapshot is durable.
"""

import logging
import zlib
from typing import NamedTuple

from okube.raft.frames import SnapshotPiece, SnapshotReceived
from okube.raft.snapshot import Snapshot

__all__ = ["Arrived", "Incoming", "Outgoing"]

logger = logging.getLogger(__name__)


class Outgoing:
    """One snapshot on its way to one follower; ``checksum`` is that of its file."""

    def __init__(self, snapshot: Snapshot, checksum: int, piece_bytes: int, now: float) -> None:
        self._snapshot = snapshot
        self._piece_bytes = piece_bytes
        self._checksum = checksum
        self.moved_at = now

    @property
    def index(self) -> int:
        """What the snapshot covers."""
        return self._snapshot.head.index

    def piece(self, offset: int) -> SnapshotPiece:
        """The piece that starts at ``offset``."""
        head = self._snapshot.head
        data = bytes(self._snapshot.file[offset : offset + self._piece_bytes])
        return SnapshotPiece(head.index, head.term, len(self._snapshot.file), self._checksum, offset, data)

    def after(self, received: SnapshotReceived, now: float) -> SnapshotPiece | None:
        """What to send next; None: the answer is not about this snapshot, or the follower has all of it."""
        head = self._snapshot.head
        if (received.index, received.last_term) != (head.index, head.term):
            return None
        self.moved_at = now
        if not 0 <= received.offset < len(self._snapshot.file):
            return None
        return self.piece(received.offset)


class _Id(NamedTuple):
    sender: str
    last_index: int
    last_term: int
    total_bytes: int
    checksum: int


class Arrived(NamedTuple):
    """The bytes of a snapshot file that arrived as they were sent, and what it should cover."""

    file: bytes | bytearray  # not copied once more: that alone would be a pause
    last_index: int
    last_term: int


class Incoming:
    """The snapshot that a follower is being sent; a piece of another one starts anew."""

    def __init__(self) -> None:
        self._id: _Id | None = None
        self._data = bytearray()
        self._checksum = 0

    def add(self, sender: str, piece: SnapshotPiece) -> SnapshotReceived:
        """Take a piece, if it is the next, and say how much is there."""
        of = _Id(sender, piece.index, piece.last_term, piece.total_bytes, piece.checksum)
        if of != self._id:
            self.forget()
            self._id = of
        if piece.offset == len(self._data):
            self._data += piece.data
            self._checksum = zlib.crc32(piece.data, self._checksum)
        return SnapshotReceived(piece.index, piece.last_term, len(self._data))

    def take(self) -> Arrived | None:
        """The snapshot, once it is complete; damaged on the way, it is dropped and starts anew."""
        if self._id is None or len(self._data) < self._id.total_bytes:
            return None
        of, data, checksum = self._id, self._data, self._checksum
        self.forget()
        if checksum != of.checksum:
            logger.warning("the snapshot from %s was damaged on the way and is asked for again", of.sender)
            return None
        return Arrived(data, of.last_index, of.last_term)

    def forget(self) -> None:
        """Drop what is there."""
        self._id, self._data, self._checksum = None, bytearray(), 0
