"""The tables of the cluster.

Rows are frozen; a change is a new row put in the old one's place. Every change goes through ``put_*`` and
``delete_*`` here, which keep the indexes, the per-node sums, the revision and the digest right, and tell observers.
Commands iterate over rows in the order of insertion, which is the order of the log, or sorted; never in the order of an
index, which a snapshot does not keep.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from okube.model.authority import Authorities
from okube.model.epoch import Epoch
from okube.model.event import Event
from okube.model.jointoken import KeptToken
from okube.model.node import Node
from okube.model.quota import Quota
from okube.model.scheduling import Scheduling
from okube.model.sealed import Ring
from okube.model.secret import Secret
from okube.model.service import Service
from okube.model.task import ENDED, KEPT_ENDED_TASKS, Task
from okube.model.topology import DeclaredTopology
from okube.model.user import User
from okube.state.digest import Digest
from okube.state.events import EventTable, repeated
from okube.state.indexes import IndexedRows, counts_alike
from okube.state.requests import KnownRequest, RequestTable
from okube.state.usertable import UserTable

__all__ = ["Observer", "Row", "Settings", "Tables"]

Row = Service | Task | Node | Event | Secret | Ring
Observer = Callable[[str, Row | None, Row | None], None]
"""Called with the table's name, the row before and the row after; must not raise and must not change tables."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for the whole cluster; one row."""

    cluster: str = ""
    cluster_id: str = ""
    admin_token_sha256: str = ""
    node_down_after_ms: int = 3000
    heartbeat_ms: int = 1000
    revision: int = 0
    command_version: int = 1  # all managers know it: up to it, commands may be proposed
    join_tokens: tuple[KeptToken, ...] = ()  # few, and seldom changed, so they need no table
    barred: tuple[str, ...] = ()  # instances of nodes that are not let in any more, the newest last
    managers: tuple[str, ...] = ()  # instances of those that there are
    left_managers: tuple[str, ...] = ()  # instances of those that are none any more, the newest last
    scheduling: Scheduling | msgspec.UnsetType = msgspec.UNSET  # nobody has said anything: as the defaults are
    topology: DeclaredTopology | msgspec.UnsetType = msgspec.UNSET  # nobody has declared anything


class Tables(IndexedRows):
    """All rows, with what is derived from them."""

    def __init__(self) -> None:
        super().__init__()
        self.revision = 0
        self.epoch = Epoch()
        self.time_ms = 0  # of the newest batch
        self.settings = Settings()
        self.ring: Ring | None = None
        self.secrets: dict[tuple[str, str], Secret] = {}  # by kind and name
        self.authorities: Authorities | None = None
        self.quotas: dict[tuple[str, str], Quota] = {}  # by kind and name
        self.requests = RequestTable()
        self.events = EventTable()
        self.users = UserTable()
        self.digest = Digest()
        self.observers: list[Observer] = []
        self.changes: list[tuple[Row | None, Row | None]] = []  # (before, after) of what the command under way did

    # What a snapshot brings: rows as they are, with their revisions; observers are not told.

    def begin_at(self, *, revision: int, epoch: Epoch, time_ms: int, settings: Settings) -> None:
        """Take what is not a row of a table."""
        self.revision, self.epoch, self.time_ms, self.settings = revision, epoch, time_ms, settings
        if settings.revision:
            self.digest.swap("settings", None, settings)

    def restore_node(self, node: Node) -> None:
        """Take a node."""
        self.nodes[node.name] = node
        self.digest.swap("nodes", None, node)

    def restore_service(self, service: Service) -> None:
        """Take a service; nodes come before."""
        self.services[service.id] = service
        self.service_ids[service.name] = service.id
        self._index_service(None, service)
        self.digest.swap("services", None, service)

    def restore_task(self, task: Task) -> None:
        """Take a task; nodes, services and specs come before."""
        self._add_task(task)
        self.digest.swap("tasks", None, task)

    def restore_request(self, request: KnownRequest) -> None:
        """Take a request."""
        self.requests.put(request)
        self.digest.swap("requests", None, request)

    def restore_event(self, event: Event) -> None:
        """Take an event."""
        self.events.put(event)
        self.digest.swap("events", None, event)

    def restore_authorities(self, authorities: Authorities) -> None:
        """Take the CAs."""
        self.authorities = authorities
        self.digest.swap("authorities", None, authorities)

    def restore_ring(self, ring: Ring) -> None:
        """Take the key ring."""
        self.ring = ring
        self.digest.swap("ring", None, ring)

    def restore_user(self, user: User) -> None:
        """Take a user."""
        self.users.put(user)
        self.digest.swap("users", None, user)

    def restore_secret(self, secret: Secret) -> None:
        """Take a secret or config."""
        self.secrets[secret.kind, secret.name] = secret
        self.digest.swap("secrets", None, secret)

    def restore_quota(self, quota: Quota) -> None:
        """Take a quota."""
        self.quotas[quota.kind, quota.name] = quota
        self.digest.swap("quotas", None, quota)

    def become(self, other: "Tables") -> "Tables":
        """Take all that ``other`` holds, in one step, and keep the observers; what was here, to be let go of."""
        before = Tables()
        before.__dict__, observers = self.__dict__, self.observers
        self.__dict__ = {**other.__dict__, "observers": observers}
        return before

    # Changing

    def next_revision(self) -> int:
        """One more change."""
        self.revision += 1
        return self.revision

    def put_settings(self, settings: Settings) -> None:
        """Replace the settings."""
        new = msgspec.structs.replace(settings, revision=self.next_revision())
        self.digest.swap("settings", self.settings if self.settings.revision else None, new)
        self.settings = new

    def put_authorities(self, authorities: Authorities | None) -> None:
        """Replace the CAs."""
        revision = self.next_revision()
        new = None if authorities is None else msgspec.structs.replace(authorities, revision=revision)
        self.digest.swap("authorities", self.authorities, new)
        self.authorities = new

    def put_ring(self, ring: Ring | None) -> None:
        """Replace the key ring."""
        revision = self.next_revision()
        new = None if ring is None else msgspec.structs.replace(ring, revision=revision)
        old, self.ring = self.ring, new
        self._changed("ring", old, new)

    def put_secret(self, secret: Secret) -> Secret:
        """Add or replace a secret or config (by kind and name)."""
        old = self.secrets.get((secret.kind, secret.name))
        new = msgspec.structs.replace(secret, revision=self.next_revision())
        self.secrets[new.kind, new.name] = new
        self._changed("secrets", old, new)
        return new

    def delete_secret(self, secret: Secret) -> None:
        """Forget a secret or config."""
        self.next_revision()
        self._changed("secrets", self.secrets.pop((secret.kind, secret.name)), None)

    def put_quota(self, quota: Quota) -> Quota:
        """Add or replace a quota (by kind and name)."""
        key, new = (quota.kind, quota.name), msgspec.structs.replace(quota, revision=self.next_revision())
        self.digest.swap("quotas", self.quotas.get(key), new)
        self.quotas[key] = new
        return new

    def delete_quota(self, quota: Quota) -> None:
        """Forget a quota."""
        self.next_revision()
        self.digest.swap("quotas", self.quotas.pop((quota.kind, quota.name)), None)

    def put_request(self, request: KnownRequest) -> None:
        """Remember a request and its result; the oldest go where the bounds say so."""
        self.next_revision()
        self.digest.swap("requests", None, request)
        for forgotten in self.requests.put(request):
            self.next_revision()
            self.digest.swap("requests", forgotten, None)

    def put_event(self, event: Event) -> None:
        """Something happened; if it happened before it is counted there, and the oldest go where the bound says so."""
        known = self.events.like(event)
        new = event if known is None else repeated(known, event)
        revision = self.next_revision()
        new = msgspec.structs.replace(new, id=new.id or f"e{revision}", revision=revision)
        self._tell("events", self.events.put(new), new)
        while (oldest := self.events.oldest_beyond()) is not None:
            self.events.forget(oldest)
            self.next_revision()
            self._tell("events", oldest, None)

    def put_user(self, user: User) -> User:
        """Add or replace a user (by name)."""
        new = msgspec.structs.replace(user, revision=self.next_revision())
        self.digest.swap("users", self.users.put(new), new)
        return new

    def delete_user(self, name: str) -> None:
        """Forget a user."""
        self.next_revision()
        self.digest.swap("users", self.users.delete(name), None)

    def put_service(self, service: Service) -> Service:
        """Add or replace a service (by id)."""
        old = self.services.get(service.id)
        new = msgspec.structs.replace(service, revision=self.next_revision())
        self.services[new.id] = new
        self.service_ids[new.name] = new.id
        self._keep_spec(new.id, new.version, new.spec)
        for kept in new.versions:
            self._keep_spec(new.id, kept.version, kept.spec)
        self._index_service(old, new)
        self._changed("services", old, new)
        if old is not None and old.spec.app != new.spec.app:
            self._touch(new)  # once for the app that it leaves, and once for the one it joins
        if old is not None:
            still_there = {new.version, *(before.version for before in new.versions)}
            self._drop_unused_specs(old, still_there)
        return new

    def delete_service(self, service_id: str) -> None:
        """Forget a service; its tasks' specs stay as long as the tasks."""
        self.next_revision()
        old = self.services.pop(service_id)
        del self.service_ids[old.name]
        del self.progress[service_id]
        self.targets.delete_service(service_id)
        self.asked.changed(old, None)
        self._changed("services", old, None)
        self._drop_unused_specs(old, frozenset())

    def put_node(self, node: Node) -> Node:
        """Add or replace a node (by name)."""
        old = self.nodes.get(node.name)
        new = msgspec.structs.replace(node, revision=self.next_revision())
        self.nodes[new.name] = new
        self._changed("nodes", old, new)
        self._retarget(new.name)
        return new

    def delete_node(self, name: str) -> None:
        """Forget a node."""
        self.next_revision()
        self._changed("nodes", self.nodes.pop(name), None)
        self._retarget(name)

    def put_task(self, task: Task) -> Task:
        """Add or replace a task (by id); a slot's history beyond its bound goes with it."""
        return self._take_task(self.tasks.get(task.id), msgspec.structs.replace(task, revision=self.next_revision()))

    def change_task(self, task: Task, **fields: Any) -> Task:
        """The same for a task that is there, with other values of these fields."""
        return self._take_task(task, msgspec.structs.replace(task, revision=self.next_revision(), **fields))

    def add_task(self, task: Task) -> None:
        """Add a task that is new, and that has the next revision already."""
        self._take_task(None, task)

    def _take_task(self, old: Task | None, new: Task) -> Task:
        if old is None:
            self._add_task(new)
        elif counts_alike(old, new):
            self.tasks[new.id] = new
        else:
            self.tasks[new.id] = new
            self._reindex_task(old, new)
            self.targets.task_changed(old, new)
        self._changed("tasks", old, new)
        if new.state in ENDED and (old is None or not old.ended):
            self._remember_end(new)
        return new

    def delete_task(self, task_id: str) -> None:
        """Forget a task."""
        self.next_revision()
        old = self.tasks.pop(task_id)
        self._unindex_task(old)
        self.targets.task_changed(old, None)
        siblings = self.tasks_of_service[old.service_id]
        del siblings[task_id]
        if not siblings:
            del self.tasks_of_service[old.service_id]
        slot = (old.service_id, old.slot)
        ended = self.ended_in_slot.get(slot, ())
        if ended == (task_id,):
            del self.ended_in_slot[slot]
        elif task_id in ended:
            self.ended_in_slot[slot] = tuple(each for each in ended if each != task_id)
        key = (old.service_id, old.version)
        self._tasks_of_spec[key] -= 1
        self._changed("tasks", old, None)
        if not self._tasks_of_spec[key]:
            del self._tasks_of_spec[key]
            self._drop_spec_if_unused(key)

    # What follows a change

    def _retarget(self, node: str) -> None:
        """The node counts for other global services than before: each of them is told as a change of its own."""
        for service_id in self.targets.node_changed(node):
            self._touch(self.services[service_id])

    def _touch(self, service: Service) -> None:
        """What is shown of a service, or of its app, changes although its row does not."""
        self.next_revision()
        for observer in self.observers:
            observer("services", service, service)

    def _remember_end(self, task: Task) -> None:
        if task.service_id not in self.services:
            self.delete_task(task.id)
            return
        slot = (task.service_id, task.slot)
        ended = self.ended_in_slot[slot] = (*self.ended_in_slot.get(slot, ()), task.id)
        if len(ended) > KEPT_ENDED_TASKS:
            self.delete_task(ended[0])

    def _changed(self, table: str, old: Row | None, new: Row | None) -> None:
        self.changes.append((old, new))
        self._tell(table, old, new)

    def _tell(self, table: str, old: Row | None, new: Row | None) -> None:
        self.digest.swap(table, old, new)
        for observer in self.observers:
            observer(table, old, new)
