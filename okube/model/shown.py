"""Rows as the API shows them: the structs of the views, made of services, tasks, nodes and events."""

from typing import Any

import msgspec

from okube.model.event import Event
from okube.model.flapping import hold_message
from okube.model.node import Node
from okube.model.node_views import ConditionView, NodeView
from okube.model.quantities import rfc3339
from okube.model.service import Service
from okube.model.spec import ServiceSpec
from okube.model.task import Task
from okube.model.views import EventView
from okube.model.workload_views import Action, GivenView, ServiceAnswer, ServiceView, TaskPort, TaskView, UpdateView

__all__ = ["event_view", "node_view", "service_answer", "service_view", "spec_view", "task_view"]

_SPEC_FIELDS = tuple(name for name in ServiceSpec.__struct_fields__ if name != "update")


def spec_view(spec: ServiceSpec) -> dict[str, Any]:
    """A service file's fields; what decode_spec takes."""
    made: dict[str, Any] = msgspec.to_builtins(spec)
    return made


def service_view(service: Service, *, running: int, done: int, total: int, failed: int = 0) -> ServiceView:
    """A service: its spec, and how far it is. ``running`` counts ready tasks; ``done`` those of the newest version."""
    return ServiceView(**_service_fields(service, running=running, done=done, total=total, failed=failed))


def service_answer(
    service: Service, action: Action, *, running: int, done: int, total: int, failed: int = 0
) -> ServiceAnswer:
    """The service with what was done to it."""
    fields = _service_fields(service, running=running, done=done, total=total, failed=failed)
    return ServiceAnswer(**fields, action=action)


def _service_fields(service: Service, *, running: int, done: int, total: int, failed: int) -> dict[str, Any]:
    spec = service.spec
    state = "stopped" if service.stopped else ("done" if done >= total else "rolling")
    return {
        "id": service.id,
        **{name: getattr(spec, name) for name in _SPEC_FIELDS},
        "running": running,
        "version": service.version,
        "stopped": service.stopped,
        "update": UpdateView(spec.update.order, state, done, total, failed),  # type: ignore[arg-type]  # one of the three
        "created_by": service.created_by,
        "created_at": rfc3339(service.created_ms),
        "updated_at": rfc3339(service.updated_ms),
        "revision": service.revision,
    }


def task_view(task: Task, spec: ServiceSpec) -> TaskView:
    """A task with the settings it runs with."""
    host_ports = task.host_ports or tuple(p.host for p in spec.ports)
    return TaskView(
        id=task.id,
        name=task.name,
        service=task.service,
        slot=task.slot,
        app=task.app,
        version=task.version,
        state=task.state,
        ready=task.ready,
        desired=task.desired,
        reason=task.reason,
        message=task.message,
        node=task.node,
        image=spec.image,
        cpus=spec.resources.cpus,
        memory=spec.resources.memory,
        disk=spec.resources.disk,
        ports=tuple(
            TaskPort(host, port.container, port.protocol) for host, port in zip(host_ports, spec.ports, strict=True)
        ),
        restart_policy=spec.restart.policy,
        container_id=task.container_id,
        exit_code=task.exit_code,
        restarts=task.restarts,
        created_at=rfc3339(task.created_ms),
        started_at=rfc3339(task.started_ms),
        ended_at=rfc3339(task.ended_ms),
        revision=task.revision,
        placement=f"{task.node} {task.placement}" if task.node and task.placement else None,
        named=spec.resources.named,
        limits=spec.resources.limits,
        given=msgspec.UNSET if task.mounted is msgspec.UNSET else _given(spec, task.mounted),
    )


def _given(spec: ServiceSpec, versions: tuple[int, ...]) -> tuple[GivenView, ...]:
    return tuple(GivenView(one.kind, one.mount.name, one.version) for one in spec.given(versions))


def node_view(
    node: Node,
    *,
    cores_allocated: float,
    memory_allocated: int,
    disk_allocated: int,
    named_allocated: dict[str, int],
    task_count: int,
    last_seen_ms: int | None,
) -> NodeView:
    """A node with what its tasks were promised."""
    return NodeView(
        name=node.name,
        id=node.id,
        address=node.address,
        role=node.role,
        state=node.state,
        availability=node.availability,
        labels=node.labels,
        zone=node.zone,
        cores=node.cores,
        cores_allocated=cores_allocated,
        memory=node.memory,
        memory_allocated=memory_allocated,
        disk=node.disk,
        disk_allocated=disk_allocated,
        task_count=task_count,
        last_seen=rfc3339(last_seen_ms),
        runtime=node.runtime,
        software=node.software,
        revision=node.revision,
        conditions=[ConditionView(c.kind, c.message, rfc3339(c.since_ms)) for c in node.conditions],
        held_until=rfc3339(node.held_until_ms or None),
        message=hold_message(node),
        region=node.region,
        rack=node.rack,
        named=node.named,
        platform=node.platform,
        named_allocated=named_allocated,
    )


def event_view(event: Event) -> EventView:
    """An event with its times as text."""
    return EventView(
        id=event.id,
        time=rfc3339(event.time_ms),
        first_time=rfc3339(event.first_ms),
        count=event.count,
        level=event.level,
        kind=event.kind,
        subject_kind=event.subject_kind,
        subject=event.subject,
        service=event.service,
        task_id=event.task_id,
        node=event.node,
        reason=event.reason,
        message=event.message,
        by=event.by,
        revision=event.revision,
    )
