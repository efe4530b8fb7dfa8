"""A large state, made row by row: services of 40 slots, each with 40 running tasks and 10 that ended before."""

import random

from okube.model.epoch import Epoch
from okube.model.node import Node
from okube.model.service import Service
from okube.model.task import Task
from okube.state.tables import Settings, Tables
from tests.builders import a_spec

__all__ = ["fill"]

_NODES = 1000
_SLOTS = 40
_PER_SERVICE = 50
_NOW_MS = 1_800_000_000_000


def fill(tables: Tables, tasks: int, epoch: Epoch) -> None:
    """Put so many tasks into empty tables, on 1,000 nodes."""
    rng = random.Random(1)
    settings = Settings(cluster="lab", cluster_id="c1", revision=1)
    tables.begin_at(revision=10 * tasks, epoch=epoch, time_ms=_NOW_MS, settings=settings)
    for number in range(_NODES):
        tables.restore_node(_node(number))
    for number in range(tasks // _PER_SERVICE):
        spec = a_spec(f"service-{number:05}", replicas=_SLOTS, resources={"cpus": 0.1, "memory": "64M"})
        service = Service(id=f"s{number:011x}", spec=spec, created_by="admin", created_ms=_NOW_MS, revision=number)
        tables.specs[service.id, 1] = spec
        tables.restore_service(service)
        for place in range(_PER_SERVICE):
            task = _task(service, place, rng)
            tables.restore_task(task)
            if task.ended:
                slot = (task.service_id, task.slot)
                tables.ended_in_slot[slot] = (*tables.ended_in_slot.get(slot, ()), task.id)


def _node(number: int) -> Node:
    return Node(
        name=f"w{number:04}",
        id=f"i{number:08x}",
        address=f"192.0.2.{number % 250}:7201",
        cores=32.0,
        memory=64 << 30,
        disk=1 << 40,
        runtime="docker",
        labels={"disk": "ssd"},
        zone=f"rack-{number // 20}",
    )


def _task(service: Service, place: int, rng: random.Random) -> Task:
    ended = place >= _SLOTS
    return Task(
        id=f"{rng.getrandbits(48):012x}",
        service_id=service.id,
        service=service.name,
        slot=place % _SLOTS + 1,
        version=1,
        state="failed" if ended else "running",
        ready=not ended,
        reason="exit-code" if ended else None,
        message="exit code 1" if ended else "",
        exit_code=1 if ended else None,
        node=f"w{rng.randrange(_NODES):04}",
        node_id="i00000000",
        placement="the least loaded of 1000 nodes",
        container_id=f"{rng.getrandbits(256):064x}",
        created_ms=_NOW_MS,
        scheduled_ms=_NOW_MS + 100,
        started_ms=_NOW_MS + 1000,
        ended_ms=_NOW_MS + 60_000 if ended else None,
        revision=rng.randrange(10**6),
    )
