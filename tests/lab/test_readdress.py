"""Machines get other addresses: all of 127.0.0.0/8 is this machine's, so it can have as many as a test wants."""

import signal
from collections.abc import Iterator

import pytest

from okube.security.seed import read_seed
from tests.lab.cluster import Cluster


class Moving(Cluster):
    """A cluster that is asked where its parts are."""

    def addresses(self) -> dict[str, str]:
        """Of managers that answer there, and of nodes whose agents do."""
        found = {row["name"]: row["address"] for row in self.json("managers") if row["state"] == "ready"}
        return found | {row["name"]: row["address"] for row in self.json("nodes") if row["state"] == "ready"}

    def address_in_file(self, name: str) -> str:
        """As cluster.yaml has it."""
        both = [*self.described["managers"], *self.described["workers"]]
        return next(f"{each['host']}:{each['port']}" for each in both if each["name"] == name)

    def port(self, name: str) -> str:
        """It stays."""
        return self.address_in_file(name).rpartition(":")[2]

    def containers(self) -> set[str]:
        """Each task's own."""
        return {task["container_id"] for task in self.ready("kept")}

    def stop(self, *names: str) -> None:
        """End them in order."""
        for name in names:
            self.signal(name, signal.SIGTERM)
        self.wait(lambda: all(self.pid(name) is None for name in names), f"{names} are gone")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moving]:
    made = Moving(tmp_path_factory.mktemp("moving"), runtime="process", workers=1)
    try:
        made.up()
        made.ok("run", "--name", "kept", "--replicas", "2", "--image", "host", "--", "sleep", "100000")
        yield made
    finally:
        made.destroy()


def test_machines_get_other_addresses_and_nothing_joins_anew_and_nothing_is_lost(cluster: Moving) -> None:
    before, instances = cluster.containers(), {row["name"]: row["instance"] for row in cluster.json("managers")}
    cluster.ok("nodes", "readdress", "w1=127.0.1.4")
    cluster.ok("managers", "readdress", "m1=127.0.1.1", "m2=127.0.1.2", "m3=127.0.1.3")  # the leader among them
    moved = {name: f"127.0.1.{name[1]}:{cluster.port(name)}" for name in cluster.managers}
    moved["w1"] = f"127.0.1.4:{cluster.port('w1')}"
    assert cluster.addresses() == moved
    assert cluster.containers() == before

    cluster.stop("w1", "m2")  # who starts again is where it was last, and not where its file says
    again = cluster.ok("up", "-d")
    assert "the cluster's address holds" in again.out + again.err
    cluster.wait(lambda: cluster.addresses() == moved, "all are where they moved to")

    cluster.stop(*cluster.managers)  # and now all at once, so that nobody finds anybody
    cluster.ok("managers", "readdress", "m1=127.0.2.1", "m2=127.0.2.2", "m3=127.0.2.3", "--offline")
    cluster.ok("up", "-d")
    moved |= {name: f"127.0.2.{name[1]}:{cluster.port(name)}" for name in cluster.managers}
    cluster.wait(lambda: cluster.complete() and cluster.addresses() == moved, "all found each other")
    cluster.wait(lambda: not (cluster.data_dir / "moves.json").exists(), "the log says where they are")
    seed = read_seed(cluster.data_dir / "cluster.json")
    assert {f"{m.host}:{m.port}" for m in seed.members} == {moved[name] for name in cluster.managers}
    assert {row["name"]: row["instance"] for row in cluster.json("managers")} == instances
    cluster.wait(lambda: cluster.containers() == before, "its tasks run, the same as ever")
    heard = cluster.data_dir / "w1" / "state" / "agent" / "managers"
    cluster.wait(lambda: b"127.0.2.1" in heard.read_bytes(), "its agent heard where they are")
    kinds = [event["kind"] for event in cluster.json("events")]
    assert kinds.count("node-joined") == 1
    assert kinds.count("manager-readdressed") == 3


def test_what_cannot_be_changes_nothing(cluster: Moving) -> None:
    refused = cluster.okube("managers", "readdress", "m1=127.0.1.1", "--offline")
    assert (refused.status, "runs here" in refused.err) == (1, True), refused
    now = cluster.addresses()
    taken = cluster.okube("managers", "readdress", f"m1={now['m2']}")
    assert (taken.status, "is the address of m2" in taken.err) == (1, True), taken
    away = cluster.okube("nodes", "readdress", "w1=192.0.2.9", "--timeout", "1s")
    assert (away.status, "did not answer there" in away.err) == (4, True), away
    cluster.ok("nodes", "readdress", f"w1={now['w1']}")
    assert cluster.addresses() == now
