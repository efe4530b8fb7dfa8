"""Snapshots as earlier versions saved them on the machine with the CA: its key in them, for whoever reads the file."""

import struct
import zlib

import msgspec

from okube.model.archive import KeptAuthority, pack_head, read_head


def with_authority(data: bytes, authority: KeptAuthority) -> bytes:
    """The same file, and the CA in it."""
    head, body = pack_head(read_head(data)), msgspec.msgpack.encode(authority)
    assert data.startswith(head)
    section = struct.pack(">4sIQ", b"CA--", zlib.crc32(body, zlib.crc32(b"CA--")), len(body)) + body
    return head + section + data[len(head) :]
