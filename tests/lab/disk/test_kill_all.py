"""kill -9 of all managers at once, under load, also in the middle of a snapshot: what was acknowledged is there."""

import os
import random
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from okube.model.errors import OkubeError
from tests.lab.cluster import Cluster
from tests.lab.disk.writers import Writers
from tests.lab.history import client_of

_ROUNDS = int(os.environ.get("OKUBE_KILL_ALL_ROUNDS", "1"))  # `make soak` plays twenty
_MANY = 6  # of so many one at least must meet a file that is being written
_SNAPSHOT_S = 60.0


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path, runtime="process", workers=1)
    try:
        made.up()
        yield made
    finally:
        made.destroy()


def test_what_was_acknowledged_before_all_managers_were_killed_is_listed_afterwards(cluster: Cluster) -> None:
    rng = random.Random(1)
    within = 0
    with Writers(cluster) as writers:
        for number in range(_ROUNDS):
            writers.more(20)
            if number % 2:
                time.sleep(rng.uniform(0, 0.3))
            else:
                _wait_for_a_snapshot(cluster)
            within += _kill_all(cluster)
            cluster.ok("up", "-d")
            cluster.wait(cluster.complete, "all are back")
            assert writers.lost() == [], number
    digests = {manager["digest"] for manager in cluster.json("status")["managers"]}
    assert len(digests) == 1
    print(f"{_ROUNDS} rounds, {within} within a snapshot: {len(writers.acknowledged)} writes, none lost")
    assert within > 0 or _ROUNDS < _MANY, "none of the kills came in the middle of a snapshot"


def _kill_all(cluster: Cluster) -> int:
    """kill -9; whether a snapshot was being written at one of them."""
    pids = [cluster.pid(name) for name in cluster.managers]
    for pid in pids:
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    cluster.wait(lambda: all(cluster.pid(name) is None for name in cluster.managers), "all are gone")
    return bool(_unfinished(cluster))


def _wait_for_a_snapshot(cluster: Cluster) -> None:
    """Return as soon as one is being written, because of large changes that leave nothing."""
    found = threading.Event()
    writing = [threading.Thread(target=_change_much, args=(cluster, n, found)) for n in range(3)]
    for thread in writing:
        thread.start()
    deadline = time.monotonic() + _SNAPSHOT_S
    while not _unfinished(cluster) and time.monotonic() < deadline:
        time.sleep(0.0005)
    found.set()
    assert time.monotonic() < deadline, "no snapshot was written"


def _change_much(cluster: Cluster, number: int, until: threading.Event) -> None:
    client = client_of(cluster)
    while not until.is_set():
        padding = secrets.token_hex(150_000)
        spec = {"name": f"large-{number}", "image": "host", "command": ["true"], "replicas": 0}
        try:
            client.put_service(f"large-{number}", {**spec, "env": {"PADDING": padding}})
        except OkubeError:
            until.wait(0.2)
    client.close()


def _unfinished(cluster: Cluster) -> list[str]:
    """Files of snapshots, and of journals made small, that are not complete."""
    folders = [cluster.data_dir / name / "raft" for name in cluster.managers]
    return [name for folder in folders for name in os.listdir(folder) if name.endswith((".tmp", ".new"))]
