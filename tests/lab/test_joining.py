"""Machines that join with a token, and what stands in their way: real processes, and a folder for each machine."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from okube.processes.lock import living_in
from tests.lab.cluster import Cluster, Finished, free_ports

_SLEEPER = ("--image", "host", "--", "sleep", "100000")


class Growing(Cluster):
    """A cluster, and folders that stand for machines which have nothing of it."""

    def token(self, *options: str) -> str:
        """A token as it is printed."""
        return self.ok("token", "create", *options).out.strip()

    def join(self, token: str, name: str, *options: str, host: str = "127.0.0.1") -> Finished:
        """What `okube join` does in a folder of its own."""
        port, raft_port = free_ports(2)
        del raft_port
        managers = ",".join(f"{m['host']}:{m['port']}" for m in self.described["managers"])
        words = ["join", token, "--manager", managers, "--name", name, "--host", host, "--port", str(port)]
        return self.okube(*words, "--dir", str(self.machine(name)), "--runtime", "process", *options)

    def machine(self, name: str) -> Path:
        """The folder that stands for a machine."""
        return self.folder / "machines" / name

    def pid_of(self, name: str) -> int | None:
        """The process of a machine that joined."""
        running = living_in(self.machine(name) / "data" / name / "pid")
        return None if running is None else running.pid

    def start_again(self, name: str, role: str) -> None:
        """What systemd does after a reboot."""
        config = self.machine(name) / "cluster.yaml"
        log = (self.machine(name) / "data" / name / "log").open("ab")
        with log:
            subprocess.Popen(
                self.command(role, "--name", name, "--config", str(config)),
                env=self.env(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            ).returncode = 0

    def node(self, name: str) -> dict[str, object]:
        """A node as the cluster has it."""
        return next((node for node in self.json("nodes") if node["name"] == name), {})

    def end_machines(self) -> None:
        """End what was started on them, containers too."""
        for folder in (self.folder / "machines").glob("*"):
            self.okube("down", "--purge", "--config", str(folder / "cluster.yaml"))
            assert self.pid_of(folder.name) is None, f"{folder.name} goes on"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Growing]:
    made = Growing(tmp_path_factory.mktemp("joining"), runtime="process", managers=1, workers=1)
    try:
        made.up()
        yield made
    finally:
        made.end_machines()
        made.destroy()


def test_a_worker_joins_with_nothing_but_a_token_and_gets_tasks(cluster: Growing) -> None:
    token = cluster.token("--uses", "1")
    joined = cluster.join(token, "w7", "--beside", "--zone", "rack-b", "--label", "disk=ssd")
    assert joined.status == 0, joined
    cluster.wait(lambda: cluster.node("w7").get("state") == "ready", "w7 is ready")
    assert (cluster.node("w7")["zone"], cluster.node("w7")["labels"]) == ("rack-b", {"disk": "ssd"})
    cluster.ok("run", "--name", "on-w7", "--constraint", "node.name == w7", *_SLEEPER)
    assert [task["node"] for task in cluster.ready("on-w7")] == ["w7"]
    again = cluster.join(token, "w7")
    assert (again.status, "has joined already" in again.err) == (0, True), again
    assert cluster.join(token, "w8", "--beside").status == 1  # it is used up


def test_managers_join_with_a_token_and_vote(cluster: Growing) -> None:
    token = cluster.token("--role", "manager")
    assert cluster.join(token, "m7").status == 0
    cluster.wait(lambda: _votes(cluster, "m7"), "m7 votes")
    joined = cluster.join(token, "m8", "--no-start")
    assert (joined.status, joined.out.startswith("okube manager --name m8 --config ")) == (0, True), joined
    cluster.start_again("m8", "manager")  # as systemd does
    cluster.wait(lambda: _votes(cluster, "m8"), "m8 votes")
    assert len({row["digest"] for row in cluster.json("managers")}) == 1


def test_who_shows_no_token_of_this_cluster_is_refused(cluster: Growing) -> None:
    token = cluster.token()
    wrong = token.replace(token.split(".")[1], "x" * 43)
    refused = cluster.join(wrong, "w9", "--beside", "--no-start")
    assert (refused.status, "none of cluster lab" in refused.err) == (1, True), refused
    other = token.replace(token.split(".")[2], "A" * 43)
    refused = cluster.join(other, "w9", "--beside", "--no-start")
    assert (refused.status, "is not the one that made this token" in refused.err) == (1, True), refused
    cluster.ok("token", "revoke", token)
    refused = cluster.join(token, "w9", "--beside", "--no-start")
    assert (refused.status, "was revoked" in refused.err) == (1, True), refused
    assert cluster.join("okube-x", "w9").status == 1
    assert token.split(".")[1] not in cluster.logs()


def test_a_manager_joins_a_cluster_that_locks_itself_and_waits_for_a_person_with_the_key(cluster: Growing) -> None:
    key = cluster.ok("keyring", "autolock", "on").out
    cluster.wait(lambda: not list(cluster.folder.rglob("unlock*.key")), "no manager has the key on its disk")
    joined = cluster.join(cluster.token("--role", "manager"), "m9")
    assert (joined.status, "call 'okube unlock' once it runs" in joined.err) == (0, True), joined
    cluster.wait(lambda: _votes(cluster, "m9"), "m9 votes")
    assert _locked(cluster) == ["m9"]
    assert cluster.join(cluster.token(), "w6", "--beside", "--no-start").status == 0  # those that have the key sign
    assert cluster.okube("unlock", typed=key).status == 0
    cluster.wait(lambda: not _locked(cluster), "m9 has the key")
    assert not list(cluster.folder.rglob("unlock*.key"))
    cluster.ok("keyring", "autolock", "off")


def _locked(cluster: Growing) -> list[str]:
    return [row["name"] for row in cluster.json("managers") if row["locked"]]


def _votes(cluster: Growing, name: str) -> bool:
    rows = {row["name"]: row for row in cluster.json("managers")}
    return bool(rows.get(name, {}).get("voter") and rows[name]["state"] == "ready")
