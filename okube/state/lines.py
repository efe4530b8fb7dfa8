"""Changes, and the lines that watch streams make of them. Pure."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import msgspec

from okube.model.event import Event
from okube.model.node import Node
from okube.model.service import Service
from okube.model.shown import event_view, node_view, service_view, task_view
from okube.model.spec import ServiceSpec
from okube.model.task import Task
from okube.model.views import WatchLine
from okube.model.workload_views import AppView
from okube.state.progress import ServiceSums
from okube.state.tables import Row

__all__ = ["Change", "Extra", "Shown", "Sums", "put_line", "render"]

Shown = Row | AppView
_encoder = msgspec.json.Encoder()


class Sums(NamedTuple):
    """What a node has promised."""

    cores: float
    memory: int
    disk: int
    tasks: int
    named: dict[str, int]


Extra = ServiceSums | ServiceSpec | Sums | None


class Change(msgspec.Struct, frozen=True):
    """One change of an object: the row before it (None: it is new) and after it (None: it is gone)."""

    revision: int
    old: Shown | None
    new: Shown | None
    extra: Extra  # what the view of the newest row holds beside it


def render(change: Change, wanted: Callable[[Any], bool], sight: Callable[[Any], bool] | None = None) -> bytes | None:
    """The line of a change for who wants these rows, with its end of line; None where it is none of theirs.

    What comes to be unwanted is deleted for them; the object is then as it is now, else as it was last. What is not in
    their ``sight`` is not shown: what left it is shown as it was.
    """
    old, new, extra = change.old, change.new, change.extra
    if sight is not None:
        old = old if old is not None and sight(old) else None
        new = new if new is not None and sight(new) else None
    if new is not None and wanted(new):
        return _line("put", change.revision, new, extra)
    if old is not None and wanted(old):
        return _line("delete", change.revision, old if new is None else new, extra)
    return None


def put_line(change: Change) -> bytes:
    """The line of an object that is there, for who wants it."""
    assert change.new is not None
    return _line("put", change.revision, change.new, change.extra)


def _line(what: Literal["put", "delete"], revision: int, row: Shown, extra: Extra) -> bytes:
    return _encoder.encode(WatchLine(what, revision, _view(row, extra))) + b"\n"


def _view(row: Shown, extra: Extra) -> object:
    if isinstance(row, Task):
        assert isinstance(extra, ServiceSpec)
        return task_view(row, extra)
    if isinstance(row, Service):
        assert isinstance(extra, ServiceSums)
        return service_view(row, **extra._asdict())
    if isinstance(row, Node):
        assert isinstance(extra, Sums)
        return node_view(
            row,
            cores_allocated=extra.cores,
            memory_allocated=extra.memory,
            disk_allocated=extra.disk,
            named_allocated=extra.named,
            task_count=extra.tasks,
            last_seen_ms=None,  # the leader's memory knows it, and no log
        )
    return event_view(row) if isinstance(row, Event) else row
