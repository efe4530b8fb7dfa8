"""Histories as files: a line of JSON an operation."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from tests.checker.operations import Operation

__all__ = ["load", "save"]


def save(path: Path, operations: Iterable[Operation]) -> None:
    """Write a history."""
    path.write_bytes(msgspec.json.Encoder().encode_lines(operations))


def load(path: Path) -> list[Operation]:
    """Read a history; raises ``msgspec.ValidationError`` where a line is none of its operations."""
    return msgspec.json.Decoder(Operation).decode_lines(path.read_bytes())
