"""The file of a saved snapshot: a head that says what it is, and the state.

The format: a line that names it, then sections, each ``tag (4) checksum (4) length (8) body``, big-endian; the checksum
(CRC-32) covers tag and body. ``HEAD`` comes first, then the state in pieces (``PART``, each deflated), and ``DONE``
with what the pieces add up to, so that a file without its end is seen as such. Earlier versions put the CA with its key
between head and state (``CA--``); such files are read, and none is written: the state has the CA, and its key sealed.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec

from okube.model.epoch import Epoch
from okube.model.errors import BadFile

__all__ = [
    "SUFFIX",
    "Archive",
    "ArchiveDamaged",
    "ArchiveHead",
    "Counts",
    "KeptAuthority",
    "pack_end",
    "pack_head",
    "pack_part",
    "read_archive",
    "read_head",
    "sections",
]

SUFFIX = ".okube"
MAGIC = b"okube-saved 1\n"
HEAD, AUTHORITY, PART, DONE = b"HEAD", b"CA--", b"PART", b"DONE"
_SECTION = struct.Struct(">4sIQ")
_LEVEL = 1  # deflated to a fifth, and ten times as fast as the best
_MAX_SECTION_BYTES = 1 << 30
_VERSION = 1


class ArchiveDamaged(BadFile):
    """The bytes are no whole snapshot of a version that is understood."""

    kind = "snapshot-damaged"


class Counts(msgspec.Struct, frozen=True, array_like=True):
    """What is in it."""

    services: int = 0
    tasks: int = 0
    nodes: int = 0
    events: int = 0


class ArchiveHead(msgspec.Struct, frozen=True, array_like=True):
    """What is known of a snapshot without reading its state. New fields go to the end, with defaults."""

    version: int
    cluster: str
    cluster_id: str
    taken_ms: int
    taken_by: str
    """The manager that wrote it."""
    why: str
    """``saved`` by a person, ``scheduled``, or ``recover``: before a forced recovery."""
    software: str
    revision: int
    epoch: Epoch
    digest: str
    counts: Counts
    managers: tuple[str, ...] = ()
    """The managers of that moment."""
    unlock_key: str = ""
    """Which unlock key opens what is sealed in it; empty where nothing is, or it was not told yet."""
    authority: str = ""
    """Which CA the state holds, its key sealed; empty where it holds none, or it was not told yet."""


class KeptAuthority(msgspec.Struct, frozen=True, array_like=True):
    """The cluster's CA, as earlier versions put it beside the state: whoever has it is the cluster. PEM."""

    certificate: bytes
    key: bytes


class _End(msgspec.Struct, frozen=True, array_like=True):
    parts: int
    state_bytes: int
    checksum: int


class Archive(msgspec.Struct, frozen=True):
    """A whole snapshot in memory."""

    head: ArchiveHead
    authority: KeptAuthority | None
    state: bytes


T = TypeVar("T")
_head_decoder = msgspec.msgpack.Decoder(ArchiveHead)
_authority_decoder = msgspec.msgpack.Decoder(KeptAuthority)
_end_decoder = msgspec.msgpack.Decoder(_End)


def pack_head(head: ArchiveHead) -> bytes:
    """How the file begins."""
    return MAGIC + _section(HEAD, msgspec.msgpack.encode(head))


def pack_part(piece: bytes) -> bytes:
    """One piece of the state."""
    return _section(PART, zlib.compress(piece, _LEVEL))


def pack_end(pieces: Iterable[bytes]) -> bytes:
    """How the file ends; ``pieces`` are all that went before."""
    parts = state_bytes = checksum = 0
    for piece in pieces:
        parts, state_bytes, checksum = parts + 1, state_bytes + len(piece), zlib.crc32(piece, checksum)
    return _section(DONE, msgspec.msgpack.encode(_End(parts, state_bytes, checksum)))


def sections(data: bytes | memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Tags and bodies of a whole file, each checked. Raises ``ArchiveDamaged``."""
    view = memoryview(data)
    if bytes(view[: len(MAGIC)]) != MAGIC:
        raise ArchiveDamaged("This is no snapshot of a cluster that this version of Okube reads.")
    at = len(MAGIC)
    tag = b""
    while at < len(view):
        if len(view) - at < _SECTION.size:
            break
        tag, checksum, length = _SECTION.unpack_from(view, at)
        body = view[at + _SECTION.size : at + _SECTION.size + length]
        if length > _MAX_SECTION_BYTES or len(body) != length:
            break
        if zlib.crc32(body, zlib.crc32(tag)) != checksum:
            raise ArchiveDamaged(f"The snapshot is damaged: the checksum of the section at byte {at} is wrong.")
        yield tag, body
        at += _SECTION.size + length
    if at != len(view) or tag != DONE:
        raise ArchiveDamaged(f"The snapshot is cut off: nothing that is whole follows byte {at}. Take another copy.")


def read_head(data: bytes | memoryview) -> ArchiveHead:
    """The head alone, from the beginning of a file; nothing else is checked. Raises ``ArchiveDamaged``."""
    for tag, body in sections(data):
        if tag == HEAD:
            return _head_of(body)
        break
    raise ArchiveDamaged("The snapshot does not begin with its head.")


def read_archive(data: bytes | memoryview) -> Archive:
    """A whole file, checked to its end. Raises ``ArchiveDamaged``."""
    head: ArchiveHead | None = None
    authority: KeptAuthority | None = None
    pieces: list[bytes] = []
    end: _End | None = None
    for tag, body in sections(data):
        if tag == HEAD:
            head = _head_of(body)
        elif tag == AUTHORITY:
            authority = _decode(_authority_decoder, body)
        elif tag == PART:
            pieces.append(_inflate(body))
        elif tag == DONE:
            end = _decode(_end_decoder, body)
    state = b"".join(pieces)
    if head is None or end is None or (end.parts, end.state_bytes) != (len(pieces), len(state)):
        raise ArchiveDamaged("The snapshot is damaged: parts of it are missing. Take another copy.")
    if zlib.crc32(state) != end.checksum:
        raise ArchiveDamaged("The snapshot is damaged: the checksum of its state is wrong. Take another copy.")
    return Archive(head, authority, state)


def _section(tag: bytes, body: bytes) -> bytes:
    return _SECTION.pack(tag, zlib.crc32(body, zlib.crc32(tag)), len(body)) + body


def _head_of(body: memoryview) -> ArchiveHead:
    head = _decode(_head_decoder, body)
    if head.version != _VERSION:
        raise ArchiveDamaged(f"The snapshot has format {head.version}, and this version of Okube reads {_VERSION}.")
    return head


def _inflate(body: memoryview) -> bytes:
    try:
        return zlib.decompress(body)
    except zlib.error as error:
        raise ArchiveDamaged(f"The snapshot is damaged: {error}.") from None


def _decode(decoder: msgspec.msgpack.Decoder[T], body: memoryview) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ArchiveDamaged(f"The snapshot is damaged: {error}.") from None
