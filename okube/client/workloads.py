"""What runs and where: services, apps, tasks, nodes, what happened to them, and their changes as they come."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

from okube.client import logs
from okube.client import watch as watching
from okube.client.address import Address
from okube.client.answer import OpenAnswer
from okube.client.attempt import Request
from okube.client.calls import Calls, Json, Scalar, pairs_of, target_of
from okube.client.errors import error_of
from okube.model.errors import NotFound, OkubeError

__all__ = ["ENDED", "Verb", "Workloads"]

ENDED = frozenset({"completed", "failed"})
Verb = Literal["restart", "stop", "start", "rollback"]


class Workloads(Calls):
    """The calls for what people run."""

    def services(self, *, app: str | None = None, labels: Sequence[str] = ()) -> list[Json]:
        """All services, or those of an app, or with all the labels (each ``key=value``)."""
        return self._list("/v1/services", [("app", app), *(("label", label) for label in labels)])

    def service(self, name: str) -> Json:
        """One service."""
        return self._object(self._read(f"/v1/services/{quote(name, safe='')}"))

    def versions(self, name: str) -> list[Json]:
        """The versions of a service that are kept, the current one last: ``{version, current, spec}``."""
        return self._objects(self._read(f"/v1/services/{quote(name, safe='')}/versions"))

    def create_service(self, spec: Json, *, key: str | None = None) -> Json:
        """A new service; raises Conflict where the name is taken.

        ``key`` is the Idempotency-Key under which the same was asked for before, if it was.
        """
        return self._object(self._write("POST", "/v1/services", spec, key=key))

    def put_service(self, name: str, spec: Json, *, if_match: int | None = None) -> Json:
        """Change a service to ``spec``."""
        return self._object(self._write("PUT", f"/v1/services/{quote(name, safe='')}", spec, if_match=if_match))

    def delete_service(self, name: str, *, if_match: int | None = None) -> None:
        """Forget a service; its tasks are stopped."""
        self._write("DELETE", f"/v1/services/{quote(name, safe='')}", if_match=if_match)

    def act_on_service(self, name: str, verb: Verb) -> Json:
        """``stop``, ``start``, ``restart`` (rolling) or ``rollback`` (to the version before)."""
        return self._object(self._write("POST", f"/v1/services/{quote(name, safe='')}/{verb}"))

    def scale(self, replicas: Mapping[str, int]) -> list[Json]:
        """Set how many tasks services should have: all or none."""
        return self._objects(self._write("POST", "/v1/scale", {"services": dict(replicas)}))

    def apply(self, specs: Sequence[Json], *, dry_run: bool = False, prune: bool = False) -> Json:
        """Make or change services, all or none: ``{revision, services: [{name, action}]}``.

        With ``prune`` the other services of the apps that these name are removed in the same step.
        """
        flags = "&".join(f"{name}=true" for name, given in (("dry_run", dry_run), ("prune", prune)) if given)
        path = f"/v1/apply?{flags}" if flags else "/v1/apply"
        return self._object(self._write("POST", path, {"services": list(specs)}))

    def tasks(
        self,
        *,
        service: str | None = None,
        node: str | None = None,
        state: str | None = None,
        app: str | None = None,
        ended: bool = False,
    ) -> list[Json]:
        """Tasks; those that have ended only with ``ended``, or where ``state`` asks for them."""
        query = [("service", service), ("node", node), ("state", state), ("app", app), ("all", ended or None)]
        return self._list("/v1/tasks", query)

    def task(self, reference: str) -> Json:
        """One task by its id, a unique prefix of it, or ``SERVICE.SLOT``."""
        return self._object(self._read(f"/v1/tasks/{quote(reference, safe='')}"))

    def placement(self, reference: str) -> Json:
        """How the nodes stand for a task now: ``{fitting, fallen, standings, …}``."""
        return self._object(self._read(f"/v1/tasks/{quote(reference, safe='')}/placement"))

    def delete_task(self, reference: str) -> None:
        """End one task; its service replaces it."""
        self._write("DELETE", f"/v1/tasks/{quote(reference, safe='')}")

    def logs(
        self, reference: str, *, follow: bool = False, tail: int | None = None, since_ms: int | None = None
    ) -> Iterator[logs.Line]:
        """The log of one task; with ``follow`` until the task has ended and its log with it."""
        base = f"/v1/tasks/{quote(reference, safe='')}/logs"

        def open_since(again_ms: int | None) -> OpenAnswer:
            shown = {"tail": tail, "since": since_ms} if again_ms is None else {"tail": None, "since": again_ms}
            target = target_of(base, [("follow", follow or None), *shown.items()])
            answer = self.caller.open(Request("GET", target), self._reads)
            if answer.status < 400:
                return answer
            try:
                raise error_of(answer.status, answer.read(lambda: self._reads.deadline_s).body)
            finally:
                answer.close()

        def has_ended() -> bool:
            try:
                return self.task(reference).get("state") in ENDED
            except NotFound:
                return True

        if follow:
            return logs.follow(open_since, has_ended=has_ended, lives=self.caller.lives, sleep=self._sleep)
        return logs.follow(open_since, has_ended=lambda: True, lives=self.caller.lives, sleep=self._sleep, endured=())

    def nodes(self) -> list[Json]:
        """All nodes."""
        return self._list("/v1/nodes", [])

    def node(self, name: str) -> Json:
        """One node."""
        return self._object(self._read(f"/v1/nodes/{quote(name, safe='')}"))

    def update_node(
        self,
        name: str,
        *,
        availability: str | None = None,
        labels: Mapping[str, str] | None = None,
        address: str | None = None,
        named: Mapping[str, int] | None = None,
        if_match: int | None = None,
    ) -> Json:
        """Change what people decide about a node: ``active``, ``cordoned`` or ``draining``, all labels, its address.

        ``named`` are all named resources that it offers, whatever its agent says of them.
        """
        change = {
            "availability": availability,
            "labels": None if labels is None else dict(labels),
            "address": address,
            "named": None if named is None else dict(named),
        }
        body = {key: value for key, value in change.items() if value is not None}
        return self._object(self._write("PATCH", f"/v1/nodes/{quote(name, safe='')}", body, if_match=if_match))

    def delete_node(self, name: str, *, bar: bool = False) -> None:
        """Forget a node that is down; ``bar`` it, up or down, where its machine is not trusted any more."""
        self._write("DELETE", f"/v1/nodes/{quote(name, safe='')}" + ("?bar=true" if bar else ""))

    def apps(self) -> list[Json]:
        """All apps: their services, how many of their tasks are ready and wanted, and their state."""
        return self._list("/v1/apps", [])

    def app(self, name: str) -> Json:
        """One app."""
        return self._object(self._read(f"/v1/apps/{quote(name, safe='')}"))

    def act_on_app(self, name: str, verb: Verb) -> list[Json]:
        """Do it to all services of an app for which it makes sense: all or none; those services."""
        return self._objects(self._write("POST", f"/v1/apps/{quote(name, safe='')}/{verb}"))

    def delete_app(self, name: str) -> list[Json]:
        """Forget all services of an app, all or none; their tasks are stopped. The services as they were."""
        return self._objects(self._write("DELETE", f"/v1/apps/{quote(name, safe='')}"))

    def usage(self, *, service: str | None = None, node: str | None = None) -> Json:
        """What nodes and tasks use now: ``{nodes, tasks, silent}``, the last being nodes that did not answer."""
        return self._object(self._read("/v1/usage", [("service", service), ("node", node)]))

    def net(self, *, node: str | None = None) -> Json:
        """The network: ``{zones, nodes, pairs}``, the last from one node, where one is named; seconds and bit/s."""
        return self._object(self._read("/v1/net", [("node", node)]))

    def net_links(self) -> list[Json]:
        """What links carry in bit/s, and what tasks have reserved on them."""
        found: list[Json] = self._object(self._read("/v1/net/links"))["links"]
        return found

    def topology(self) -> Json:
        """What is declared of the network: ``{regions, zones, racks}``, each only where something is said of it."""
        return self._object(self._read("/v1/net/topology"))

    def set_topology(self, declared: Mapping[str, Any]) -> Json:
        """Declare this instead; latencies and bandwidths may be written as in cluster.yaml."""
        return self._object(self._write("PUT", "/v1/net/topology", dict(declared)))

    def events(self, *, since: int | None = None, **filters: Scalar | Sequence[str]) -> list[Json]:
        """What happened, the newest last; ``kind``, ``level``, ``service``, ``node``, ``subject`` are filters."""
        return self._list("/v1/events", [("since", since), *pairs_of(filters)])

    def watch(
        self,
        kind: watching.WatchKind,
        *,
        since: int | None = None,
        on_trouble: Callable[[OkubeError | None], None] = lambda _: None,
        **filters: Scalar | Sequence[str],
    ) -> Iterator[watching.Change]:
        """The changes of one kind of thing after revision ``since`` (None: from now on), for ever.

        It goes on at other managers where one is lost, without a gap and without a repeat. ``filters`` are those of
        the list; what they do not let pass any more is deleted.

        Args:
            kind: what to watch.
            since: a revision: of a list, or of a change that was read before.
            on_trouble: called with what stands in the way while nothing can be heard, and with None when it is over.
            filters: as the list takes them, such as ``service="web"`` or ``label=["team=a"]``.

        Raises:
            Gone: the changes are not kept any more; begin anew from a list (``follow`` does).
        """

        def open_since(after: int | None, without: frozenset[Address]) -> OpenAnswer:
            target = target_of(f"/v1/{kind}", [("watch", True), ("since", after), *pairs_of(filters)])
            answer = self.caller.open(Request("GET", target), self._patience(), without=without)
            if answer.status < 400 or answer.status == 410:
                return answer
            try:
                raise error_of(answer.status, answer.read(lambda: self._reads.deadline_s).body)
            finally:
                answer.close()

        managers = frozenset(self.caller.managers)
        return watching.watch(open_since, since, managers=managers, sleep=self._sleep, on_trouble=on_trouble)

    def follow(
        self,
        kind: watching.WatchKind,
        *,
        on_trouble: Callable[[OkubeError | None], None] = lambda _: None,
        **filters: Scalar | Sequence[str],
    ) -> Iterator[watching.Listed | watching.Change]:
        """A list and then its changes, for ever; another list in its place where the changes were lost.

        Args:
            kind: what to watch.
            on_trouble: as ``watch`` takes it.
            filters: those of the list.
        """

        def read() -> watching.Listed:
            return watching.Listed(*self._pages(f"/v1/{kind}", pairs_of(filters)))

        return watching.watch_from_list(
            read, lambda since: self.watch(kind, since=since, on_trouble=on_trouble, **filters)
        )

    def rows(self, path: str, query: Sequence[tuple[str, Scalar]] = ()) -> list[Json]:
        """All pages of any list of the API, with the filters that it takes."""
        return self._list(path, query)
