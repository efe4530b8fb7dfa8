"""Nodes and groups with only what a test is about."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from okube.scheduler import NodeTable, PortRequest, TaskGroup
from okube.scheduler.nodes import IntArray

MIB = 1024**2
GIB = 1024**3


@dataclass(frozen=True)
class Node:
    name: str
    cores: float = 4.0
    cores_used: float = 0.0
    memory: int = 8 * GIB
    memory_used: int = 0
    disk: int = 100 * GIB
    disk_used: int = 0
    ready: bool = True
    availability: str = "active"
    zone: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: frozenset[tuple[int, str]] = frozenset()
    tasks: int = 0
    host: str = ""
    named: Mapping[str, int] = field(default_factory=dict)
    named_used: Mapping[str, int] = field(default_factory=dict)

    @property
    def attributes(self) -> dict[str, str]:
        labels = {f"node.labels.{name}": value for name, value in self.labels.items()}
        zone = {"node.zone": self.zone} if self.zone else {}
        return {"node.name": self.name, "node.role": "worker", "node.runtime": "process"} | zone | labels


def a_table(*nodes: Node) -> NodeTable:
    rows = sorted(nodes, key=lambda node: node.name)
    return NodeTable(
        names=tuple(node.name for node in rows),
        ready=np.array([node.ready for node in rows], dtype=np.bool_),
        schedulable=np.array([node.availability == "active" for node in rows], dtype=np.bool_),
        cpus_free=np.array([node.cores - node.cores_used for node in rows], dtype=np.float64),
        cpus_total=np.array([node.cores for node in rows], dtype=np.float64),
        memory_free=np.array([node.memory - node.memory_used for node in rows], dtype=np.int64),
        memory_total=np.array([node.memory for node in rows], dtype=np.int64),
        disk_free=np.array([node.disk - node.disk_used for node in rows], dtype=np.int64),
        disk_total=np.array([node.disk for node in rows], dtype=np.int64),
        ports_used=tuple(node.ports for node in rows),
        attributes=tuple(node.attributes for node in rows),
        tasks=np.array([node.tasks for node in rows], dtype=np.int64),
        availability=tuple(node.availability for node in rows),
        hosts=tuple(node.host or node.name for node in rows),
        extra={name: _named(rows, name) for name in sorted({name for node in rows for name in node.named})},
    )


def _named(rows: list[Node], name: str) -> tuple[IntArray, IntArray]:
    total = np.array([node.named.get(name, 0) for node in rows], dtype=np.int64)
    return total, total - np.array([node.named_used.get(name, 0) for node in rows], dtype=np.int64)


def a_group(
    tasks: int = 1,
    *,
    service: str = "web",
    cpus: float = 0.0,
    memory: int = 0,
    disk: int = 0,
    ports: tuple[PortRequest, ...] = (),
    constraints: tuple[str, ...] = (),
    placed: Mapping[str, int] | None = None,
    avoid: Mapping[str, frozenset[str]] | None = None,
    pinned: Mapping[str, str] | None = None,
    named: Mapping[str, int] | None = None,
) -> TaskGroup:
    return TaskGroup(
        service=service,
        tasks=tuple(f"{service}.{slot}" for slot in range(1, tasks + 1)),
        cpus=cpus,
        memory=memory,
        disk=disk,
        ports=ports,
        constraints=constraints,
        placed=placed or {},
        avoid=avoid or {},
        pinned=pinned or {},
        named=tuple(sorted((named or {}).items())),
    )


def a_port(host: int = 0, *, container: int = 80, protocol: str = "tcp") -> PortRequest:
    return PortRequest(host=host, container=container, protocol=protocol)
