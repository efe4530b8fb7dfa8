"""Managers of two versions side by side: upgraded one by one under writes, and nothing diverges."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from signal import SIGTERM
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from okube.client.address import parse_addresses
from okube.client.attempt import Request
from okube.client.credentials import find_credentials
from okube.client.memory import NoMemory
from okube.client.retry import Caller, Patience
from okube.model.versions import COMMAND_VERSION
from okube.processes.launch import let_go
from tests.lab.cluster import Cluster, free_ports
from tests.lab.history import client_of
from tests.lab.next_okube import NEXT_VERSION

_ROOT = Path(__file__).parents[2]
_NEXT = ("-m", "tests.lab.next_okube")
_SAME = ("-m", "okube.cli.main")
_PATIENCE = Patience(deadline_s=10.0, refused_s=3.0)
_WRITERS = 3


class Mixed(Cluster):
    """A cluster, and machines that join it while its managers are of two versions."""

    def join(self, role: str, name: str, program: tuple[str, ...]) -> Path:
        """Let one in, as a machine with that Okube; its cluster.yaml. It is not started."""
        token = self.ok("token", "create", "--role", role, "--uses", "1").out.strip()
        managers = ",".join(f"{m['host']}:{m['port']}" for m in self.described["managers"])
        folder = self.folder / "machines" / name
        words = ["join", token, "--manager", managers, "--name", name, "--host", "127.0.0.1", "--dir", str(folder)]
        words += ["--port", str(free_ports(1)[0]), "--runtime", "process", "--no-start"]
        words += ["--beside"] * (role == "worker")
        command = [sys.executable, *program, *words]
        done = subprocess.run(command, cwd=_ROOT, env=self.env(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return folder / "cluster.yaml"

    def complete(self) -> bool:
        """Whether every manager and every node is ready, those that joined too."""
        status = self.okube("status", "-o", "json")
        if status.status != 0 or not status.json["quorum"]:
            return False
        return all(m["state"] == "ready" for m in status.json["managers"]) and not status.json["nodes"].get("down")

    def voters(self) -> set[str]:
        """The managers that count and answer."""
        return {row["name"] for row in self.json("managers") if row["voter"] and row["state"] == "ready"}

    def end_machines(self) -> None:
        """End what was started on them."""
        for file in self.folder.glob("machines/*/cluster.yaml"):
            self.okube("down", "--purge", "--config", str(file))


class Writers:
    """Clients that write all the time; what a call of theirs ended with, if not with success, is kept."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(f"s{n}",)) for n in range(_WRITERS)]
        self.done = dict.fromkeys([f"s{n}" for n in range(_WRITERS)], 0)
        self.failed: list[str] = []

    def __enter__(self) -> "Writers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _write(self, name: str) -> None:
        client = client_of(self._cluster)
        spec = {"name": name, "image": "host", "command": ["true"], "replicas": 0}
        while not self._over.is_set():
            try:
                client.put_service(name, {**spec, "labels": {"n": str(self.done[name] + 1)}})
            except Exception as error:
                self.failed.append(repr(error))
                self._over.wait(0.1)
            else:
                self.done[name] += 1
        client.close()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Mixed]:
    made = Mixed(tmp_path, runtime="process", workers=1)
    try:
        made.up()
        yield made
    finally:
        made.end_machines()
        made.destroy()


def test_managers_are_upgraded_one_by_one_under_writes_while_others_join_and_no_call_fails(cluster: Mixed) -> None:
    cluster.wait(lambda: _enabled(cluster) == COMMAND_VERSION, "what all know is enabled")
    leader = cluster.leader()
    followers = [name for name in cluster.managers if name != leader]
    with Writers(cluster) as writers:
        for name in (*followers, leader):
            assert _rename(cluster, followers[0], "early")[0] in (404, 409)  # the old one has no such route
            assert _enabled(cluster) == COMMAND_VERSION
            _become(cluster, name, _NEXT)
            cluster.wait(lambda: cluster.complete(), f"{name} takes part again")
            assert _digests_agree(cluster)
            if name == followers[0]:  # the newer one joins at an older leader
                _run(cluster, "m7", _NEXT, "--config", str(cluster.join("manager", "m7", _NEXT)))
                cluster.wait(lambda: "m7" in cluster.voters(), "m7 votes")
            if name == followers[1]:  # and an older one at a newer leader, for which all wait then
                cluster.ok("managers", "transfer", followers[0])
                _run(cluster, "m8", _SAME, "--config", str(cluster.join("manager", "m8", _SAME)))
                cluster.wait(lambda: "m8" in cluster.voters(), "m8 votes")
                cluster.ok("managers", "transfer", leader)
        _run(cluster, "w7", _SAME, "--config", str(cluster.join("worker", "w7", _SAME)), role="worker")
        cluster.wait(lambda: {n["name"]: n["state"] for n in cluster.json("nodes")}.get("w7") == "ready", "w7 is ready")
        assert _enabled(cluster) == COMMAND_VERSION
        cluster.ok("managers", "remove", "m8")
        cluster.wait(lambda: _enabled(cluster) == NEXT_VERSION, "the next version is enabled")
        told = cluster.json("events")
        assert f"command version {NEXT_VERSION}: all managers know it" in {event["message"] for event in told}
        assert _rename(cluster, followers[0], "renamed")[0] == 200
    assert writers.failed == []
    for name, count in writers.done.items():
        assert count > 0
        assert cluster.json("inspect", "service", name)["labels"] == {"n": str(count)}
    cluster.wait(lambda: _digests_agree(cluster), "all managers agree")
    assert cluster.json("status")["cluster"] == "renamed"

    # Back to the older one, after the newer one is in use: it ends with a sentence, and the others go on.
    _become(cluster, followers[0], _SAME)
    sentence = f"needs command version {NEXT_VERSION}, and this Okube knows command version {COMMAND_VERSION}"
    log = cluster.data_dir / followers[0] / "log"
    cluster.wait(lambda: "cannot run: " in log.read_text() and sentence in log.read_text(), "it says why it ends")
    cluster.wait(lambda: cluster.pid(followers[0]) is None, "it has ended")
    cluster.ok("scale", "s0=0")
    _become(cluster, followers[0], _NEXT)
    cluster.wait(cluster.complete, "it takes part again as the newer one")
    cluster.wait(lambda: _digests_agree(cluster), "all managers agree again")


def _become(cluster: Cluster, name: str, program: tuple[str, ...]) -> None:
    """End a manager in order, and start it as another Okube."""
    if cluster.pid(name) is not None:
        cluster.signal(name, SIGTERM)
        cluster.wait(lambda: cluster.pid(name) is None, f"{name} has ended")
    _run(cluster, name, program)


def _run(cluster: Cluster, name: str, program: tuple[str, ...], *words: str, role: str = "manager") -> None:
    with (cluster.folder / f"{name}.log").open("ab") if words else (cluster.data_dir / name / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *program, role, "--name", name, *words],
            cwd=_ROOT,
            env=cluster.env(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    let_go(process)


def _rename(cluster: Cluster, manager: str, name: str) -> tuple[int, Any]:
    """Ask one manager for what only the next version can do; the status, and the answer."""
    port = next(m["port"] for m in cluster.described["managers"] if m["name"] == manager)
    caller = Caller(
        parse_addresses(f"https://127.0.0.1:{port}"), find_credentials(cluster.data_dir / "admin"), memory=NoMemory()
    )
    body = msgspec.json.encode({"name": name})
    headers = (("Content-Type", "application/json"), ("Idempotency-Key", uuid4().hex))
    answer = caller.call(Request("POST", "/v1/cluster/name", headers, body), _PATIENCE)
    caller.close()
    return answer.status, answer.body


def _enabled(cluster: Cluster) -> int:
    version: int = cluster.json("status")["command_version"]
    return version


def _digests_agree(cluster: Cluster) -> bool:
    """Whether managers that are at one revision have one digest; under writes they rarely all are."""
    said = {(m["revision"], m["digest"]) for m in cluster.json("status")["managers"] if m["digest"] is not None}
    return len({revision for revision, _ in said}) == len(said)
