"""Watch streams over failovers, and compare-and-set by many writers at once, at real managers."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from okube.client.address import parse_address
from okube.client.api import OkubeClient
from okube.client.credentials import find_credentials
from okube.client.retry import Caller, Patience
from okube.client.watch import KINDS, Change, WatchKind, key_of
from okube.model.errors import Conflict, OkubeError
from tests.lab.cluster import Cluster

_ROUNDS = int(os.environ.get("OKUBE_COMPARE_ROUNDS", "50"))  # `make soak` plays a thousand
_WRITERS = 8
_SLEEPER = {"image": "host", "command": ["sleep", "100000"], "stop": {"grace": "1s"}}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("watch"), runtime="process", workers=2, node_down_after="12s")
    try:
        made.up()
        yield made
    finally:
        made.destroy()


Connect = Callable[..., OkubeClient]


@pytest.fixture
def connect(cluster: Cluster) -> Iterator[Connect]:
    """Makes clients that know some managers, in that order, or all; closes them at the test's end."""
    with ExitStack() as stack:

        def connect(*managers: str, patience: Patience | None = None) -> OkubeClient:
            described = {m["name"]: f"https://{m['host']}:{m['port']}" for m in cluster.described["managers"]}
            addresses = tuple(parse_address(described[name]) for name in managers or described)
            caller = Caller(addresses, find_credentials(cluster.data_dir / "admin"))
            stack.callback(caller.close)
            return OkubeClient(caller) if patience is None else OkubeClient(caller, reads=patience)

        yield connect


class Reader(threading.Thread):
    """Notes the changes of one kind until it is told to stop; then it takes one more."""

    def __init__(self, kind: WatchKind, read: Callable[["Reader"], None]) -> None:
        super().__init__(name=f"reads {kind}", daemon=True)
        self.kind = kind
        self.changes: list[Change] = []
        self.cuts = 0
        self.stopping = threading.Event()
        self.error: BaseException | None = None
        self._read = read

    def run(self) -> None:
        try:
            self._read(self)
        except BaseException as error:  # the test looks at it
            self.error = error

    def added_up(self, before: dict[str, Any]) -> dict[str, Any]:
        """What there is, by what was there before and what was read since."""
        found = dict(before)
        for change in list(self.changes):
            if change.type == "put":
                found[key_of(self.kind, change.object)] = change.object
            else:
                found.pop(key_of(self.kind, change.object), None)
        return found


def _uncut(client: OkubeClient, since: int) -> Callable[[Reader], None]:
    """One stream for as long as its manager lives, and then on at another."""

    def read(reader: Reader) -> None:
        for change in client.watch(reader.kind, since=since, **_filters(reader.kind)):
            reader.changes.append(change)
            if reader.stopping.is_set():
                return

    return read


def _cut_after_every_line(clients: list[OkubeClient], since: int) -> Callable[[Reader], None]:
    """A new stream for each line, at the next manager that serves."""

    def read(reader: Reader) -> None:
        at = since
        while not reader.stopping.is_set():
            reader.cuts += 1
            changes = clients[reader.cuts % len(clients)].watch(reader.kind, since=at, **_filters(reader.kind))
            try:
                change = next(changes)
            except OkubeError:
                continue  # that one is down, or has no leader; the next will do
            finally:
                changes.close()  # type: ignore[attr-defined]  # it is a generator
            reader.changes.append(change)
            at = change.revision

    return read


def _filters(kind: WatchKind) -> dict[str, Any]:
    return {"all": True} if kind == "tasks" else {}


def _listed(client: OkubeClient, kind: WatchKind) -> dict[str, Any]:
    found = client._list(f"/v1/{kind}", list(_filters(kind).items()))
    if kind == "nodes":  # when a node was seen is in the leader's memory, and in no stream
        found = [{**node, "last_seen": None, "certificate_ends": None} for node in found]
    return {key_of(kind, one): one for one in found}


def test_a_watch_cut_after_every_line_over_three_failovers_is_the_uncut_one_and_the_lists_say_the_same(
    cluster: Cluster, connect: Connect
) -> None:
    client = connect()
    patience = Patience(deadline_s=2.0, refused_s=0.1)
    since = client.status()["revision"]
    before = {kind: _listed(client, kind) for kind in KINDS}
    uncut = [Reader(kind, _uncut(connect(), since)) for kind in KINDS]
    cut = [
        Reader(kind, _cut_after_every_line([connect(name, patience=patience) for name in cluster.managers], since))
        for kind in KINDS
    ]
    for reader in (*uncut, *cut):
        reader.start()
    for number in range(3):
        _change_things(client, number)
        cluster.kill(cluster.leader())
        _change_things(client, number + 10)
        cluster.up()
    client.apply([{**_SLEEPER, "name": "web", "app": "shop", "replicas": 2}])
    cluster.wait(lambda: len(cluster.ready("web")) == 2, "all is as it should be")

    def agree() -> bool:
        now = {kind: _listed(client, kind) for kind in KINDS}
        return all(reader.added_up(before[reader.kind]) == now[reader.kind] for reader in (*uncut, *cut))

    cluster.wait(agree, "what was read adds up to what the lists say")
    for reader in (*uncut, *cut):
        reader.stopping.set()
    client.apply([{**_SLEEPER, "name": "the-end", "app": "shop", "replicas": 1}])  # a line of every kind
    for reader in (*uncut, *cut):
        reader.join(60)
        assert not reader.is_alive(), reader
        assert reader.error is None, reader.error
    for whole, pieces in zip(uncut, cut, strict=True):
        length = min(len(whole.changes), len(pieces.changes))
        assert length > 5
        assert pieces.changes[:length] == whole.changes[:length]
        for name in cluster.managers:
            assert _replay(connect(name), whole.kind, since, length) == whole.changes[:length], name
        print(f"{whole.kind}: {length} lines, {pieces.cuts} streams")
    client.delete_app("shop")


def _replay(client: OkubeClient, kind: WatchKind, since: int, count: int) -> list[Change]:
    """What a manager streams to somebody who comes late."""
    changes = client.watch(kind, since=since, **_filters(kind))
    try:
        return [next(changes) for _ in range(count)]
    finally:
        changes.close()  # type: ignore[attr-defined]  # it is a generator


def _change_things(client: OkubeClient, number: int) -> None:
    """Something of every kind; a client lives through the loss of the leader by itself."""
    client.apply([{**_SLEEPER, "name": "web", "app": "shop", "replicas": 1 + number % 3, "env": {"N": str(number)}}])
    client.apply([{**_SLEEPER, "name": f"brief-{number}", "app": "brief", "replicas": 1}])
    client.update_node("w1", availability="cordoned")
    client.scale({"web": 2})
    client.act_on_service("web", "restart")
    client.update_node("w1", availability="active")
    client.delete_app("brief")


def test_of_many_writers_with_one_revision_exactly_one_wins(cluster: Cluster, connect: Connect) -> None:
    client = connect()
    spec = {"name": "prize", "image": "host", "replicas": 0}
    revision = client.create_service(spec)["revision"]
    writers = [connect(cluster.managers[n % len(cluster.managers)]) for n in range(_WRITERS)]
    outcomes: list[str] = [""] * _WRITERS
    starting = threading.Barrier(_WRITERS + 1)
    ended = threading.Barrier(_WRITERS + 1)
    wanted = [revision]

    def write(number: int) -> None:
        for round_ in range(_ROUNDS):
            starting.wait(60)
            body = {**spec, "env": {"WINNER": f"{round_}-{number}"}}
            try:
                writers[number].put_service("prize", body, if_match=wanted[0])
                outcomes[number] = "won"
            except Conflict:
                outcomes[number] = "lost"
            except OkubeError as error:
                outcomes[number] = f"{type(error).__name__}: {error}"
            ended.wait(60)

    threads = [threading.Thread(target=write, args=(number,), daemon=True) for number in range(_WRITERS)]
    for thread in threads:
        thread.start()
    for round_ in range(_ROUNDS):
        starting.wait(60)
        ended.wait(60)
        assert sorted(outcomes) == ["lost"] * (_WRITERS - 1) + ["won"], (round_, outcomes)
        service = client.service("prize")
        assert service["env"] == {"WINNER": f"{round_}-{outcomes.index('won')}"}
        assert service["revision"] > wanted[0]
        wanted[0] = service["revision"]
    for thread in threads:
        thread.join(60)
    assert client.service("prize")["version"] == 1 + _ROUNDS
    client.delete_service("prize")


def test_a_manager_that_is_told_to_stop_ends_its_streams_and_their_readers_go_on_elsewhere(
    cluster: Cluster, connect: Connect
) -> None:
    client = connect()
    leader = cluster.leader()
    leaving = next(name for name in cluster.managers if name != leader)
    reading = connect(leaving, *(name for name in cluster.managers if name != leaving))
    since = client.status()["revision"]
    client.create_service({"name": "before", "image": "host", "replicas": 0})
    changes = reading.watch("services", since=since)
    assert next(changes).object["name"] == "before"
    cluster.signal(leaving, signal.SIGTERM)
    cluster.wait(lambda: cluster.pid(leaving) is None, f"{leaving} has ended", seconds=20)
    client.create_service({"name": "after", "image": "host", "replicas": 0})
    assert next(changes).object["name"] == "after"
    changes.close()  # type: ignore[attr-defined]  # it is a generator
    cluster.up()
    client.delete_service("before")
    client.delete_service("after")
