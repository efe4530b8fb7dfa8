"""The newest changes of every table, in order: what watch streams are made of. Pure.

A line stands for one change of one object, as it is shown. What is shown of services and nodes holds sums over their
tasks, so a task that changes such a sum makes a line of its service or node too; it bears the revision of the task's
change, and no two lines of one kind share a revision. Rows and sums are kept, and not the lines made of them: a line
is rendered when somebody reads it, and comes out the same then as it would have at once.

Equal logs give equal lines on every manager, from wherever each of them begins.
"""

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from okube.model.event import Event
from okube.model.node import Node
from okube.model.service import Service
from okube.model.spec import ServiceSpec
from okube.model.task import Task
from okube.model.workload_views import AppView
from okube.state.apps import AppSums
from okube.state.indexes import counts_alike
from okube.state.lines import Change, Extra, Shown, Sums, put_line, render
from okube.state.progress import ServiceSums
from okube.state.ring import Ring
from okube.state.tables import Row, Tables

__all__ = ["KINDS", "Feed", "Kind"]

Kind = Literal["tasks", "services", "nodes", "apps", "events"]
KINDS: tuple[Kind, ...] = ("tasks", "services", "nodes", "apps", "events")

_ROW_BYTES = 500
"""Roughly what a row and its place in the ring take, without its texts."""
_NAME_BYTES = 80
_KEPT_SPECS = 1000
_RENDERED = 500
_RENDERED_BYTES = 4096
"""So many lines, none longer than that, are kept for readers who are about as far as others."""
_BOUNDS: dict[Kind, tuple[int, int]] = {
    "tasks": (10_000, 8 << 20),
    "services": (6_000, 6 << 20),
    "nodes": (6_000, 4 << 20),
    "apps": (4_000, 2 << 20),
    "events": (4_000, 3 << 20),
}
"""Of each kind: how many changes are kept, and how many bytes of rows that nothing else keeps."""

_sizes = msgspec.msgpack.Encoder()


class Feed:
    """One ring of changes for each kind, fed by the tables; begun anew when they were replaced."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._rings: dict[Kind, Ring[Change]] = {}
        self._services: dict[str, Service] = {}  # as they are shown: without the versions before
        self._service_sums: dict[str, ServiceSums] = {}
        self._node_sums: dict[str, Sums] = {}
        self._apps = AppSums()
        self._rendered: dict[tuple[Kind, int], bytes] = {}
        self._specs: dict[tuple[str, int], ServiceSpec] = {}  # of the tasks that changed lately
        self.restarts = 0
        """How often it began anew: whoever read before that must read lists again, or elsewhere."""
        tables.observers.append(self._observe)
        self.restart()

    def restart(self) -> None:
        """Forget all changes: the tables hold what a snapshot brought."""
        self.restarts += 1
        tables = self._tables
        self._rendered = {}
        self._specs = {}
        self._rings = {kind: Ring(tables.revision, *_BOUNDS[kind]) for kind in KINDS}
        self._services = {service.id: _shown(service) for service in tables.services.values()}
        self._service_sums = {service.id: tables.sums_of(service) for service in tables.services.values()}
        self._node_sums = {name: self._promised(name) for name in tables.nodes}
        self._apps = AppSums()
        for service in self._services.values():
            self._apps.put(tables, service)

    def ring(self, kind: Kind) -> Ring[Change]:
        """The changes of one kind."""
        return self._rings[kind]

    def line(
        self, kind: Kind, place: int, wanted: Callable[[Any], bool], sight: Callable[[Any], bool] | None = None
    ) -> bytes | None:
        """The line of the change at a place, as ``render`` makes it; for many readers at the end it is made once.

        Raises:
            Behind: the change is not kept any more.
        """
        change = self._rings[kind].at(place)
        new = change.new
        if new is None or not wanted(new) or (sight is not None and not sight(new)):
            return render(change, wanted, sight)
        known = self._rendered.get((kind, place))
        if known is not None:
            return known
        line = put_line(change)
        if len(line) <= _RENDERED_BYTES:
            self._rendered[kind, place] = line
            if len(self._rendered) > _RENDERED:
                del self._rendered[next(iter(self._rendered))]
        return line

    def _observe(self, table: str, old: Row | None, new: Row | None) -> None:
        row = new if new is not None else old
        if isinstance(row, Task):
            self._task_changed(row, old, new)
        elif isinstance(row, Service):
            self._service_changed(row, old, new)
        elif isinstance(row, Node):
            self._node_changed(row, old, new)
        elif isinstance(row, Event):
            self._add("events", old, new, None, 0 if old is None else _ROW_BYTES + len(row.message))

    def _task_changed(self, row: Task, old: Row | None, new: Row | None) -> None:
        size = 0 if old is None else _ROW_BYTES + len(row.message)
        self._add("tasks", old, new, self._spec_of(row), size)
        if isinstance(old, Task) and isinstance(new, Task) and counts_alike(old, new):
            return
        service = self._services.get(row.service_id)
        if service is not None and not (
            service.spec.app is None and self._tables.shows(service, self._service_sums[row.service_id])
        ):
            self._service_moved(row.service_id)
        if row.node in self._node_sums:
            self._node_moved(row.node)

    def _spec_of(self, task: Task) -> ServiceSpec:
        """What the view of a task needs of its spec: the same for all tasks of one version."""
        key = (task.service_id, task.version)
        known = self._specs.get(key)
        if known is None:
            if len(self._specs) >= _KEPT_SPECS:
                self._specs.clear()
            known = self._specs[key] = _shown_of_task(self._tables.specs[key])
        return known

    def _service_changed(self, row: Service, old: Row | None, new: Row | None) -> None:
        if old is new:
            self._service_moved(row.id)
            return
        before = self._services.pop(row.id, None)
        size = 0 if before is None else _ROW_BYTES + len(_sizes.encode(before))
        if new is None:
            self._add("services", before, None, self._service_sums.pop(row.id), size)
            self._app_moved(*self._apps.remove(row.id))
            return
        after = self._services[row.id] = _shown(row)
        sums = self._service_sums[row.id] = self._tables.sums_of(row)
        self._add("services", before, after, sums, size)
        if self._apps.app_of(row.id) in (None, row.spec.app):
            self._app_moved(*self._apps.put(self._tables, after))
        else:
            self._app_moved(*self._apps.remove(row.id))  # it is told once more, for the app that it joins

    def _service_moved(self, service_id: str) -> None:
        row = self._services[service_id]
        sums = self._tables.sums_of(row)
        if sums != self._service_sums[service_id]:
            self._service_sums[service_id] = sums
            self._add("services", row, row, sums, 0)
        self._app_moved(*self._apps.put(self._tables, row))

    def _app_moved(self, old: AppView | None, new: AppView | None) -> None:
        if old is new:
            return
        names_gone = old is not None and (new is None or new.services != old.services)
        names = len(old.services) if old is not None and names_gone else 0
        self._add("apps", old, new, None, _ROW_BYTES // 2 + names * _NAME_BYTES)

    def _node_changed(self, row: Node, old: Row | None, new: Row | None) -> None:
        if new is None:
            sums = self._node_sums.pop(row.name)
        else:
            sums = self._node_sums[row.name] = self._promised(row.name)
        self._add("nodes", old, new, sums, 0 if old is None else _ROW_BYTES + len(_sizes.encode(old)))

    def _node_moved(self, name: str) -> None:
        sums = self._promised(name)
        if sums != self._node_sums[name]:
            self._node_sums[name] = sums
            row = self._tables.nodes[name]
            self._add("nodes", row, row, sums, 0)

    def _promised(self, node: str) -> Sums:
        held = self._tables.allocation_of(node)
        return Sums(held.cores, held.memory, held.disk, held.tasks, held.named)

    def _add(self, kind: Kind, old: Shown | None, new: Shown | None, extra: Extra, size: int) -> None:
        """``size`` is that of the row before, which nothing but the ring keeps from now on."""
        revision = self._tables.revision
        self._rings[kind].add(revision, Change(revision, old, new, extra), _ROW_BYTES // 4 + size)


def _shown(service: Service) -> Service:
    """A service as its view needs it."""
    return msgspec.structs.replace(service, versions=()) if service.versions else service


def _shown_of_task(spec: ServiceSpec) -> ServiceSpec:
    """Of a spec, what a task's view may need: nothing that can be large, since the ring keeps it."""
    return ServiceSpec(
        name=spec.name,
        image=spec.image,
        app=spec.app,
        mode=spec.mode,
        ports=spec.ports,
        resources=spec.resources,
        restart=spec.restart,
        stop=spec.stop,
        update=spec.update,
        secrets=spec.secrets,
        configs=spec.configs,
    )
