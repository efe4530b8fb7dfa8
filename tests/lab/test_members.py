"""Managers that come and go: the cluster grows and shrinks while it works, and replaces one that is lost."""

import contextlib
import http.client
import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from okube.security import client_context
from tests.lab.cluster import Cluster, free_ports

_MOST = int(os.environ.get("OKUBE_MEMBERS_MOST", "3"))  # `make soak` goes on to seven
_SLEEPER = ("--image", "host", "--", "sleep", "100000")


class Changing(Cluster):
    """A cluster whose cluster.yaml is edited as people do it."""

    _numbers = 10

    def describe(self, name: str) -> None:
        """Write one more manager into cluster.yaml."""
        port, raft_port = free_ports(2)
        self.described["managers"].append({"name": name, "host": "127.0.0.1", "port": port, "raft_port": raft_port})
        self._write()
        self.managers.append(name)

    def strike_out(self, name: str) -> None:
        """Take a manager out of cluster.yaml."""
        self.described["managers"] = [m for m in self.described["managers"] if m["name"] != name]
        self._write()
        self.managers.remove(name)

    def _write(self) -> None:
        self.config.write_text(yaml.safe_dump(self.described, sort_keys=False))

    def next_number(self) -> int:
        """Of a name that was never given."""
        self._numbers += 1
        return self._numbers

    def agree(self) -> bool:
        """Whether all managers hold the same."""
        return len({(m["digest"], m["lag"]) for m in self.json("managers")}) == 1

    def voters(self) -> set[str]:
        """The managers that count and answer."""
        rows = self.json("managers")
        return {row["name"] for row in rows if row["voter"] and row["state"] == "ready"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Changing]:
    made = Changing(tmp_path_factory.mktemp("members"), runtime="process", workers=1)
    try:
        made.up()
        made.ok("run", "--name", "kept", *_SLEEPER)
        yield made
    finally:
        made.destroy()


@pytest.fixture
def cluster(running: Changing) -> Changing:
    """Three managers, all of them alive, whatever the test before did."""
    while len(running.managers) < 3:
        running.describe(f"m{running.next_number()}")
        running.ok("managers", "add", running.managers[-1])
    running.up()
    return running


def test_one_manager_becomes_many_and_all_that_was_written_is_there(tmp_path: Path) -> None:
    cluster = Changing(tmp_path, runtime="process", managers=1, workers=1)
    try:
        cluster.up()
        cluster.ok("run", "--name", "before", *_SLEEPER)
        for number in range(2, _MOST + 1):
            cluster.describe(f"m{number}")
            row = cluster.ok("managers", "add", f"m{number}", "-o", "json").json
            assert (row["name"], row["voter"], row["state"]) == (f"m{number}", True, "ready")
        assert cluster.voters() == {f"m{number}" for number in range(1, _MOST + 1)}
        cluster.ok("run", "--name", "after", *_SLEEPER)
        for number in range(1, (_MOST - 1) // 2 + 1):  # the first made the cluster, and had all of it once
            cluster.kill(f"m{number}")
        assert {s["name"] for s in cluster.json("services")} == {"before", "after"}
        cluster.up()
        cluster.wait(cluster.agree, "all managers hold the same")
    finally:
        cluster.destroy()


def test_the_lead_goes_where_it_is_wanted_and_a_stopped_leader_hands_it_over(cluster: Changing) -> None:
    before = cluster.leader()
    to = next(name for name in cluster.managers if name != before)
    assert cluster.ok("managers", "transfer", to, "-o", "json").json["role"] == "leader"
    assert cluster.ok("managers", "transfer", to).status == 0  # it leads already
    cluster.ok("managers", "transfer")
    leader = cluster.leader()
    assert leader != to
    cluster.signal(leader, signal.SIGTERM)
    cluster.wait(lambda: cluster.pid(leader) is None, f"{leader} has ended")
    log = (cluster.data_dir / leader / "log").read_text()
    assert "handed the lead over to" in log
    cluster.up()


def test_a_removed_manager_says_so_and_stops_and_is_not_started_again(cluster: Changing) -> None:
    going = next(name for name in cluster.managers if name != cluster.leader())
    epoch = cluster.json("status")["epoch"]
    said = cluster.ok("managers", "remove", going)
    assert "removed" in said.out
    assert cluster.pid(going) is None
    assert (
        f"{going} is not a manager of its cluster any more: it was removed"
        in (cluster.data_dir / going / "log").read_text()
    )
    again = cluster.okube("up", "-d")
    assert again.status == 1
    assert f"{going} was removed from the cluster" in again.err
    cluster.wait(lambda: _agent_answers(cluster, going) == 403, "the agent knows that it left")
    cluster.strike_out(going)
    cluster.up()
    status = cluster.json("status")
    assert (status["epoch"], len(status["managers"])) == (epoch, 2)
    assert _agent_answers(cluster, status["leader"]) == 200


def test_the_leader_that_is_removed_has_another_one_lead_first(cluster: Changing) -> None:
    leader = cluster.leader()
    cluster.ok("managers", "remove", leader)
    cluster.strike_out(leader)
    cluster.up()
    assert cluster.leader() != leader
    assert len(cluster.voters()) == 2
    assert [s["name"] for s in cluster.json("services")] == ["kept"]


def test_a_dead_manager_is_replaced_under_its_name(cluster: Changing) -> None:
    dead = next(name for name in cluster.managers if name != cluster.leader())
    cluster.kill(dead)
    shutil.rmtree(cluster.data_dir / dead)
    gone = cluster.okube("up", "-d")
    assert gone.status == 1
    assert f"okube managers remove {dead}" in gone.err
    other = next(name for name in cluster.managers if name not in (dead, cluster.leader()))
    refused = cluster.okube("managers", "remove", other)
    assert refused.status == 1
    assert f"{dead} does not answer" in refused.err
    cluster.ok("managers", "remove", dead)
    row = cluster.ok("managers", "add", dead, "-o", "json").json
    assert (row["voter"], row["state"]) == (True, "ready")
    cluster.up()
    assert len(cluster.voters()) == 3


def test_a_wiped_folder_is_refused_with_a_sentence(cluster: Changing) -> None:
    wiped = next(name for name in cluster.managers if name != cluster.leader())
    cluster.kill(wiped)
    folder = cluster.data_dir / wiped
    kept = cluster.folder / "kept"
    shutil.copytree(folder, kept)
    _remake(folder, instance="wiped")
    said = cluster.okube("up", "-d")
    assert said.status == 1
    assert f"{wiped} (wiped) is not a member" in said.err
    shutil.rmtree(folder)
    kept.rename(folder)
    cluster.up()


def test_what_cannot_be_is_refused_with_what_to_do(cluster: Changing) -> None:
    for args, status, sentence in (
        (("managers", "add", "m9"), 1, "cluster.yaml names no manager m9"),
        (("managers", "add", cluster.managers[0]), 1, "runs here already"),
        (("managers", "remove", "m9"), 1, "there is no manager m9"),
        (("managers", "transfer", "m9"), 1, "there is no manager m9"),
    ):
        said = cluster.okube(*args)
        assert said.status == status, said
        assert sentence in said.err, said


def _agent_answers(cluster: Changing, manager: str) -> int:
    """What an agent says to who has the certificate of a manager."""
    worker = cluster.described["workers"][0]
    context = client_context(cluster.data_dir / manager / "tls")
    context.check_hostname = False
    connection = http.client.HTTPSConnection(worker["host"], worker["port"], context=context, timeout=20)
    with contextlib.closing(connection):
        connection.request("GET", "/healthz")
        return connection.getresponse().status


def _remake(folder: Path, *, instance: str) -> None:
    """As somebody would who makes a lost folder up again."""
    identity: dict[str, Any] = json.loads((folder / "identity.json").read_text())
    (folder / "identity.json").write_text(json.dumps({**identity, "instance": instance}))
