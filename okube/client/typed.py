"""A cluster for Python programs: methods for what can be done, structs for what is there."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Generic, TypeVar

import msgspec

from okube.client.api import OkubeClient
from okube.client.calls import Freshness, Json
from okube.client.errors import GarbledAnswer
from okube.client.logs import Line
from okube.client.watch import Change, Listed, WatchKind
from okube.client.workloads import Verb
from okube.model.foresight_views import NetCostView, PlanView, RebalanceView, WhatIfView
from okube.model.jointoken import JoinRole, JoinTokenView
from okube.model.manager_views import ManagerView, SnapshotView, StatusView
from okube.model.managers import MembersView
from okube.model.net_views import NetView
from okube.model.node import Availability
from okube.model.node_views import NodeView, UsageView
from okube.model.quota import QuotaKind, QuotaView
from okube.model.secret import SecretKind
from okube.model.secret_views import SecretView
from okube.model.spec import ServiceSpec
from okube.model.task import TaskState
from okube.model.views import EventView
from okube.model.workload_views import ApplyAnswer, AppView, ServiceAnswer, ServiceView, TaskView
from okube.security.jointokens import JoinToken, new_secret
from okube.security.tokens import token_sha256

__all__ = ["Client", "Deleted", "Put", "Snapshot", "members_of"]

T = TypeVar("T")
Spec = ServiceSpec | ServiceView | Mapping[str, Any]
_POLL_S = 0.2


class Put(msgspec.Struct, Generic[T], frozen=True):
    """An object is new, or another than before."""

    object: T
    revision: int


class Deleted(msgspec.Struct, Generic[T], frozen=True):
    """An object is gone, or the filters let it pass no more; ``object`` is how it was last."""

    object: T
    revision: int


class Snapshot(msgspec.Struct, Generic[T], frozen=True):
    """All objects there are: forget those that you knew. Changes after ``revision`` follow."""

    objects: tuple[T, ...]
    revision: int


class Client:
    """A connection to a cluster; not for several threads at once. Close it, or use it in a ``with``.

    Methods raise the errors of ``okube.model.errors``: ``NotFound``, ``Conflict``, ``InvalidInput`` (its ``errors``
    name every field) as the cluster refuses; ``Unreachable`` and ``NoQuorum`` where nobody can serve it now;
    ``OutcomeUnknown`` where a write may or may not have happened. Lost managers and elections are waited out, for 10 s
    in reads and 30 s in writes; a write is done once, however often it is sent.

    Args:
        raw: the same client, with plain JSON.
        sleep: waits for that many seconds.
        monotonic: seconds on a clock that never jumps.
    """

    def __init__(
        self,
        raw: OkubeClient,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.raw = raw
        self._sleep = sleep
        self._monotonic = monotonic

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self.raw.close()

    @property
    def freshness(self) -> Freshness | None:
        """Of a client that reads stale: what the last answer was made of."""
        return self.raw.freshness

    # Services

    def services(self, *, app: str | None = None, labels: Mapping[str, str] | None = None) -> list[ServiceView]:
        """All services, or those of an app, or with all the labels."""
        wanted = [f"{key}={value}" for key, value in (labels or {}).items()]
        return _all(ServiceView, self.raw.services(app=app, labels=wanted))

    def service(self, name: str) -> ServiceView:
        """One service."""
        return _one(ServiceView, self.raw.service(name))

    def create(self, spec: Spec) -> ServiceAnswer:
        """Make a service; raises Conflict where the name is taken."""
        return _one(ServiceAnswer, self.raw.create_service(_plain(spec)))

    def put(self, spec: Spec, *, if_match: int | None = None) -> ServiceAnswer:
        """Make or change a service; with ``if_match`` only if it has that revision, else Conflict."""
        body = _plain(spec)
        return _one(ServiceAnswer, self.raw.put_service(str(body.get("name", "")), body, if_match=if_match))

    def apply(self, specs: Sequence[Spec], *, dry_run: bool = False, prune: bool = False) -> ApplyAnswer:
        """Make or change several services, all or none; with ``dry_run`` only say what would change.

        With ``prune`` the other services of the apps that these name are removed in the same step.
        """
        return _one(ApplyAnswer, self.raw.apply([_plain(spec) for spec in specs], dry_run=dry_run, prune=prune))

    def plan(self, specs: Sequence[Spec], *, prune: bool = False) -> PlanView:
        """Where the tasks of these services would go; nothing is changed."""
        return _one(PlanView, self.raw.plan([_plain(spec) for spec in specs], prune=prune))

    def whatif(self, *, lose: Sequence[str] = (), add: Sequence[str] = (), specs: Sequence[Spec] = ()) -> WhatIfView:
        """What would become of the cluster without these nodes, zones (``zone:b``) or managers, or with more nodes."""
        return _one(WhatIfView, self.raw.whatif(lose=lose, add=add, specs=[_plain(spec) for spec in specs]))

    def rebalance(
        self, *, dry_run: bool = False, max_moves: int | None = None, app: str | None = None
    ) -> RebalanceView:
        """Move tasks where that makes the placement better; with ``dry_run`` only say which."""
        return _one(RebalanceView, self.raw.rebalance(dry_run=dry_run, max_moves=max_moves, app=app))

    def net_cost(self, app: str) -> NetCostView:
        """What an app's placement costs in the network, and what the best one found would."""
        return _one(NetCostView, self.raw.net_cost(app))

    def scale(self, **replicas: int) -> list[ServiceView]:
        """Set how many tasks services should have: all or none. ``scale(**{"my-app": 3})`` for names with a dash."""
        return _all(ServiceView, self.raw.scale(replicas))

    def act(self, name: str, verb: Verb) -> ServiceView:
        """``restart`` (rolling), ``stop``, ``start`` or ``rollback`` a service."""
        return _one(ServiceView, self.raw.act_on_service(name, verb))

    def delete_service(self, name: str, *, if_match: int | None = None) -> None:
        """Forget a service and stop its tasks."""
        self.raw.delete_service(name, if_match=if_match)

    def wait(self, name: str, *, timeout_s: float = 60.0) -> ServiceView:
        """Return when every task that a service should have is ready, or has ended by its policy.

        How many of these have failed, and will not be tried again, is in ``update.failed`` of the answer.

        Raises:
            TimeoutError: that took too long; what was asked for stays.
        """
        until = self._monotonic() + timeout_s
        while True:
            service = self.service(name)
            if service.update.state in ("done", "stopped"):
                return service
            if self._monotonic() >= until:
                shown = f"{service.update.done} of {service.update.total} tasks are ready"
                raise TimeoutError(f"service {name}: {shown} after {timeout_s:g} s")
            self._sleep(_POLL_S)

    # Apps

    def apps(self) -> list[AppView]:
        """All apps: their services, and how many of their tasks are ready and wanted."""
        return _all(AppView, self.raw.apps())

    def app(self, name: str) -> AppView:
        """One app."""
        return _one(AppView, self.raw.app(name))

    def act_on_app(self, name: str, verb: Verb) -> list[ServiceView]:
        """Do it to all services of an app for which it makes sense: all or none; those services."""
        return _all(ServiceView, self.raw.act_on_app(name, verb))

    def delete_app(self, name: str) -> list[ServiceView]:
        """Forget all services of an app, all or none; the services as they were."""
        return _all(ServiceView, self.raw.delete_app(name))

    # Tasks

    def tasks(
        self,
        *,
        service: str | None = None,
        node: str | None = None,
        app: str | None = None,
        state: TaskState | None = None,
        ended: bool = False,
    ) -> list[TaskView]:
        """Tasks; those that have ended only with ``ended``, or where ``state`` asks for them."""
        return _all(TaskView, self.raw.tasks(service=service, node=node, app=app, state=state, ended=ended))

    def task(self, reference: str) -> TaskView:
        """One task by its id, a unique start of it, or ``SERVICE.SLOT``."""
        return _one(TaskView, self.raw.task(reference))

    def delete_task(self, reference: str) -> None:
        """End one task; its service replaces it."""
        self.raw.delete_task(reference)

    def logs(
        self, reference: str, *, follow: bool = False, tail: int | None = None, since_ms: int | None = None
    ) -> Iterator[Line]:
        """The output of one task, line by line; with ``follow`` until the task has ended."""
        return self.raw.logs(reference, follow=follow, tail=tail, since_ms=since_ms)

    # Nodes, and the cluster itself

    def nodes(self) -> list[NodeView]:
        """All nodes."""
        return _all(NodeView, self.raw.nodes())

    def node(self, name: str) -> NodeView:
        """One node."""
        return _one(NodeView, self.raw.node(name))

    def update_node(
        self,
        name: str,
        *,
        availability: Availability | None = None,
        labels: Mapping[str, str] | None = None,
        named: Mapping[str, int] | None = None,
    ) -> NodeView:
        """``active``, ``cordoned`` or ``draining`` (which empties it); all its labels, and all named resources."""
        return _one(NodeView, self.raw.update_node(name, availability=availability, labels=labels, named=named))

    def quotas(self) -> list[QuotaView]:
        """What apps and users may ask for, and what their services ask for now."""
        return _all(QuotaView, self.raw.quotas())

    def set_quota(self, kind: QuotaKind, name: str, limits: Mapping[str, object]) -> QuotaView:
        """Set all of a quota: ``cpus``, ``memory``, ``disk``, ``tasks``, ``services`` and named resources."""
        return _one(QuotaView, self.raw.set_quota(kind, name, limits))

    def remove_quota(self, kind: QuotaKind, name: str) -> QuotaView:
        """Have no such quota any more; as it was."""
        return _one(QuotaView, self.raw.remove_quota(kind, name))

    def delete_node(self, name: str, *, bar: bool = False) -> None:
        """Forget a node that is down; ``bar`` it, up or down, where its machine is not trusted any more."""
        self.raw.delete_node(name, bar=bar)

    def events(self, *, since: int | None = None, **filters: str) -> list[EventView]:
        """What happened, the newest last; ``kind``, ``level``, ``service``, ``node``, ``subject`` are filters."""
        return _all(EventView, self.raw.events(since=since, **filters))

    def secrets(self, *, app: str | None = None) -> list[SecretView]:
        """All secrets, without their values."""
        return _all(SecretView, self.raw.secrets(app=app))

    def configs(self, *, app: str | None = None) -> list[SecretView]:
        """All configs, without their values."""
        return _all(SecretView, self.raw.secrets("config", app=app))

    def create_secret(self, name: str, value: bytes, *, kind: SecretKind = "secret", app: str = "") -> SecretView:
        """A new secret or config; raises Conflict where the name is taken."""
        return _one(SecretView, self.raw.create_secret(name, value, kind, app=app))

    def rotate_secret(self, name: str, value: bytes, *, kind: SecretKind = "secret") -> SecretView:
        """Give a secret or config a new value."""
        return _one(SecretView, self.raw.rotate_secret(name, value, kind))

    def delete_secret(self, name: str, *, kind: SecretKind = "secret") -> None:
        """Forget a secret or config with all its values."""
        self.raw.delete_secret(name, kind)

    def config_value(self, name: str, *, version: int | None = None) -> bytes:
        """What a config holds; no secret is ever given back."""
        return self.raw.config_value(name, version=version)

    def status(self) -> StatusView:
        """The cluster at a glance; any living manager answers, also without a quorum."""
        return _one(StatusView, self.raw.status())

    def managers(self) -> list[ManagerView]:
        """The replicas of the control plane."""
        return _all(ManagerView, self.raw.managers())

    def save_snapshot(self) -> bytes:
        """The whole state of this moment as a file, which `okube snapshot restore` takes."""
        return self.raw.save_snapshot()

    def snapshots(self) -> list[SnapshotView]:
        """The snapshots that managers keep, each on its own machine, the newest first."""
        return _all(SnapshotView, self.raw.snapshots())

    def add_manager(self, name: str, *, address: str, raft_address: str) -> MembersView:
        """Let a manager join; it learns, then votes. Its process needs the instance that is answered."""
        return _one(MembersView, self.raw.add_manager(name, address=address, raft_address=raft_address))

    def remove_manager(self, name: str, *, instance: str | None = None) -> MembersView:
        """Have a manager no longer; it hears of it and stops."""
        return _one(MembersView, self.raw.remove_manager(name, instance=instance))

    def readdress_manager(self, name: str, *, address: str, raft_address: str) -> MembersView:
        """Have a manager reached elsewhere; it stays what it is, and listens there once it has heard of it."""
        return _one(MembersView, self.raw.readdress_manager(name, address=address, raft_address=raft_address))

    def transfer_leadership(self, to: str) -> None:
        """Have another manager lead."""
        self.raw.transfer_leadership(to)

    def join_tokens(self) -> list[JoinTokenView]:
        """The tokens with which machines join, without their secrets."""
        return _all(JoinTokenView, self.raw.join_tokens())

    def create_join_token(self, role: JoinRole, *, ttl_s: float = 3600.0, uses: int = 0) -> JoinToken:
        """A token with which ``uses`` machines (0: any number) may join; ``str()`` of it is what they are given."""
        secret = new_secret()
        made = self.raw.create_join_token(role, secret_sha256=token_sha256(secret), ttl_s=ttl_s, uses=uses)
        view = _one(JoinTokenView, made)
        return JoinToken(view.id, secret, view.ca_sha256, view.role)

    def revoke_join_token(self, token_id: str) -> None:
        """A token lets nobody in any more; machines that joined with it stay."""
        self.raw.revoke_join_token(token_id)

    def usage(self, *, service: str | None = None, node: str | None = None) -> UsageView:
        """What nodes and tasks use now, as their agents say; ``silent`` are nodes that did not answer."""
        return _one(UsageView, self.raw.usage(service=service, node=node))

    def net(self, *, node: str | None = None) -> NetView:
        """Round trips between zones and nodes in seconds, and links in bit/s; ``pairs`` are from one node."""
        return _one(NetView, self.raw.net(node=node))

    # Changes

    def follow_apps(self, **filters: str) -> Iterator[Snapshot[AppView] | Put[AppView] | Deleted[AppView]]:
        """All apps and then their changes, for ever; a new ``Snapshot`` where changes were lost."""
        return self._follow("apps", AppView, filters)

    def follow_services(
        self, **filters: str
    ) -> Iterator[Snapshot[ServiceView] | Put[ServiceView] | Deleted[ServiceView]]:
        """All services and then their changes, for ever; a new ``Snapshot`` where changes were lost."""
        return self._follow("services", ServiceView, filters)

    def follow_tasks(self, **filters: str) -> Iterator[Snapshot[TaskView] | Put[TaskView] | Deleted[TaskView]]:
        """All tasks and then their changes, for ever; a new ``Snapshot`` where changes were lost."""
        return self._follow("tasks", TaskView, filters)

    def follow_nodes(self, **filters: str) -> Iterator[Snapshot[NodeView] | Put[NodeView] | Deleted[NodeView]]:
        """All nodes and then their changes, for ever; a new ``Snapshot`` where changes were lost."""
        return self._follow("nodes", NodeView, filters)

    def follow_events(self, **filters: str) -> Iterator[Snapshot[EventView] | Put[EventView] | Deleted[EventView]]:
        """What happened lately and then what happens, for ever; a new ``Snapshot`` where something was lost."""
        return self._follow("events", EventView, filters)

    def _follow(
        self, kind: WatchKind, type_: type[T], filters: Mapping[str, str]
    ) -> Iterator[Snapshot[T] | Put[T] | Deleted[T]]:
        passed: dict[str, Any] = dict(filters)
        for found in self.raw.follow(kind, **passed):
            yield _change(type_, found)


def _change(type_: type[T], found: Listed | Change) -> Snapshot[T] | Put[T] | Deleted[T]:
    if isinstance(found, Listed):
        return Snapshot(tuple(_all(type_, found.objects)), found.revision)
    made = _one(type_, found.object)
    return Put(made, found.revision) if found.type == "put" else Deleted(made, found.revision)


def _plain(spec: Spec) -> Json:
    """A spec as JSON has it: of a struct, or of a mapping as a service file has it."""
    if isinstance(spec, Mapping):
        return dict(spec)
    made: Json = msgspec.to_builtins(spec)
    return made


def members_of(data: Json) -> MembersView:
    """What the cluster answers where its managers change. Raises ``GarbledAnswer``."""
    return _one(MembersView, data)


def _one(type_: type[T], data: Json) -> T:
    try:
        return msgspec.convert(data, type_)
    except msgspec.ValidationError as error:
        raise GarbledAnswer(
            f"the cluster answered with something that this version of the client does not know ({error}): "
            "use the client of the cluster's version, or .raw"
        ) from error


def _all(type_: type[T], data: list[Json]) -> list[T]:
    return [_one(type_, item) for item in data]
