"""Snapshots: the state up to an index, in one checksummed file, which is also what a lagging follower is sent.

The file is a line that names the format, the length and the checksum of what follows, a head, and the state machine's
bytes. Its name holds the index and appears only when the file is complete and durable, so that a file that cannot be
read is damage and never a torn write.
"""

import logging
import struct
import zlib
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path

import msgspec

from okube.raft.errors import JournalDamaged
from okube.raft.members import Membership
from okube.seams.disk import Disk
from okube.seams.turns import at_once, in_turns

__all__ = [
    "Snapshot",
    "SnapshotDamaged",
    "SnapshotHead",
    "SnapshotStore",
    "checksum_in_parts",
    "pack_snapshot",
    "unpack_in_parts",
    "unpack_snapshot",
]

logger = logging.getLogger(__name__)

_MAGIC = b"okube-snapshot 1\n"
_LENGTHS = struct.Struct("<QII")  # bytes after this, their checksum, bytes of the head
_PREFIX = "snapshot-"
_SUFFIX = ".okube"
_PART_BYTES = 1 << 20  # a millisecond of checksumming


class SnapshotHead(msgspec.Struct, frozen=True, array_like=True):
    """What the snapshot covers: every entry up to ``index``, which is of ``term``; ``members`` as of then."""

    cluster_id: str
    index: int
    term: int
    members: Membership


class Snapshot(msgspec.Struct, frozen=True):
    """A snapshot in memory: its head, and the bytes of the file."""

    head: SnapshotHead
    file: bytes | bytearray
    state_at: int
    """Where the state machine's bytes begin in ``file``."""

    def pieces(self) -> Iterator[bytes]:
        """The file, in pieces."""
        for start in range(0, len(self.file), _PART_BYTES):
            yield bytes(self.file[start : start + _PART_BYTES])

    @property
    def state(self) -> memoryview:
        """What the state machine restores from."""
        return memoryview(self.file)[self.state_at :]


class SnapshotDamaged(Exception):
    """The bytes are not a whole snapshot of a version that is understood."""


_decoder = msgspec.msgpack.Decoder(SnapshotHead)


def pack_snapshot(head: SnapshotHead, state: list[bytes]) -> Iterator[bytes]:
    """The file, in pieces; ``state`` is the state machine's bytes, in pieces too."""
    encoded = msgspec.msgpack.encode(head)
    length, checksum = len(encoded), zlib.crc32(encoded)
    for piece in state:
        length, checksum = length + len(piece), zlib.crc32(piece, checksum)
    yield _MAGIC
    yield _LENGTHS.pack(length, checksum, len(encoded))
    yield encoded
    yield from state


def checksum_in_parts(data: bytes | bytearray | memoryview) -> Generator[None, None, int]:
    """The CRC-32 of something large, with pauses."""
    view, checksum = memoryview(data), 0
    for start in range(0, len(view), _PART_BYTES):
        checksum = zlib.crc32(view[start : start + _PART_BYTES], checksum)
        yield
    return checksum


def unpack_snapshot(file: bytes | bytearray) -> Snapshot:
    """Check the bytes of a file. Raises ``SnapshotDamaged``."""
    return at_once(unpack_in_parts(file))


def unpack_in_parts(file: bytes | bytearray) -> Generator[None, None, Snapshot]:
    """The same, with pauses."""
    start = len(_MAGIC) + _LENGTHS.size
    if not file.startswith(_MAGIC) or len(file) < start:
        raise SnapshotDamaged("it does not begin as a snapshot of this version does")
    length, checksum, head_length = _LENGTHS.unpack_from(file, len(_MAGIC))
    if len(file) != start + length or head_length > length:
        raise SnapshotDamaged(f"it has {len(file)} bytes and should have {start + length}")
    if (yield from checksum_in_parts(memoryview(file)[start:])) != checksum:
        raise SnapshotDamaged("its checksum is wrong")
    try:
        head = _decoder.decode(memoryview(file)[start : start + head_length])
    except msgspec.MsgspecError as error:
        raise SnapshotDamaged(f"its head cannot be read ({error})") from None
    return Snapshot(head, file, start + head_length)


class SnapshotStore:
    """The snapshots of one directory; only the newest counts, and older ones are removed."""

    def __init__(self, disk: Disk, directory: Path) -> None:
        self._disk = disk
        self._directory = directory

    async def newest(self) -> Snapshot | None:
        """The newest snapshot. Raises ``JournalDamaged`` if it cannot be read: an older one would leave a gap."""
        names = await self._names()
        if not names:
            return None
        path = self._directory / names[-1]
        try:
            return await in_turns(unpack_in_parts(await self._disk.read(path)))
        except SnapshotDamaged as damage:
            raise JournalDamaged(path, f"the snapshot is damaged: {damage}") from None

    async def write(self, index: int, pieces: Iterable[bytes]) -> None:
        """Make a snapshot durable, and then remove older ones."""
        await self._disk.replace(self._directory / _name(index), pieces)
        for name in await self._names():
            if name < _name(index):
                await self._disk.remove(self._directory / name)

    async def _names(self) -> list[str]:
        names = await self._disk.list(self._directory)
        return [name for name in names if name.startswith(_PREFIX) and name.endswith(_SUFFIX)]


def _name(index: int) -> str:
    return f"{_PREFIX}{index:020d}{_SUFFIX}"
