"""All tables as bytes and back: versioned, deterministic. The checksum around it is the snapshot file's."""

from collections.abc import Iterator
from typing import Any

import msgspec

from okube.model.epoch import Epoch
from okube.model.event import Event
from okube.model.node import Node
from okube.model.service import Service
from okube.model.spec import ServiceSpec
from okube.model.task import Task
from okube.state.requests import KnownRequest
from okube.state.tables import Settings, Tables

__all__ = ["dump", "load"]

_VERSION = 1
_PIECE_ROWS = 2000


class _SpecRow(msgspec.Struct, frozen=True, array_like=True):
    service_id: str
    version: int
    spec: ServiceSpec


class _Snapshot(msgspec.Struct, frozen=True, array_like=True):
    version: int
    revision: int
    epoch: Epoch
    time_ms: int
    settings: Settings
    nodes: list[Node]
    services: list[Service]
    specs: list[_SpecRow]
    tasks: list[Task]
    ended: list[tuple[str, int, list[str]]]
    requests: list[KnownRequest]
    events: list[Event] = []


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Snapshot)


def dump(tables: Tables) -> Iterator[bytes]:
    """The tables as they are now, as bytes in pieces.

    Rows come in their order of insertion, so equal states give equal bytes. They never change, so what is taken hold of
    here stays as it is while the pieces are drawn, each a few milliseconds of work, and the tables go on.
    """
    columns: list[list[Any]] = [
        list(tables.nodes.values()),
        list(tables.services.values()),
        [_SpecRow(key[0], key[1], spec) for key, spec in tables.specs.items()],
        list(tables.tasks.values()),
        [(key[0], key[1], tuple(ids)) for key, ids in tables.ended_in_slot.items()],
        tables.requests.rows(),
        tables.events.rows(),
    ]
    values = (_VERSION, tables.revision, tables.epoch, tables.time_ms, tables.settings)
    return _pieces(values, columns)


def _pieces(values: tuple[Any, ...], columns: list[list[Any]]) -> Iterator[bytes]:
    """What the encoder makes of all of it at once, byte for byte."""
    yield b"".join([_array(len(values) + len(columns)), *map(_encoder.encode, values)])
    for rows in columns:
        yield _array(len(rows))
        for start in range(0, len(rows), _PIECE_ROWS):
            part = rows[start : start + _PIECE_ROWS]
            yield _encoder.encode(part)[len(_array(len(part))) :]


def _array(length: int) -> bytes:
    """How msgpack begins an array of so many."""
    if length < 16:
        return bytes([0x90 | length])
    if length < 1 << 16:
        return b"\xdc" + length.to_bytes(2, "big")
    return b"\xdd" + length.to_bytes(4, "big")


def load(tables: Tables, data: bytes) -> None:
    """Fill ``tables`` with a snapshot in place of what they hold; observers stay and are not called.

    Raises:
        ValueError: the bytes are no snapshot, or one of another version.
    """
    try:
        snapshot = _decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise ValueError(f"this is no snapshot of the cluster's state: {error}") from error
    if snapshot.version != _VERSION:
        raise ValueError(f"the snapshot has format {snapshot.version}; this version of Okube reads {_VERSION}")
    tables.refill(
        revision=snapshot.revision,
        epoch=snapshot.epoch,
        time_ms=snapshot.time_ms,
        settings=snapshot.settings,
        nodes=snapshot.nodes,
        services=snapshot.services,
        specs={(row.service_id, row.version): row.spec for row in snapshot.specs},
        tasks=snapshot.tasks,
        ended_in_slot={(service_id, slot): ids for service_id, slot, ids in snapshot.ended},
        requests=snapshot.requests,
        events=snapshot.events,
    )
