"""Entries of the log: batches of commands with who proposed them and when, and what came of each."""

import hashlib

import msgspec

from okube.model.epoch import Epoch

__all__ = ["Applied", "Batch", "Item", "Refused", "Result", "decode_batch", "encode_batch", "fingerprint"]


class Applied(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The command was carried out; ``revision`` is the last it made, ``body`` its answer as JSON."""

    revision: int
    body: bytes = b"null"


class Refused(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The command changed nothing; ``kind`` is that of the error in ``errors.py``."""

    kind: str
    detail: str
    errors: tuple[tuple[str, str], ...] = ()


Result = Applied | Refused


class Item(msgspec.Struct, frozen=True, array_like=True):
    """One command of a batch, with the request id of its client (empty: none) and the request's fingerprint.

    ``version`` is the command version that whoever applies it must know.
    """

    command: bytes
    request_id: str = ""
    fingerprint: bytes = b""
    version: int = 1


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """One entry of the log: who proposed it, when, and its commands, applied in order."""

    version: int
    epoch: Epoch
    time_ms: int
    items: tuple[Item, ...]


_encoder = msgspec.msgpack.Encoder()
_batches = msgspec.msgpack.Decoder(Batch)


def encode_batch(batch: Batch) -> bytes:
    """The batch as it stands in the log."""
    return _encoder.encode(batch)


def decode_batch(data: bytes) -> Batch:
    """A batch from the log; raises msgspec.MsgspecError."""
    return _batches.decode(data)


def fingerprint(*parts: bytes) -> bytes:
    """What makes a request the same request: 16 bytes of SHA-256 over its parts."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()[:16]
