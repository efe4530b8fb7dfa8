"""Managers brought back from copies of their folders, as the operations page tells it, with the trap it tells of."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from okube.model.epoch import Epoch
from tests.lab.cluster import Cluster

_SLEEPER = ("--", "sleep", "3600")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path, runtime="process", workers=1)
    try:
        made.up()
        yield made
    finally:
        made.destroy()


def test_agents_say_when_the_leader_of_a_cluster_from_copies_is_behind_them_and_obey_it_once_it_is_not(
    cluster: Cluster, tmp_path: Path
) -> None:
    cluster.ok("run", "--name", "kept", "--image", "host", *_SLEEPER)
    (kept,) = cluster.ready("kept")
    _kill_managers(cluster)
    for name in cluster.managers:
        shutil.copytree(cluster.data_dir / name, tmp_path / "copies" / name)
    cluster.up()
    for _ in range(3):
        cluster.kill(cluster.leader())
        cluster.up()
    newest = _epoch(cluster)
    _kill_managers(cluster)
    for name in cluster.managers:
        shutil.rmtree(cluster.data_dir / name)
        shutil.copytree(tmp_path / "copies" / name, cluster.data_dir / name)
    cluster.up()
    assert _epoch(cluster) < newest, "the copies are behind what the agent has seen"
    cluster.wait(lambda: _conditions(cluster) == ["epoch-ahead"], "the node says that it is ahead")
    assert "epoch-ahead" in cluster.ok("nodes").out
    told = re.search(r"obeys epoch (\d+\.\d+),", cluster.ok("inspect", "node", "w1").out)
    assert told is not None
    obeyed = Epoch.parse(told[1])
    assert obeyed >= newest  # as the managers were killed, one more may have led
    newest = obeyed
    while _epoch(cluster) <= newest:
        cluster.kill(cluster.leader())
        cluster.up()
    cluster.wait(lambda: _conditions(cluster) == [], "the node obeys again")
    cluster.ok("run", "--name", "new", "--image", "host", *_SLEEPER)
    (still,) = cluster.ready("kept")
    assert (still["id"], still["container_id"]) == (kept["id"], kept["container_id"]), "what ran has gone on"


def _kill_managers(cluster: Cluster) -> None:
    for name in cluster.managers:
        cluster.kill(name)


def _epoch(cluster: Cluster) -> Epoch:
    """The leader's, once there is one."""
    cluster.leader()
    return Epoch.parse(cluster.json("status")["epoch"])


def _conditions(cluster: Cluster) -> list[str]:
    node: dict[str, Any] = cluster.json("inspect", "node", "w1")
    return [condition["kind"] for condition in node["conditions"]]
