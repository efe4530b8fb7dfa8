"""The JSON shapes of the API, made of rows; `contract.md` fixes the names."""

from typing import Any

import msgspec

from okube.model.node import Node
from okube.model.quantities import rfc3339
from okube.model.service import Service
from okube.model.spec import ServiceSpec
from okube.model.task import Task

__all__ = ["node_view", "service_view", "spec_view", "task_view"]


def spec_view(spec: ServiceSpec) -> dict[str, Any]:
    """A service file's fields; what decode_spec takes."""
    made: dict[str, Any] = msgspec.to_builtins(spec)
    return made


def service_view(service: Service, *, running: int, done: int, total: int) -> dict[str, Any]:
    """A service: its spec, and how far it is. ``running`` counts ready tasks; ``done`` those of the newest version."""
    spec = service.spec
    state = "stopped" if service.stopped else ("done" if done >= total else "rolling")
    return {
        "kind": "Service",
        "id": service.id,
        **spec_view(spec),
        "running": running,
        "version": service.version,
        "stopped": service.stopped,
        "update": {"order": spec.update.order, "state": state, "done": done, "total": total},
        "created_by": service.created_by,
        "created_at": rfc3339(service.created_ms),
        "updated_at": rfc3339(service.updated_ms),
        "revision": service.revision,
    }


def task_view(task: Task, spec: ServiceSpec) -> dict[str, Any]:
    """A task with the settings it runs with."""
    host_ports = task.host_ports or tuple(p.host for p in spec.ports)
    return {
        "id": task.id,
        "name": task.name,
        "service": task.service,
        "slot": task.slot,
        "app": task.app,
        "version": task.version,
        "state": task.state,
        "ready": task.ready,
        "desired": task.desired,
        "reason": task.reason,
        "message": task.message,
        "node": task.node,
        "image": spec.image,
        "cpus": spec.resources.cpus,
        "memory": spec.resources.memory,
        "disk": spec.resources.disk,
        "ports": [
            {"host": host, "container": port.container, "protocol": port.protocol}
            for host, port in zip(host_ports, spec.ports, strict=True)
        ],
        "restart_policy": spec.restart.policy,
        "container_id": task.container_id,
        "exit_code": task.exit_code,
        "restarts": task.restarts,
        "created_at": rfc3339(task.created_ms),
        "started_at": rfc3339(task.started_ms),
        "ended_at": rfc3339(task.ended_ms),
        "revision": task.revision,
    }


def node_view(
    node: Node,
    *,
    cores_allocated: float,
    memory_allocated: int,
    disk_allocated: int,
    task_count: int,
    last_seen_ms: int | None,
) -> dict[str, Any]:
    """A node with what its tasks were promised."""
    return {
        "name": node.name,
        "id": node.id,
        "address": node.address,
        "role": node.role,
        "state": node.state,
        "availability": node.availability,
        "labels": node.labels,
        "zone": node.zone,
        "cores": node.cores,
        "cores_allocated": cores_allocated,
        "memory": node.memory,
        "memory_allocated": memory_allocated,
        "disk": node.disk,
        "disk_allocated": disk_allocated,
        "task_count": task_count,
        "last_seen": rfc3339(last_seen_ms),
        "runtime": node.runtime,
        "software": node.software,
        "revision": node.revision,
    }
