"""All tables as bytes and back: versioned, deterministic. The checksum around it is the snapshot file's."""

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


def dump(tables: Tables) -> bytes:
    """The tables as bytes; rows in their order of insertion, so equal states give equal bytes."""
    return _encoder.encode(
        _Snapshot(
            version=_VERSION,
            revision=tables.revision,
            epoch=tables.epoch,
            time_ms=tables.time_ms,
            settings=tables.settings,
            nodes=list(tables.nodes.values()),
            services=list(tables.services.values()),
            specs=[_SpecRow(key[0], key[1], spec) for key, spec in tables.specs.items()],
            tasks=list(tables.tasks.values()),
            ended=[(key[0], key[1], ids) for key, ids in tables.ended_in_slot.items()],
            requests=tables.requests.rows(),
            events=tables.events.rows(),
        )
    )


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
