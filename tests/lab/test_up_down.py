"""``okube up`` and ``down`` with real managers, workers and tasks, on the process runtime."""

import itertools
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.lab.cluster import Cluster

_numbers = itertools.count(os.getpid() * 1000)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """One manager and one worker: as few as can show it."""
    made = Cluster(tmp_path, runtime="process", managers=1, workers=1)
    try:
        yield made
    finally:
        made.destroy()


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Cluster]:
    """Three managers and a worker."""
    made = Cluster(tmp_path, runtime="process", managers=3, workers=1)
    try:
        yield made
    finally:
        made.destroy()


def pids(cluster: Cluster) -> dict[str, int | None]:
    return {name: cluster.pid(name) for name in (*cluster.managers, *cluster.workers)}


def a_sleeper(cluster: Cluster, *, replicas: int = 2) -> str:
    """A service whose processes can be told from all others of this machine; returns the mark of their command."""
    mark = f"1{next(_numbers)}"
    cluster.ok("run", "--image", "host", "--name", "sleeper", "--replicas", str(replicas), "--", "sleep", mark)
    return mark


def running(mark: str) -> int:
    """How many processes of this machine were started with that mark."""
    found = 0
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = command.read_bytes().split(b"\0")
        except OSError:
            continue
        found += words[:2] == [b"sleep", mark.encode()]
    return found


def test_a_second_up_touches_nothing(three: Cluster) -> None:
    three.up()
    before = pids(three)
    again = three.ok("up", "-d")
    assert pids(three) == before
    assert again.out.count("runs already (pid ") == 4


def test_up_starts_the_one_that_was_killed_and_no_other(three: Cluster) -> None:
    three.up()
    before = pids(three)
    three.kill("m2")
    three.up()
    after = pids(three)
    assert {name for name in after if after[name] != before[name]} == {"m2"}


def test_a_killed_worker_finds_its_tasks_running_when_up_starts_it_again(cluster: Cluster) -> None:
    cluster.up()
    mark = a_sleeper(cluster)
    cluster.kill("w1")
    assert running(mark) == 2
    cluster.up()
    cluster.wait(lambda: len(cluster.ready("sleeper")) == 2, "both are ready")
    assert running(mark) == 2
    assert {task["restarts"] for task in cluster.tasks("sleeper")} == {0}


def test_down_leaves_no_process_and_keeps_the_data_for_the_next_up(cluster: Cluster) -> None:
    cluster.up()
    mark = a_sleeper(cluster)
    assert running(mark) == 2
    cluster.ok("down")
    assert running(mark) == 0
    assert set(pids(cluster).values()) == {None}
    cluster.up()
    cluster.wait(lambda: len(cluster.ready("sleeper")) == 2, "the same service runs again")
    assert running(mark) == 2


def test_down_ends_tasks_whose_agent_and_managers_are_dead(cluster: Cluster) -> None:
    cluster.up()
    mark = a_sleeper(cluster)
    for name in ("m1", "w1"):
        cluster.kill(name)
    assert running(mark) == 2
    cluster.ok("down")
    assert running(mark) == 0


def test_down_may_be_repeated_and_called_before_any_up(cluster: Cluster) -> None:
    cluster.ok("down")
    cluster.up()
    cluster.ok("down")
    cluster.ok("down")


def test_purge_removes_all_and_the_next_up_makes_another_cluster(cluster: Cluster) -> None:
    cluster.up()
    mark = a_sleeper(cluster)
    cluster.ok("down", "--purge")
    assert running(mark) == 0
    assert not cluster.data_dir.exists()
    cluster.up()
    assert cluster.json("services") == []


def test_a_manager_started_twice_is_told_who_runs(cluster: Cluster) -> None:
    cluster.up()
    second = cluster.okube("manager", "--name", "m1", "--config", str(cluster.config))
    assert second.status == 1, second
    assert f"manager m1 runs already (pid {cluster.pid('m1')})" in second.err


def test_a_worker_started_twice_is_told_who_runs(cluster: Cluster) -> None:
    cluster.up()
    second = cluster.okube("worker", "--name", "w1", "--config", str(cluster.config))
    assert second.status == 1, second
    assert f"worker w1 runs already (pid {cluster.pid('w1')})" in second.err


def test_a_wiped_manager_is_not_made_again_and_the_others_start(three: Cluster) -> None:
    three.up()
    three.ok("down")
    shutil.rmtree(three.data_dir / "m1")
    up = three.okube("up", "-d")
    assert up.status == 1, up
    assert "m1's data is gone" in up.err
    assert "another instance" in up.err
    alive = {name for name, pid in pids(three).items() if pid}
    assert alive == {"m2", "m3", "w1"}
    three.wait(lambda: three.json("status")["quorum"], "m2 and m3 go on without it")


def test_another_clusters_data_directory_is_refused_and_nothing_is_started(cluster: Cluster) -> None:
    cluster.up()
    cluster.ok("down")
    original = cluster.config.read_text()
    cluster.config.write_text(yaml.safe_dump({**cluster.described, "cluster": "prod"}))
    up = cluster.okube("up", "-d")
    assert up.status == 1, up
    assert "holds the data of cluster lab" in up.err
    assert set(pids(cluster).values()) == {None}
    cluster.config.write_text(original)


def test_a_port_that_is_taken_is_told_with_the_log(cluster: Cluster) -> None:
    port = cluster.described["workers"][0]["port"]
    with socket.create_server(("127.0.0.1", port)):
        up = cluster.okube("up", "-d")
    assert up.status == 1, up
    assert "worker w1 ended at once" in up.err
    assert "address already in use" in up.err.lower()
    assert cluster.pid("m1") is not None
