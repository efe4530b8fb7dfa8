"""What a command's changes mean to people: rows before and after, told as events.

Every change of a row is looked at, whatever made it, so that no path is forgotten. Alike things that one command did
become one event with a count and a few names, so that a bulk command costs one row and not a thousand.
"""

from collections.abc import Iterable, Iterator

import msgspec

from okube.model import commands as c
from okube.model.event import Event, EventKind, Level
from okube.model.flapping import hold_message
from okube.model.node import BLOCKING_CONDITIONS, Node
from okube.model.sealed import Ring
from okube.model.secret import Secret
from okube.model.service import Service
from okube.model.spec import ServiceSpec
from okube.model.task import Task
from okube.state.certificate_story import of_certificates
from okube.state.tables import Row, Tables

__all__ = ["tell"]

_NAMES_SHOWN = 3
_ONE_BY_ONE = 10
"""So many services or nodes that one command changed alike are told one by one; more are one event."""

_AVAILABILITY: dict[str, EventKind] = {
    "active": "node-uncordoned",
    "cordoned": "node-cordoned",
    "draining": "node-draining",
    "drained": "node-drained",
}
_REFRESHED: dict[str, EventKind] = {
    "stop": "service-stopped",
    "start": "service-started",
    "restart": "service-restarted",
    "rollback": "service-rolled-back",
}
_Group = tuple[str, str | None, str | None]


def tell(tables: Tables, command: c.Command, now_ms: int) -> None:
    """Put the events of what ``command`` has just changed into the table."""
    changes, tables.changes = tables.changes, []
    if isinstance(command, c.SeedCluster):
        _tell_leader(tables, command, now_ms)
    if isinstance(command, c.EnableVersion) and command.version == tables.settings.command_version:
        _tell_version(tables, command, now_ms)
    if isinstance(command, c.TellOfManager):
        _tell_manager(tables, command, now_ms)
    if isinstance(command, c.PutAuthorities | c.TellOfCertificates):
        for event in of_certificates(command):
            tables.put_event(msgspec.structs.replace(event, first_ms=now_ms, time_ms=now_ms))
    if isinstance(command, c.PutUser | c.RemoveUser):
        _tell_user(tables, command, now_ms)
    if not changes:
        return
    by = _caller_of(command)
    groups: dict[_Group, list[Event]] = {}
    for old, new in changes:
        for event in _events(command, old, new):
            key = (event.kind, event.service if event.subject_kind == "task" else None, event.reason)
            groups.setdefault(key, []).append(event)
    for events in groups.values():
        for event in _merged(events):
            tables.put_event(msgspec.structs.replace(event, by=by, first_ms=now_ms, time_ms=now_ms))


def _caller_of(command: c.Command) -> str:
    by: str = command.created_by if isinstance(command, c.PutServices) else getattr(command, "by", "")
    return by


def _tell_leader(tables: Tables, command: c.SeedCluster, now_ms: int) -> None:
    """A leader seeds once a reign; where it had to try twice, that is no second election."""
    if not command.leader:
        return
    event = Event(
        id="",
        kind="leader-elected",
        subject_kind="manager",
        subject=command.leader,
        message=f"{command.leader} leads, in epoch {tables.epoch}",
        first_ms=now_ms,
        time_ms=now_ms,
    )
    known = tables.events.like(event)
    if known is None or known.message != event.message:
        tables.put_event(event)


def _tell_version(tables: Tables, command: c.EnableVersion, now_ms: int) -> None:
    event = Event(
        id="",
        kind="version-enabled",
        subject_kind="cluster",
        message=f"command version {command.version}: all managers know it",
        first_ms=now_ms,
        time_ms=now_ms,
    )
    known = tables.events.like(event)
    if known is None or known.message != event.message:
        tables.put_event(event)


def _tell_manager(tables: Tables, command: c.TellOfManager, now_ms: int) -> None:
    kinds: dict[str, tuple[EventKind, str]] = {
        "added": ("manager-added", f"may join, at {command.address}, and votes when it has caught up"),
        "removed": ("manager-removed", f"is no manager any more; it was at {command.address}"),
        "readdressed": ("manager-readdressed", f"is reached at {command.address} now; it was at {command.before}"),
    }
    if command.what not in kinds:
        return
    kind, message = kinds[command.what]
    event = Event(
        id="",
        kind=kind,
        subject_kind="manager",
        subject=command.name,
        message=message,
        by=command.by,
        first_ms=now_ms,
        time_ms=now_ms,
    )
    tables.put_event(event)


def _tell_user(tables: Tables, command: c.PutUser | c.RemoveUser, now_ms: int) -> None:
    kinds: dict[str, EventKind] = {"create": "user-created", "change": "user-changed", "rotate": "user-rotated"}
    kind: EventKind = "user-removed"
    message = ""
    if isinstance(command, c.PutUser):
        kind = kinds.get(command.how, "user-changed")
        user = tables.users.get(command.name)
        if user is not None and kind != "user-rotated":
            message = f"{user.role} of {', '.join(user.apps) or 'the cluster'}"
    event = Event(
        id="",
        kind=kind,
        subject_kind="user",
        subject=command.name,
        message=message,
        by=command.by,
        first_ms=now_ms,
        time_ms=now_ms,
    )
    tables.put_event(event)


def _merged(events: list[Event]) -> Iterable[Event]:
    if len(events) == 1 or (events[0].subject_kind != "task" and len(events) <= _ONE_BY_ONE):
        return events
    return [_merge(events)]


def _merge(events: list[Event]) -> Event:
    """Many alike as one, about what holds them all: the service of tasks, else the cluster."""
    first = events[0]
    names = list(dict.fromkeys(event.subject for event in events))
    shown = ", ".join(names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    of_tasks = first.subject_kind == "task"
    return msgspec.structs.replace(
        first,
        subject_kind="service" if of_tasks else "cluster",
        subject=(first.service or "") if of_tasks else "",
        service=first.service if of_tasks else None,
        task_id=None,
        node=first.node if all(event.node == first.node for event in events) else None,
        message=f"{shown}{f' and {more} more' if more > 0 else ''}" + (f": {first.message}" if first.message else ""),
        count=len(events),
    )


def _events(command: c.Command, old: Row | None, new: Row | None) -> Iterator[Event]:
    row = new if new is not None else old
    if isinstance(row, Task):
        if isinstance(new, Task):
            yield from _of_task(command, old if isinstance(old, Task) else None, new)
    elif isinstance(row, Service):
        yield _of_service(
            command, old if isinstance(old, Service) else None, new if isinstance(new, Service) else None, row
        )
    elif isinstance(row, Node):
        yield from _of_node(old if isinstance(old, Node) else None, new if isinstance(new, Node) else None, row)
    elif isinstance(row, Secret) and not isinstance(command, c.Reseal):
        yield _of_secret(old, new, row)
    elif isinstance(row, Ring) and new is None:
        message = "given up, with all secrets and configs: its unlock key is lost"
        yield Event(id="", kind="keys-rotated", level="warning", subject_kind="cluster", message=message)
    elif isinstance(row, Ring) and isinstance(old, Ring) and old.newest != row.newest:
        yield Event(id="", kind="keys-rotated", subject_kind="cluster", message=_ring_change(old, row))


# Tasks


def _of_task(command: c.Command, old: Task | None, new: Task) -> Iterator[Event]:
    if old is None:
        return
    if new.restarts > old.restarts:
        yield _task(new, "task-restarted", "warning", new.message or f"started again, {new.restarts} times so far")
    if new.state != old.state:
        yield from _of_state(new)
    elif new.state == "pending" and new.reason == "no-fit" and new.message != old.message:
        yield _task(new, "no-fit", "warning", new.message)
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


# Services


def _of_service(command: c.Command, old: Service | None, new: Service | None, row: Service) -> Event:
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


# Secrets and configs


def _of_secret(old: Row | None, new: Row | None, row: Secret) -> Event:
    """Never a word about the value, not even how long it is."""
    kind: EventKind = "secret-removed" if new is None else "secret-created" if old is None else "secret-rotated"
    message = f"version {row.newest.version}" if kind == "secret-rotated" else ""
    return Event(id="", kind=kind, subject_kind=row.kind, subject=row.name, message=message)


def _ring_change(old: Ring, new: Ring) -> str:
    parts = [f"the data key {new.newest} seals from here on"]
    if new.unlock_id != old.unlock_id:
        parts.append(f"the unlock key is {new.unlock_id}")
    if new.autolock != old.autolock:
        parts.append("managers lock themselves" if new.autolock else "managers keep the unlock key on their disks")
    return "; ".join(parts)


# Nodes


def _of_node(old: Node | None, new: Node | None, row: Node) -> Iterator[Event]:
    if new is None:
        yield _node(row, "node-removed", "info", "")
        return
    if old is None and new.state == "down":
        yield _node(row, "node-joined", "info", f"may join, at {new.address}, and is ready when its agent is heard")
        return
    if old is None:
        yield _node(row, "node-joined", "info", f"{new.cores:g} cores, {new.memory / (1 << 30):.1f} GiB, {new.address}")
        return
    if new.state != old.state:
        if new.state == "down":
            yield _node(row, "node-down", "error", "its agent is silent; what ran there is placed elsewhere")
        else:
            yield _node(row, "node-ready", "info", "")
    if new.held_until_ms and not old.held_until_ms:
        yield _node(row, "node-flapping", "warning", hold_message(new))
    if new.address != old.address and new.readdressed:
        yield _node(row, "node-readdressed", "info", f"is reached at {new.address} now; it was at {old.address}")
    if new.availability != old.availability:
        yield _node(row, _AVAILABILITY[new.availability], "info", "")
    if new.conditions != old.conditions:
        yield from _of_conditions(old, new)


def _of_conditions(old: Node, new: Node) -> Iterator[Event]:
    """What is wrong with a machine that was not, and what is over; a sentence that changes is no event."""
    before, after = ({condition.kind: condition for condition in node.conditions} for node in (old, new))
    for kind, condition in after.items():
        if kind not in before:
            level: Level = "error" if kind in BLOCKING_CONDITIONS else "warning"
            told = _node(new, "node-condition", level, f"{kind}: {condition.message}")
            yield msgspec.structs.replace(told, reason=kind)
    for kind in sorted(before.keys() - after.keys()):
        yield msgspec.structs.replace(_node(new, "node-condition", "info", f"{kind} is over"), reason=kind)


def _node(node: Node, kind: EventKind, level: Level, message: str) -> Event:
    return Event(id="", kind=kind, level=level, subject_kind="node", subject=node.name, node=node.name, message=message)
