"""What has changed in the tables since a loop last looked: how loops are woken, never what they decide."""

import asyncio

from okube.model.node import Node
from okube.model.sealed import Ring
from okube.model.secret import Secret
from okube.model.service import Service
from okube.model.task import Task
from okube.state import Tables
from okube.state.mounts import users_of
from okube.state.readiness import services_awaited
from okube.state.tables import Row

__all__ = ["Changes"]


class Changes:
    """Dirty marks, set as rows change. A lost mark costs time, not correctness: each loop also makes full passes."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self.services: dict[str, None] = {}
        self.services_changed = asyncio.Event()
        self.placement_changed = asyncio.Event()
        self.nodes_changed = asyncio.Event()
        self.nodes_for_dispatch = asyncio.Event()
        self.ring_changed = asyncio.Event()
        self.tasks_of_node: dict[str, dict[str, None]] = {}
        self._events: dict[str, asyncio.Event] = {}
        self._awaited: frozenset[str] | None = None
        tables.observers.append(self._observe)

    def close(self) -> None:
        """Stop watching."""
        self._tables.observers.remove(self._observe)

    def all(self) -> None:
        """Mark everything: a new leader starts from nothing."""
        self.all_services()
        self.placement_changed.set()
        self.nodes_changed.set()
        self.nodes_for_dispatch.set()
        self.ring_changed.set()

    def all_services(self) -> None:
        """Mark every service: the slow full pass."""
        self.services.update(dict.fromkeys(self._tables.services))
        self.services_changed.set()

    def take_services(self) -> list[str]:
        """The ids of the services to look at, and none is marked any more."""
        self.services_changed.clear()
        taken = list(self.services)
        self.services.clear()
        return taken

    def take_tasks(self, node: str) -> list[str]:
        """The tasks of a node that changed, and none is marked any more."""
        return list(self.tasks_of_node.pop(node, ()))

    def has_tasks(self, node: str) -> bool:
        """Whether any task of a node changed."""
        return node in self.tasks_of_node

    def event_of(self, node: str) -> asyncio.Event:
        """Set when something changes for the node's assignment."""
        return self._events.setdefault(node, asyncio.Event())

    def forget_node(self, node: str) -> None:
        """The node is gone."""
        self._events.pop(node, None)
        self.tasks_of_node.pop(node, None)

    def _observe(self, table: str, old: Row | None, new: Row | None) -> None:
        row = new if new is not None else old
        if isinstance(row, Service):
            self.mark_service(row.id)
            self._awaited = None
            if self._tables.tasks_in_state.get("pending"):
                self.placement_changed.set()
        elif isinstance(row, Task):
            self.mark_service(row.service_id)
            self._task_changed(row, old if isinstance(old, Task) else None, new is None)
        elif isinstance(row, Node):
            self._node_changed(row)
        elif isinstance(row, Secret):
            self._secret_changed(row)
        elif isinstance(row, Ring):
            self.ring_changed.set()

    def _secret_changed(self, secret: Secret) -> None:
        self.placement_changed.set()  # tasks may have waited for it
        for service in users_of(self._tables, secret.kind, secret.name):
            self.mark_service(service.id)

    def mark_service(self, service_id: str) -> None:
        """This service is to be looked at."""
        self.services[service_id] = None
        self.services_changed.set()

    def _task_changed(self, row: Task, old: Task | None, gone: bool) -> None:
        if row.state == "pending" or row.ended or gone:
            self.placement_changed.set()
        elif row.state == "running" and (old is None or (old.state, old.ready) != (row.state, row.ready)):
            self._may_be_awaited(row.service_id)
        if row.node is None:
            return
        if row.ended or gone:
            self.nodes_changed.set()
        # What an agent itself reported needs no telling back; what it should do differently, or may let go, does.
        told = (row.node, row.desired, row.mounted)
        if old is None or gone or row.ended or told != (old.node, old.desired, old.mounted):
            self.tasks_of_node.setdefault(row.node, {})[row.id] = None
            self.event_of(row.node).set()

    def _may_be_awaited(self, service_id: str) -> None:
        """A task of it runs, or is ready: others may have waited for that before they start."""
        if not self._tables.tasks_in_state.get("pending"):
            return
        if self._awaited is None:
            self._awaited = services_awaited(self._tables)
        if service_id in self._awaited:
            self.placement_changed.set()

    def _node_changed(self, node: Node) -> None:
        self.nodes_changed.set()
        self.nodes_for_dispatch.set()
        self.placement_changed.set()
        self.event_of(node.name).set()
        for task_id in self._tables.tasks_on_node.get(node.name, ()):
            self.mark_service(self._tables.tasks[task_id].service_id)
        for service in self._tables.services.values():
            if service.spec.mode == "global":
                self.mark_service(service.id)
