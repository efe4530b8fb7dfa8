"""The HTTP API of the managers as methods of Python: one for each thing that can be done.

Objects are the JSON of the API as it is, decoded; its shapes are those of ``okube.model.views``.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal
from urllib.parse import quote, urlencode

import msgspec

from okube.client import logs
from okube.client import watch as watching
from okube.client.address import Address
from okube.client.answer import Answer, OpenAnswer
from okube.client.attempt import Request
from okube.client.errors import GarbledAnswer, error_of
from okube.client.retry import Caller, Patience
from okube.model.errors import NotFound, OkubeError

__all__ = ["ENDED", "READS", "WRITES", "Freshness", "Json", "OkubeClient", "Verb"]

Json = dict[str, Any]
ENDED = frozenset({"completed", "failed"})
Verb = Literal["restart", "stop", "start", "rollback"]
Scalar = str | int | bool | None
SecretKind = Literal["secret", "config"]

READS = Patience(deadline_s=10.0, refused_s=3.0)
_SNAPSHOT = Patience(deadline_s=300.0, refused_s=3.0)
WRITES = Patience(deadline_s=30.0, refused_s=5.0, last_try_s=6.0)
_PAGE = 1000


class Freshness(msgspec.Struct, frozen=True):
    """What a stale read was made of: one manager's state at a revision, and how old it may be (None: not known)."""

    manager: str
    revision: int | None
    age_s: float | None


class OkubeClient:
    """One user's connection to a cluster; not for several threads at once.

    Every method raises the errors of ``okube.model.errors``: what the cluster refuses as it says (``NotFound``,
    ``Conflict``, ``InvalidInput``, ...), ``Unreachable`` and ``NoQuorum`` where nobody can serve it now, and
    ``OutcomeUnknown`` where a write may or may not have happened.

    Args:
        caller: sends requests to whichever manager serves them.
        stale: have reads answered by any living manager as it knows them, without asking the leader.
        reads: how long a read may take.
        writes: how long a write may take.
        new_key: makes idempotency keys: a new one for each write, kept over its retries.
        sleep: waits for that many seconds.
        while_waiting: is entered around each call that may take its whole time.
    """

    def __init__(
        self,
        caller: Caller,
        *,
        stale: bool = False,
        reads: Patience = READS,
        writes: Patience = WRITES,
        new_key: Callable[[], str] = lambda: os.urandom(16).hex(),
        sleep: Callable[[float], None] = time.sleep,
        while_waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.caller = caller
        self.stale = stale
        self.freshness: Freshness | None = None
        self._reads = reads
        self._hurry_s: float | None = None
        self._writes = writes
        self._new_key = new_key
        self._sleep = sleep
        self._while_waiting = while_waiting

    def hurry(self, seconds: float | None) -> None:
        """Let no read take longer than this, for a caller who has little time left; None ends that."""
        self._hurry_s = seconds

    def close(self) -> None:
        """End the connection."""
        self.caller.close()

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
            target = _target(base, [("follow", follow or None), *shown.items()])
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
        if_match: int | None = None,
    ) -> Json:
        """Change what people decide about a node: ``active``, ``cordoned`` or ``draining``, all labels, its address."""
        change = {
            "availability": availability,
            "labels": None if labels is None else dict(labels),
            "address": address,
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

    def events(self, *, since: int | None = None, **filters: Scalar | Sequence[str]) -> list[Json]:
        """What happened, the newest last; ``kind``, ``level``, ``service``, ``node``, ``subject`` are filters."""
        return self._list("/v1/events", [("since", since), *_filters(filters)])

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
            target = _target(f"/v1/{kind}", [("watch", True), ("since", after), *_filters(filters)])
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
            return watching.Listed(*self._pages(f"/v1/{kind}", _filters(filters)))

        return watching.watch_from_list(
            read, lambda since: self.watch(kind, since=since, on_trouble=on_trouble, **filters)
        )

    def secrets(self, kind: SecretKind = "secret", *, app: str | None = None, labels: Sequence[str] = ()) -> list[Json]:
        """All secrets, or all configs, without their values."""
        return self._list(f"/v1/{kind}s", [("app", app), *(("label", label) for label in labels)])

    def secret(self, name: str, kind: SecretKind = "secret") -> Json:
        """One secret or config, without its value."""
        return self._object(self._read(_of_secret(kind, name)))

    def create_secret(
        self,
        name: str,
        value: bytes,
        kind: SecretKind = "secret",
        *,
        app: str = "",
        labels: Mapping[str, str] | None = None,
    ) -> Json:
        """A new secret or config; raises Conflict where the name is taken."""
        body = {"name": name, "value": value, "app": app, "labels": dict(labels or {})}
        return self._object(self._write("POST", f"/v1/{kind}s", body))

    def rotate_secret(
        self, name: str, value: bytes, kind: SecretKind = "secret", *, if_match: int | None = None
    ) -> Json:
        """Give a secret or config a new value."""
        return self._object(
            self._write("POST", f"{_of_secret(kind, name)}/rotate", {"value": value}, if_match=if_match)
        )

    def delete_secret(self, name: str, kind: SecretKind = "secret", *, if_match: int | None = None) -> Json:
        """Forget a secret or config with all its values; as it was."""
        return self._object(self._write("DELETE", _of_secret(kind, name), if_match=if_match))

    def config_value(self, name: str, *, version: int | None = None) -> bytes:
        """What a config holds."""
        return self._read(f"{_of_secret('config', name)}/value", [("version", version)]).body

    def keyring(self) -> Json:
        """The keys that seal secrets, by their ids: ``{unlock_key, autolock, keys}``."""
        return self._object(self._read("/v1/keyring"))

    def rotate_keyring(self) -> Json:
        """A new data key, with which everything is sealed anew."""
        return self._object(self._write("POST", "/v1/keyring/rotate"))

    def rotate_unlock_key(self, key: str, *, autolock: bool | None = None) -> Json:
        """Another unlock key; ``autolock``: whether managers lock themselves from here on (None: as it is)."""
        return self._object(self._write("POST", "/v1/keyring/unlock-key", {"autolock": autolock, "key": key}))

    def reset_keyring(self, unlock_key: str) -> Json:
        """Give up secrets and configs, where the unlock key of that id is lost."""
        return self._object(self._write("POST", "/v1/keyring/reset", {"unlock_key": unlock_key}))

    def unlock_key(self) -> Json:
        """The unlock key itself: ``{id, key}``."""
        return self._object(self._read("/v1/keyring/unlock-key"))

    def unlock(self, key: str) -> Json:
        """Give managers the unlock key: ``{unlocked, missing}``, names of managers."""
        return self._object(self._write("POST", "/v1/unlock", {"key": key}))

    def managers(self) -> list[Json]:
        """The replicas of the control plane."""
        return self._objects(self._read("/v1/managers"))

    def add_manager(self, name: str, *, address: str, raft_address: str) -> Json:
        """Let a manager join: ``{index, members}``, with the instance that it must have."""
        body = {"name": name, "address": address, "raft_address": raft_address}
        return self._object(self._write("POST", "/v1/managers", body))

    def remove_manager(self, name: str, *, instance: str | None = None) -> Json:
        """Have a manager no longer: ``{index, members}``; with ``instance``, no error where that one is gone."""
        query = urlencode({"instance": instance}) if instance else ""
        return self._object(self._write("DELETE", f"/v1/managers/{quote(name, safe='')}{'?' if query else ''}{query}"))

    def readdress_manager(self, name: str, *, address: str, raft_address: str) -> Json:
        """Have a manager reached elsewhere: ``{index, members}``; it listens there once it has heard of it."""
        body = {"address": address, "raft_address": raft_address}
        return self._object(self._write("PATCH", f"/v1/managers/{quote(name, safe='')}", body))

    def transfer_leadership(self, to: str) -> None:
        """Have another manager lead."""
        self._write("POST", "/v1/managers/transfer", {"to": to})

    def join_tokens(self) -> list[Json]:
        """The join tokens, without their secrets."""
        return self._objects(self._read("/v1/tokens"))

    def create_join_token(self, role: str, *, secret_sha256: str, ttl_s: float, uses: int = 0) -> Json:
        """A token with which ``uses`` machines (0: any number) may join; its secret stays with whoever has drawn it."""
        body = {"role": role, "secret_sha256": secret_sha256, "ttl_s": ttl_s, "uses": uses}
        return self._object(self._write("POST", "/v1/tokens", body))

    def revoke_join_token(self, token_id: str) -> Json:
        """A token lets nobody in any more."""
        return self._object(self._write("DELETE", f"/v1/tokens/{quote(token_id, safe='')}"))

    def users(self) -> list[Json]:
        """All users, by name."""
        return self._list("/v1/users", [])

    def create_user(
        self, name: str, *, role: str, token_sha256: str, apps: Sequence[str] = (), expires_ms: int | None = None
    ) -> Json:
        """A new user: ``viewer``, ``operator`` or ``admin``, of some apps or (none named) the whole cluster.

        The token stays with whoever has drawn it; its SHA-256 makes it good, until ``expires_ms`` (since 1970, UTC).
        """
        body = {"name": name, "role": role, "apps": list(apps), "token_sha256": token_sha256, "expires_ms": expires_ms}
        return self._object(self._write("POST", "/v1/users", body))

    def change_user(self, name: str, *, role: str | None = None, apps: Sequence[str] | None = None) -> Json:
        """Change what a user may do; None leaves a thing as it is, no apps are all."""
        change = {"role": role, "apps": None if apps is None else list(apps)}
        body = {key: value for key, value in change.items() if value is not None}
        return self._object(self._write("PATCH", f"/v1/users/{quote(name, safe='')}", body))

    def rotate_user(self, name: str, *, token_sha256: str, expires_ms: int | None = None) -> Json:
        """Give a user another token; the one before is worth nothing from then on."""
        body = {"token_sha256": token_sha256, "expires_ms": expires_ms}
        return self._object(self._write("POST", f"/v1/users/{quote(name, safe='')}/rotate", body))

    def remove_user(self, name: str) -> Json:
        """Forget a user: what they have is worth nothing from then on."""
        return self._object(self._write("DELETE", f"/v1/users/{quote(name, safe='')}"))

    def audit(
        self,
        *,
        user: str | None = None,
        action: str | None = None,
        result: str | None = None,
        since_ms: int | None = None,
        limit: int | None = None,
    ) -> Json:
        """Who did what: ``{records, silent}``, the oldest record first; ``silent`` managers did not answer."""
        query = [("user", user), ("action", action), ("result", result), ("since", since_ms), ("limit", limit)]
        return self._object(self._read("/v1/audit", query))

    def certify(self, csr: str) -> Json:
        """A certificate for the caller, a user, of the key of a request: ``{certificate, ca, expires_at}``."""
        return self._object(self._write("POST", "/v1/self/certificate", {"csr": csr}))

    def who_am_i(self) -> Json:
        """Who the caller is: name, role, apps (none: all)."""
        return self._object(self._read("/v1/self"))

    def authorities(self) -> Json:
        """The cluster's CAs, and how far a change of them is."""
        return self._object(self._read("/v1/cluster/ca"))

    def change_ca(self, action: str, *, force: bool = False) -> Json:
        """``begin``, ``proceed``, ``finish`` or ``give-up`` another CA."""
        return self._object(self._write("POST", "/v1/cluster/ca", {"action": action, "force": force}))

    def status(self) -> Json:
        """The cluster at a glance; any living manager answers, also without quorum."""
        return self._object(self._read("/v1/status"))

    def save_snapshot(self) -> bytes:
        """The whole state of this moment as a file (``okube.model.archive``)."""
        target = _target("/v1/snapshot", [("stale", self.stale or None)])
        with self._while_waiting():
            answer = self.caller.call(Request("GET", target), _SNAPSHOT)
        if answer.status >= 400:
            raise error_of(answer.status, answer.body)
        return answer.body

    def snapshots(self) -> list[Json]:
        """The snapshots that managers keep, the newest first; any living manager answers."""
        return self._objects(self._read("/v1/snapshots"))

    def survivors(self) -> list[Json]:
        """Every manager and what it has, as any living one sees it; needs no quorum."""
        return self._objects(self._read("/v1/recovery"))

    def recover(self, survivor: Json, *, prepare: bool) -> Json:
        """Have one of ``survivors`` go on alone, or only save a copy of what it has: ``{name, copy, incarnation}``."""
        order = {key: survivor[key] for key in ("name", "instance", "last_term", "last_index")}
        return self._object(self._write("POST", "/v1/recovery", {**order, "prepare": prepare}))

    def usage(self, *, service: str | None = None, node: str | None = None) -> Json:
        """What nodes and tasks use now: ``{nodes, tasks, silent}``, the last being nodes that did not answer."""
        return self._object(self._read("/v1/usage", [("service", service), ("node", node)]))

    def rows(self, path: str, query: Sequence[tuple[str, Scalar]] = ()) -> list[Json]:
        """All pages of any list of the API, with the filters that it takes."""
        return self._list(path, query)

    def _list(self, path: str, query: Sequence[tuple[str, Scalar]]) -> list[Json]:
        return self._pages(path, query)[0]

    def _pages(self, path: str, query: Sequence[tuple[str, Scalar]]) -> tuple[list[Json], int]:
        """All pages of a list, and the revision of the first: later ones may hold what is newer."""
        found: list[Json] = []
        revision = 0
        token: str | None = None
        while True:
            answer = self._read(path, [*query, ("limit", _PAGE), ("continue", token)])
            if token is None:
                revision = _revision(answer) or 0
            found += self._objects(answer)
            token = answer.headers.get("okube-continue")
            if not token:
                return found, revision

    def _read(self, path: str, query: Sequence[tuple[str, Scalar]] = ()) -> Answer:
        target = _target(path, [*query, ("stale", self.stale or None)])
        with self._while_waiting() if self._hurry_s is None else nullcontext():
            answer = self.caller.call(Request("GET", target), self._patience())
        if answer.status >= 400:
            raise error_of(answer.status, answer.body)
        if self.stale:
            self.freshness = _freshness(answer)
        return answer

    def _patience(self) -> Patience:
        if self._hurry_s is None:
            return self._reads
        return Patience(min(self._reads.deadline_s, self._hurry_s), min(self._reads.refused_s, self._hurry_s))

    def _write(
        self, method: str, path: str, body: object = None, *, if_match: int | None = None, key: str | None = None
    ) -> Answer:
        headers = [("Idempotency-Key", key or self._new_key())]
        if if_match is not None:
            headers.append(("If-Match", str(if_match)))
        encoded = b""
        if body is not None:
            headers.append(("Content-Type", "application/json"))
            encoded = msgspec.json.encode(body)
        with self._while_waiting():
            answer = self.caller.call(Request(method, path, tuple(headers), encoded), self._writes)
        if answer.status >= 400:
            raise error_of(answer.status, answer.body)
        return answer

    def _object(self, answer: Answer) -> Json:
        data = answer.json()
        if not isinstance(data, dict):
            raise _unexpected(answer)
        return data

    def _objects(self, answer: Answer) -> list[Json]:
        data = answer.json()
        if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
            raise _unexpected(answer)
        return data


def _of_secret(kind: SecretKind, name: str) -> str:
    return f"/v1/{kind}s/{quote(name, safe='')}"


def _target(path: str, query: Sequence[tuple[str, Scalar]]) -> str:
    given = [(key, "true" if value is True else str(value)) for key, value in query if value is not None]
    return f"{path}?{urlencode(given)}" if given else path


def _filters(given: Mapping[str, Scalar | Sequence[str]]) -> list[tuple[str, Scalar]]:
    """One pair for each value of each filter."""
    pairs: list[tuple[str, Scalar]] = []
    for name, value in given.items():
        if isinstance(value, str | int | bool) or value is None:
            pairs.append((name, value))
        else:
            pairs += [(name, one) for one in value]
    return pairs


def _revision(answer: Answer) -> int | None:
    text = answer.headers.get("okube-revision", "")
    return int(text) if text.isdigit() else None


def _freshness(answer: Answer) -> Freshness:
    age = answer.headers.get("okube-age", "")
    try:
        age_s = float(age)
    except ValueError:
        age_s = None
    return Freshness(str(answer.manager), _revision(answer), age_s)


def _unexpected(answer: Answer) -> GarbledAnswer:
    return GarbledAnswer(
        f"{answer.manager} answered {answer.status} with something that this version of Okube does not know; "
        "is it a manager of Okube, and of the same version?"
    )
