"""The loss of any process is a non-event: what was acknowledged is there, once, and what runs goes on."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import docker
import pytest

from okube.worker.runtime.docker.transport import connect
from tests.lab.cluster import Cluster
from tests.lab.conftest import DockerEngine
from tests.lab.creations import Creations

_ROUNDS = int(os.environ.get("OKUBE_FAILOVER_ROUNDS", "6"))  # `make soak` plays twenty
_STOPS = int(os.environ.get("OKUBE_STOP_ROUNDS", "2"))  # `make soak` plays twenty
_STOPPED_S = 5.0
_SLEEPER = ("--", "sh", "-c", "trap 'exit 0' TERM; sleep 100000 & wait")  # as process 1, sleep alone ignores SIGTERM


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, docker_engine: DockerEngine) -> Iterator[Cluster]:
    made = Cluster(
        tmp_path_factory.mktemp("failover"),
        runtime="docker",
        docker_host=docker_engine.base_url,
        capacity={"cores": 64, "memory": "64G", "disk": "500G"},
        node_down_after="12s",  # a busy machine needs seconds to start a process, and an agent must be back by then
    )
    try:
        yield made
    finally:
        made.destroy()


@pytest.fixture
def cluster(running: Cluster) -> Cluster:
    """The cluster, all of it alive and empty, whatever the test before did to it."""
    running.up()
    services = [service["name"] for service in running.json("services")]
    if services:
        running.ok("rm", *services)
    return running


@pytest.fixture
def engine(docker_engine: DockerEngine) -> Iterator[docker.APIClient]:
    client = connect(docker_engine.base_url, timeout_s=30)
    try:
        yield client
    finally:
        client.close()


def test_what_run_acknowledged_while_the_leader_was_killed_is_there_exactly_once(
    cluster: Cluster, docker_engine: DockerEngine, engine: docker.APIClient
) -> None:
    rng = random.Random(1)
    slowest = 0.0
    for number in range(_ROUNDS):
        name = f"round-{number}"
        leader = cluster.leader()
        run = cluster.start("run", "--image", docker_engine.image, "--name", name, "--replicas", "10", *_SLEEPER)
        time.sleep(rng.uniform(0.0, 0.6))  # the kill falls somewhere into the run: chance is the point here
        cluster.kill(leader)
        others = [
            cluster.okube("ps"),
            cluster.okube("status"),
            cluster.okube("run", "--no-wait", "--image", docker_engine.image, "--name", f"{name}-b", *_SLEEPER),
        ]
        out, err = run.communicate(timeout=90)
        assert run.returncode == 0, (number, out, err, cluster.tails())
        for call in others:
            assert call.status == 0, (number, call, cluster.tails())
            slowest = max(slowest, call.took_s)
        cluster.wait(lambda: len(cluster.ready(name)) == 10, f"{name} has 10 running")  # noqa: B023  # awaited here
        assert [service["name"] for service in cluster.json("services")].count(name) == 1
        assert [service["name"] for service in cluster.json("services")].count(f"{name}-b") == 1
        running = engine.containers(filters={"label": [f"okube.service={name}"], "status": ["running"]})
        assert len(running) == 10
        cluster.ok("rm", name, f"{name}-b")
        cluster.up()
    print(f"slowest other call during {_ROUNDS} failovers: {slowest:.2f} s")  # the bench holds it against a limit


def test_a_killed_agent_adopts_its_containers_when_it_comes_back(
    cluster: Cluster, docker_engine: DockerEngine, engine: docker.APIClient
) -> None:
    cluster.ok("run", "--image", docker_engine.image, "--name", "kept", "--replicas", "3", *_SLEEPER)
    before = _containers(engine, "kept")
    cluster.kill("w1")
    cluster.ok("up", "-d")
    cluster.wait(cluster.complete, "w1 is back")
    cluster.wait(lambda: len(cluster.ready("kept")) == 3, "all are ready again")
    assert _containers(engine, "kept") == before
    assert {task["restarts"] for task in cluster.tasks("kept")} == {0}
    cluster.ok("rm", "kept")


def test_tasks_of_a_lost_node_run_elsewhere_and_the_node_drops_them_when_it_returns(
    cluster: Cluster, docker_engine: DockerEngine, engine: docker.APIClient
) -> None:
    cluster.ok("run", "--image", docker_engine.image, "--name", "moved", "--replicas", "3", *_SLEEPER)
    lost = next(task for task in cluster.tasks("moved") if task["node"] == "w2")
    cluster.kill("w2")
    engine.kill(lost["container_id"])
    cluster.wait(lambda: len(cluster.ready("moved")) == 3, "three are ready on other nodes")
    cluster.wait(
        lambda: "w2" not in {task["node"] for task in cluster.ready("moved")} and len(cluster.ready("moved")) == 3,
        "the lost task was replaced elsewhere",
    )
    ended = cluster.json("inspect", "task", lost["id"])
    assert (ended["state"], ended["reason"]) == ("failed", "node-lost")
    cluster.up()
    cluster.wait(lambda: not engine.containers(all=True, filters={"id": lost["container_id"]}), "w2 dropped it")
    assert len(_containers(engine, "moved")) == 3
    cluster.ok("rm", "moved")


def test_all_managers_killed_at_once_come_back_with_the_same_state_and_touch_no_container(
    cluster: Cluster, docker_engine: DockerEngine, engine: docker.APIClient
) -> None:
    cluster.ok("run", "--image", docker_engine.image, "--name", "steady", "--replicas", "3", *_SLEEPER)
    before = _containers(engine, "steady")
    for name in cluster.managers:
        cluster.kill(name)
    cluster.up()
    cluster.wait(lambda: len(cluster.ready("steady")) == 3, "all are ready")
    cluster.wait(lambda: _agree(cluster.json("status")["managers"]), "all managers agree")
    assert _containers(engine, "steady") == before
    cluster.ok("rm", "steady")


def test_without_quorum_it_says_so_answers_stale_reads_refuses_writes_and_recovers_by_itself(
    cluster: Cluster, docker_engine: DockerEngine
) -> None:
    cluster.ok("run", "--image", docker_engine.image, "--name", "seen", *_SLEEPER)
    for name in ("m1", "m2"):
        cluster.kill(name)
    cluster.wait(lambda: cluster.json("status")["quorum"] is False, "m3 sees that there is no quorum")
    assert "nothing can be changed until a majority of the managers is back" in cluster.ok("status").out
    stale = cluster.ok("ps", "--stale", "-o", "json").json
    assert [task["service"] for task in stale] == ["seen"]
    write = cluster.okube("run", "--no-wait", "--image", docker_engine.image, "--name", "refused", *_SLEEPER)
    assert write.status == 3, write
    assert "majority" in write.err or "quorum" in write.err, write
    read = cluster.okube("ps")
    assert read.status == 3, read
    cluster.ok("up", "-d")
    cluster.wait(lambda: cluster.json("status")["quorum"], "the quorum is back")
    cluster.ok("run", "--image", docker_engine.image, "--name", "after", *_SLEEPER)
    cluster.up()
    cluster.ok("rm", "seen", "after")


def test_a_stopped_leader_does_not_stop_anyone_else(cluster: Cluster, docker_engine: DockerEngine) -> None:
    leader = cluster.leader()
    cluster.signal(leader, signal.SIGSTOP)
    try:
        run = cluster.ok("run", "--image", docker_engine.image, "--name", "paused", "--replicas", "3", *_SLEEPER)
        assert len(cluster.ready("paused")) == 3, run
    finally:
        cluster.signal(leader, signal.SIGCONT)
    cluster.wait(cluster.complete, f"{leader} follows again")
    cluster.wait(lambda: _agree(cluster.json("status")["managers"]), "all managers agree")
    cluster.ok("rm", "paused")


def test_while_leaders_are_stopped_under_load_each_task_gets_one_container_and_no_other_is_made(
    cluster: Cluster, docker_engine: DockerEngine
) -> None:
    rng = random.Random(2)
    with Creations(docker_engine.base_url) as creations:
        for number in range(_STOPS):
            services = [f"stop{number}-{each}" for each in range(4)]
            leader = cluster.leader()
            runs = [_start_run(cluster, docker_engine, name) for name in services[:2]]
            time.sleep(rng.uniform(0.0, 0.8))  # the stop falls somewhere into the runs: chance is the point here
            cluster.signal(leader, signal.SIGSTOP)
            stopped_at = time.monotonic()
            runs += [_start_run(cluster, docker_engine, name) for name in services[2:]]
            cluster.wait(lambda: time.monotonic() - stopped_at > _STOPPED_S, "5 s are over")  # noqa: B023  # awaited here
            cluster.signal(leader, signal.SIGCONT)
            for run in runs:
                out, err = run.communicate(timeout=90)
                assert run.returncode == 0, (number, out, err, cluster.tails())
            cluster.wait(cluster.complete, f"{leader} follows again")
            shown = {task["id"] for task in cluster.json("ps", "--all") if task["service"] in services}
            assert creations.of(f"stop{number}-") == dict.fromkeys(shown, 1)
            assert len(shown) == 3 * len(services)
            cluster.ok("rm", *services)
        made = creations.of("stop")
    print(f"{_STOPS} stops of the leader: {len(made)} tasks, {made.total()} containers")
    assert set(made.values()) == {1}
    cluster.wait(lambda: _agree(cluster.json("status")["managers"]), "all managers agree")


def _start_run(cluster: Cluster, docker_engine: DockerEngine, name: str) -> "subprocess.Popen[str]":
    return cluster.start("run", "--image", docker_engine.image, "--name", name, "--replicas", "3", *_SLEEPER)


def _containers(engine: docker.APIClient, service: str) -> set[str]:
    found = engine.containers(filters={"label": [f"okube.service={service}"], "status": ["running"]})
    return {container["Id"] for container in found}


def _agree(managers: list[dict[str, Any]]) -> bool:
    """Whether all managers are at one revision with one digest."""
    return len({(m["revision"], m["digest"]) for m in managers}) == 1 and managers[0]["digest"] is not None
