"""What changes of tasks and services mean to people, as events."""

from collections.abc import Iterator

from okube.model import commands as c
from okube.model.event import Event, EventKind, Level
from okube.model.service import Service
from okube.model.spec import ServiceSpec
from okube.model.task import Moving, Task

__all__ = ["is_silent", "of_service", "of_task"]

_REFRESHED: dict[str, EventKind] = {
    "stop": "service-stopped",
    "start": "service-started",
    "restart": "service-restarted",
    "rollback": "service-rolled-back",
}


def is_silent(old: object, new: Task) -> bool:
    """Whether nothing is ever told of this change: a task is new, or got its node. A bulk has a million of them."""
    return old is None or (new.state == "scheduled" and isinstance(old, Task) and old.state == "pending")


def of_task(command: c.Command, old: Task | None, new: Task) -> Iterator[Event]:
    """What has become of a task; that it is there now is no event."""
    if old is None:
        return
    if new.restarts > old.restarts:
        yield _task(new, "task-restarted", "warning", new.message or f"started again, {new.restarts} times so far")
    if new.state != old.state:
        yield from _of_state(new)
    elif new.state == "pending" and new.reason == "no-fit" and new.message != old.message:
        yield _task(new, "no-fit", "warning", new.message)
    if isinstance(command, c.PreemptTasks) and isinstance(new.gave_way, str):
        if new.desired != old.desired:
            yield _task(new, "task-preempted", "warning", new.gave_way)
        else:
            yield _task(new, "task-preempts", "info", new.message)
    if isinstance(command, c.MoveTasks) and isinstance(new.moving, Moving):
        yield _task(new, "task-moves", "info", "is to move to a node where it is better off")
    if isinstance(command, c.StopTask) and new.desired != old.desired:
        yield _task(new, "task-stopped", "info", "was told to stop; its service replaces it")


def _of_state(new: Task) -> Iterator[Event]:
    if new.state == "running":
        yield _task(new, "task-running", "info", f"runs on {new.node}")
    elif new.state == "completed":
        yield _task(new, "task-completed", "info", new.message)
    elif new.state == "failed" and new.reason == "node-lost":
        yield _task(new, "task-lost", "warning", new.message)
    elif new.state == "failed":
        yield _task(new, "task-failed", "error", new.message)


def _task(task: Task, kind: EventKind, level: Level, message: str) -> Event:
    return Event(
        id="",
        kind=kind,
        level=level,
        subject_kind="task",
        subject=task.name,
        service=task.service,
        task_id=task.id,
        node=task.node,
        reason=task.reason,
        message=message,
    )


def of_service(command: c.Command, old: Service | None, new: Service | None, row: Service) -> Event:
    """A service was made, changed or removed; ``row`` is how it is, or was last."""
    kind, message = _service_change(command, old, new)
    return Event(id="", kind=kind, subject_kind="service", subject=row.name, service=row.name, message=message)


def _service_change(command: c.Command, old: Service | None, new: Service | None) -> tuple[EventKind, str]:
    if new is None:
        return "service-removed", ""
    if old is None:
        return "service-created", f"{new.spec.image}, {_number(new)}"
    if isinstance(command, c.ScaleServices):
        return "service-scaled", f"from {old.wanted} to {new.wanted}"
    if isinstance(command, c.RefreshServices):
        done = "" if new.version == old.version else f"version {new.version}, {new.spec.image}"
        return _REFRESHED.get(command.how, "service-changed"), done
    if isinstance(command, c.PutSecret):
        return "service-restarted", f"version {new.version}: {command.secret_kind} {command.name} was rotated"
    return "service-changed", f"version {new.version}: {', '.join(_changed_fields(old.spec, new.spec))}"


def _number(service: Service) -> str:
    return "one on each node" if service.spec.mode == "global" else f"{service.spec.replicas} wanted"


def _changed_fields(old: ServiceSpec, new: ServiceSpec) -> list[str]:
    return [name for name in new.__struct_fields__ if getattr(old, name) != getattr(new, name)]
