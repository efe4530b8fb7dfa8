"""Links between machines break: what lives is not taken for dead, and what was cut off goes on and is not replaced."""

import contextlib
import os
import time
from collections.abc import Iterator
from typing import Any

import docker
import pytest

from okube.worker.runtime.docker.transport import connect
from tests.lab.cluster import Cluster
from tests.lab.conftest import DockerEngine
from tests.lab.hosts import Hosts

_CUT_S = float(os.environ.get("OKUBE_PARTITION_S", "8"))  # `make soak` cuts for a minute
_DOWN_AFTER_S = 3.0
_SLEEPER = ("--", "sh", "-c", "trap 'exit 0' TERM; sleep 100000 & wait")  # as process 1, sleep alone ignores SIGTERM


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, docker_engine: DockerEngine) -> Iterator[Cluster]:
    hosts = Hosts(["m1", "m2", "m3", "w1", "w2", "w3"])
    try:
        made = Cluster(
            tmp_path_factory.mktemp("links"),
            runtime="docker",
            docker_host=docker_engine.base_url,
            node_down_after=f"{_DOWN_AFTER_S:g}s",
            hosts=hosts,
        )
        try:
            made.up()
            yield made
        finally:
            hosts.heal()
            made.destroy()
    finally:
        hosts.destroy()


@pytest.fixture
def engine(docker_engine: DockerEngine) -> Iterator[docker.APIClient]:
    client = connect(docker_engine.base_url, timeout_s=30)
    try:
        yield client
    finally:
        client.close()


def test_a_node_that_the_leader_alone_does_not_reach_stays_ready_and_gets_its_orders(
    cluster: Cluster, docker_engine: DockerEngine
) -> None:
    assert cluster.hosts is not None
    leader = cluster.leader()
    losses = cluster.logs().count("w2 is down")  # those of the tests before this one
    cluster.hosts.cut(leader, "w2")
    end = time.monotonic() + 2 * _DOWN_AFTER_S
    while time.monotonic() < end:
        assert _nodes(cluster)["w2"]["state"] == "ready"
    cluster.ok("run", "--image", docker_engine.image, "--name", "spread", "--replicas", "3", *_SLEEPER)
    assert {task["node"] for task in cluster.ready("spread")} == {"w1", "w2", "w3"}
    assert cluster.leader() == leader
    assert cluster.logs().count("w2 is down") == losses
    cluster.ok("rm", "spread")
    cluster.hosts.heal()


def test_agents_that_are_cut_from_all_managers_go_on_and_nothing_is_replaced(
    cluster: Cluster, docker_engine: DockerEngine, engine: docker.APIClient
) -> None:
    assert cluster.hosts is not None
    cluster.ok("run", "--image", docker_engine.image, "--name", "steady", "--replicas", "6", *_SLEEPER)
    cluster.ok("run", "--image", docker_engine.image, "--name", "each", "--mode", "global", *_SLEEPER)
    tasks, containers = _tasks(cluster), _containers(engine)
    for worker in cluster.workers:
        for manager in cluster.managers:
            cluster.hosts.cut(worker, manager)
    cut_at = time.monotonic()
    cluster.wait(lambda: _states(cluster) == {"down"}, "all nodes are down")
    cluster.wait(lambda: time.monotonic() - cut_at > _CUT_S, "the time is over", seconds=_CUT_S + 5)
    assert _containers(engine) == containers
    cluster.hosts.heal()
    cluster.wait(lambda: _states(cluster) == {"ready"}, "all nodes are back")
    cluster.wait(lambda: len(cluster.ready("steady")) == 6, "all tasks are ready again")
    cluster.wait(lambda: len(cluster.ready("each")) == 3, "all tasks are ready again")
    assert _tasks(cluster) == tasks
    assert _containers(engine) == containers
    assert all(node["held_until"] is None for node in _nodes(cluster).values())
    cluster.ok("rm", "steady", "each")
    cluster.wait(lambda: _containers(engine) == {}, "nothing is left")


def test_a_machine_that_vanishes_is_replaced_and_drops_what_it_held_when_it_is_back(
    cluster: Cluster, docker_engine: DockerEngine, engine: docker.APIClient
) -> None:
    assert cluster.hosts is not None
    cluster.ok("run", "--image", docker_engine.image, "--name", "steady", "--replicas", "3", *_SLEEPER)
    for other in (*cluster.managers, "w2", "w3"):
        cluster.hosts.cut("w1", other)  # no connection is refused: nothing answers at all
    cut_at = time.monotonic()
    cluster.wait(lambda: _running_nodes(cluster) == ["w2", "w2", "w3"], "w1's task runs elsewhere")
    print(f"a machine vanished: its task ran elsewhere after {time.monotonic() - cut_at:.2f} s")  # the bench limits it
    cluster.hosts.heal()
    cluster.wait(lambda: _states(cluster) == {"ready"}, "w1 is back")
    cluster.wait(lambda: len(_containers(engine)) == 3, "w1 dropped its container")
    cluster.ok("rm", "steady")


def _running_nodes(cluster: Cluster) -> list[str]:
    nodes = sorted(task["node"] for task in cluster.ready("steady"))
    return ["w2", "w2", "w3"] if nodes == ["w2", "w3", "w3"] else nodes


def _nodes(cluster: Cluster) -> dict[str, dict[str, Any]]:
    return {node["name"]: node for node in cluster.json("nodes")}


def _states(cluster: Cluster) -> set[str]:
    return {node["state"] for node in _nodes(cluster).values()}


def _tasks(cluster: Cluster) -> set[tuple[str, str, str, int]]:
    """Which tasks there are, and were, on which node, in which container, and how often each was started again."""
    found = cluster.json("ps", "--all")
    return {(t["id"], t["node"], t["container_id"], t["restarts"]) for t in found if t["service"] in ("steady", "each")}


def _containers(engine: docker.APIClient) -> dict[str, str]:
    """The containers with the moment at which each was started; one that goes between the two questions is gone."""
    labels = ["okube.service=steady"], ["okube.service=each"]
    found = [c for label in labels for c in engine.containers(all=True, filters={"label": label})]
    started = {}
    for container in found:
        with contextlib.suppress(docker.errors.NotFound):
            started[container["Id"]] = engine.inspect_container(container["Id"])["State"]["StartedAt"]
    return started
