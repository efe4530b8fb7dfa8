"""What a command's changes mean to people: rows before and after, told as events.

Every change of a row is looked at, whatever made it, so that no path is forgotten. Alike things that one command did
become one event with a count and a few names, so that a bulk command costs one row and not a thousand. What a change of
each kind of row means is in the module of its name, such as ``node_story``.
"""

from collections.abc import Iterable, Iterator

import msgspec

from okube.model import commands as c
from okube.model.event import Event
from okube.model.node import Node
from okube.model.sealed import Ring
from okube.model.secret import Secret
from okube.model.service import Service
from okube.model.task import Task
from okube.state.certificate_story import of_certificates
from okube.state.cluster_story import of_cluster
from okube.state.node_story import of_node
from okube.state.secret_story import of_ring, of_secret
from okube.state.tables import Row, Tables
from okube.state.workload_story import is_silent, of_service, of_task

__all__ = ["tell"]

_NAMES_SHOWN = 3
_ONE_BY_ONE = 10
"""So many services or nodes that one command changed alike are told one by one; more are one event."""

_SAID_ONCE = ("leader-elected", "version-enabled")
"""A leader seeds once a reign; where it had to try twice, that is no second election."""

_Group = tuple[str, str | None, str | None]


def tell(tables: Tables, command: c.Command, now_ms: int) -> None:
    """Put the events of what ``command`` has just changed into the table."""
    changes, tables.changes = tables.changes, []
    for event in _of_command(tables, command):
        told = msgspec.structs.replace(event, first_ms=now_ms, time_ms=now_ms)
        if event.kind not in _SAID_ONCE or not _was_said(tables, told):
            tables.put_event(told)
    if not changes:
        return
    by = _caller_of(command)
    groups: dict[_Group, list[Event]] = {}
    for old, new in changes:
        if isinstance(new, Task) and is_silent(old, new):
            continue
        for event in _events(command, old, new):
            key = (event.kind, event.service if event.subject_kind == "task" else None, event.reason)
            groups.setdefault(key, []).append(event)
    for events in groups.values():
        for event in _merged(events):
            tables.put_event(msgspec.structs.replace(event, by=by, first_ms=now_ms, time_ms=now_ms))


def _of_command(tables: Tables, command: c.Command) -> Iterator[Event]:
    """What a command means in itself, whatever rows it changed."""
    if isinstance(command, c.PutAuthorities | c.TellOfCertificates):
        return of_certificates(command)
    return of_cluster(tables, command)


def _was_said(tables: Tables, event: Event) -> bool:
    known = tables.events.like(event)
    return known is not None and known.message == event.message


def _caller_of(command: c.Command) -> str:
    by: str = command.created_by if isinstance(command, c.PutServices) else getattr(command, "by", "")
    return by


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
            yield from of_task(command, old if isinstance(old, Task) else None, new)
    elif isinstance(row, Service):
        yield of_service(
            command, old if isinstance(old, Service) else None, new if isinstance(new, Service) else None, row
        )
    elif isinstance(row, Node):
        yield from of_node(old if isinstance(old, Node) else None, new if isinstance(new, Node) else None, row)
    elif isinstance(row, Secret) and not isinstance(command, c.Reseal):
        yield of_secret(old if isinstance(old, Secret) else None, new if isinstance(new, Secret) else None, row)
    elif isinstance(row, Ring):
        yield from of_ring(old if isinstance(old, Ring) else None, new if isinstance(new, Ring) else None)
