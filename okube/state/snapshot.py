"""All tables as bytes and back: versioned, deterministic. The checksum around it is the snapshot file's.

The whole is one value of msgpack. Its last element is an index of the pieces that it was written in, so that it can be
read in parts too, without a pause; a version that does not know the index reads the whole at once.
"""

import struct
from collections.abc import Callable, Generator, Iterator
from typing import Any, NamedTuple, TypeVar

import msgspec

from okube.model.epoch import Epoch
from okube.model.errors import UNREADABLE, UnknownVersion
from okube.model.event import Event
from okube.model.node import Node
from okube.model.service import Service
from okube.model.spec import ServiceSpec
from okube.model.task import Task
from okube.model.user import User
from okube.model.versions import COMMAND_VERSION
from okube.state.more_tables import MoreRow, more_rows, take_more
from okube.state.requests import KnownRequest
from okube.state.tables import Settings, Tables

__all__ = ["dump", "letting_go", "load", "loading"]

_VERSION = 1
_PIECE_ROWS = 1000
_ROWS_AT_ONCE = 100  # a few milliseconds of work
T = TypeVar("T")


class _SpecRow(msgspec.Struct, frozen=True, array_like=True):
    service_id: str
    version: int
    spec: ServiceSpec


_EndedRow = tuple[str, int, tuple[str, ...]]


class _Snapshot(msgspec.Struct, frozen=True, array_like=True):
    """All of one that was written before there was an index; what came later is read by the index alone."""

    version: int
    revision: int
    epoch: Epoch
    time_ms: int
    settings: Settings
    nodes: list[Node]
    services: list[Service]
    specs: list[_SpecRow]
    tasks: list[Task]
    ended: list[_EndedRow]
    requests: list[KnownRequest]
    events: list[Event] = []
    index: bytes = b""


class _Head(msgspec.Struct, frozen=True, array_like=True):
    """The values before the columns; an array of their own where they are read apart."""

    version: int
    revision: int
    epoch: Epoch
    time_ms: int
    settings: Settings


class _Piece(NamedTuple):
    """One piece as the index has it: of which column, how many rows, how many bytes; -1 is what comes before them."""

    column: int
    rows: int
    size: int


_COLUMNS: tuple[type, ...] = (  # type: ignore[assignment]
    Node,
    Service,
    _SpecRow,
    Task,
    _EndedRow,
    KnownRequest,
    Event,
    User,
    MoreRow,
)
"""No more than these: with the head and the index they make the longest array whose beginning is one byte."""
_HEAD_FIELDS = len(_Head.__struct_fields__)
_BEFORE = -1
_INDEX_TAIL = struct.Struct(">I4s")  # bytes of the index before this; a mark
_INDEX_MARK = b"okix"
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Snapshot)
_head_decoder = msgspec.msgpack.Decoder(_Head)
_rows_decoders = [msgspec.msgpack.Decoder(list[kind]) for kind in _COLUMNS]  # type: ignore[valid-type]
_index_decoder = msgspec.msgpack.Decoder(list[tuple[int, int, int]])


def dump(tables: Tables) -> Iterator[bytes]:
    """The tables as they are now, as bytes in pieces.

    Rows come in their order of insertion, so equal states give equal bytes. They never change, so what is taken hold of
    here stays as it is while the pieces are drawn, each a few milliseconds of work, and the tables go on.
    """
    columns = [
        _Column(list(tables.nodes.values())),
        _Column(list(tables.services.values())),
        _Column(list(tables.specs.values()), list(tables.specs)),
        _Column(list(tables.tasks.values())),
        _Column(list(tables.ended_in_slot.values()), list(tables.ended_in_slot)),
        _Column(tables.requests.rows()),
        _Column(tables.events.rows()),
        _Column(tables.users.rows()),
        _Column(list(more_rows(tables))),
    ]
    values = (_VERSION, tables.revision, tables.epoch, tables.time_ms, tables.settings)
    return _pieces(values, columns)


class _Column(NamedTuple):
    """Rows of one table, and their keys where the rows do not hold them."""

    rows: list[Any]
    keys: list[tuple[str, int]] | None = None

    def part(self, start: int) -> list[Any]:
        """The rows of the piece that begins at ``start``, as they are encoded."""
        rows = self.rows[start : start + _PIECE_ROWS]
        if self.keys is None:
            return rows
        return [(*key, row) for key, row in zip(self.keys[start : start + _PIECE_ROWS], rows, strict=True)]


def _pieces(values: tuple[Any, ...], columns: list[_Column]) -> Iterator[bytes]:
    """What the encoder makes of all of it at once, byte for byte."""
    index: list[_Piece] = []

    def noted(data: bytes, column: int, rows: int = 0) -> bytes:
        index.append(_Piece(column, rows, len(data)))
        return data

    yield noted(b"".join([_array(len(values) + len(columns) + 1), *map(_encoder.encode, values)]), _BEFORE)
    for number, column in enumerate(columns):
        yield noted(_array(len(column.rows)), number)
        for start in range(0, len(column.rows), _PIECE_ROWS):
            part = column.part(start)
            yield noted(_encoder.encode(part)[len(_array(len(part))) :], number, len(part))
    encoded = _encoder.encode(index)
    yield _encoder.encode(encoded + _INDEX_TAIL.pack(len(encoded), _INDEX_MARK))


def _array(length: int) -> bytes:
    """How msgpack begins an array of so many."""
    if length < 16:
        return bytes([0x90 | length])
    if length < 1 << 16:
        return b"\xdc" + length.to_bytes(2, "big")
    return b"\xdd" + length.to_bytes(4, "big")


def load(tables: Tables, data: bytes | memoryview) -> None:
    """Fill ``tables``, which are empty, with a snapshot. Raises what ``loading`` raises."""
    for _ in loading(tables, data):
        pass


def loading(tables: Tables, data: bytes | memoryview) -> Iterator[None]:
    """Fill ``tables``, which are empty, with a snapshot, in parts of some milliseconds; observers are not told.

    One that was written without an index is decoded in one go.

    Raises:
        ValueError: the bytes are no snapshot, or one of another version.
        UnknownVersion: it was made where a command version is enabled that this Okube does not know.
    """
    try:
        yield from _loading(tables, memoryview(data))
    except (msgspec.MsgspecError, KeyError) as error:
        _refuse_newer(_enabled_in(data))
        raise ValueError(f"this is no snapshot of the cluster's state: {error!r}") from error


def _loading(tables: Tables, data: memoryview) -> Generator[None]:
    index = _index_of(data)
    if index is None:
        snapshot = _decoder.decode(data)
        head: _Head | _Snapshot = snapshot
        columns: list[list[Any]] = [
            snapshot.nodes,
            snapshot.services,
            snapshot.specs,
            snapshot.tasks,
            snapshot.ended,
            snapshot.requests,
            snapshot.events,
        ]
        parts: Iterator[tuple[int, list[Any]]] = iter(list(enumerate(columns)))
    else:
        first = index[0]
        prefix = len(_array(len(_COLUMNS) + _HEAD_FIELDS + 1))
        head = _head_decoder.decode(_array(_HEAD_FIELDS) + bytes(data[prefix : first.size]))
        parts = _parts(data, index)
    if head.version != _VERSION:
        raise ValueError(f"the snapshot has format {head.version}; this version of Okube reads {_VERSION}")
    _refuse_newer(head.settings.command_version)
    tables.begin_at(revision=head.revision, epoch=head.epoch, time_ms=head.time_ms, settings=head.settings)
    takes = _takers(tables)
    yield
    for column, rows in parts:
        take = takes[column]
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            for row in rows[start : start + _ROWS_AT_ONCE]:
                take(row)
            yield


def _takers(tables: Tables) -> tuple[Callable[[Any], None], ...]:
    """What takes a row, for each column."""

    def take_spec(row: _SpecRow) -> None:
        tables.specs[row.service_id, row.version] = row.spec

    def take_a_more(row: MoreRow) -> None:
        take_more(tables, row)

    def take_ended(row: _EndedRow) -> None:
        tables.ended_in_slot[row[0], row[1]] = row[2]

    return (
        tables.restore_node,
        tables.restore_service,
        take_spec,
        tables.restore_task,
        take_ended,
        tables.restore_request,
        tables.restore_event,
        tables.restore_user,
        take_a_more,
    )


def _index_of(data: memoryview) -> list[_Piece] | None:
    if len(data) < _INDEX_TAIL.size:
        return None
    size, mark = _INDEX_TAIL.unpack_from(data, len(data) - _INDEX_TAIL.size)
    if mark != _INDEX_MARK or size > len(data) - _INDEX_TAIL.size:
        return None
    encoded = data[len(data) - _INDEX_TAIL.size - size : len(data) - _INDEX_TAIL.size]
    index = [_Piece(*piece) for piece in _index_decoder.decode(encoded)]
    if not index or index[0].column != _BEFORE or sum(piece.size for piece in index) > len(data):
        raise ValueError("the snapshot's index does not fit it")
    return index


def _parts(data: memoryview, index: list[_Piece]) -> Iterator[tuple[int, list[Any]]]:
    """The rows of each piece, with their column; a column that this version does not know is passed over."""
    at = 0
    for piece in index:
        if piece.rows and piece.column < len(_COLUMNS):
            rows = _array(piece.rows) + data[at : at + piece.size]
            yield piece.column, _rows_decoders[piece.column].decode(rows)
        at += piece.size


def letting_go(tables: Tables) -> Iterator[None]:
    """Let go of tables that nobody needs any more, in parts: to free them at once takes long."""
    held = [value for value in tables.__dict__.values() if isinstance(value, dict)]
    tables.__dict__.clear()
    for rows in held:
        while rows:
            for _ in range(min(len(rows), 10 * _ROWS_AT_ONCE)):
                rows.popitem()
            yield


def _refuse_newer(enabled: int) -> None:
    if enabled > COMMAND_VERSION:
        raise UnknownVersion("the snapshot", needs=f"command version {enabled}", knows=COMMAND_VERSION)


def _enabled_in(data: bytes | memoryview) -> int:
    """The command version enabled in a snapshot whose rows cannot be read; 0 where it does not say."""
    try:
        settings = msgspec.msgpack.decode(data)[_Snapshot.__struct_fields__.index("settings")]
        return int(settings["command_version"])
    except (*UNREADABLE, LookupError, TypeError, ValueError):
        return 0
