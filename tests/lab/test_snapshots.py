"""The state as a file: saved from a running cluster, and brought back under new managers; workers come along."""

import shutil
import signal
from collections.abc import Iterator

import pytest

from tests.lab.cluster import Cluster

_SLEEP = ("--", "sleep", "100000")


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("snapshots"), runtime="process", workers=2)
    try:
        made.up()
        yield made
    finally:
        made.destroy()


def end_managers(cluster: Cluster) -> None:
    for name in cluster.managers:
        if cluster.pid(name) is not None:
            cluster.signal(name, signal.SIGKILL)
    cluster.wait(lambda: not any(cluster.pid(name) for name in cluster.managers), "all managers are gone")


def containers(cluster: Cluster, service: str) -> set[str]:
    return {task["container_id"] for task in cluster.ready(service)}


def test_new_managers_of_a_saved_snapshot_take_the_workers_with_their_containers(cluster: Cluster) -> None:
    cluster.ok("run", "--image", "host", "--name", "web", "--replicas", "3", *_SLEEP)
    kept = containers(cluster, "web")
    saved = cluster.folder / "saved.okube"
    row = cluster.json("snapshot", "save", str(saved))
    assert (row["services"], row["tasks"], row["ca"]) == (1, 3, True)
    assert cluster.json("snapshot", "inspect", str(saved))["digest"] == row["digest"]
    cluster.ok("run", "--image", "host", "--name", "late", *_SLEEP)
    refused = cluster.okube("snapshot", "restore", str(saved), "--yes")
    assert refused.status == 1
    assert "end all managers first" in refused.err
    end_managers(cluster)
    for gone in (*cluster.managers, "ca", "admin"):
        shutil.rmtree(cluster.data_dir / gone)
    (cluster.data_dir / "cluster.json").unlink()
    cluster.ok("snapshot", "restore", str(saved), "--yes")
    cluster.up()
    status = cluster.json("status")
    assert (status["cluster_id"], status["epoch"].split(".")[0]) == (row["cluster_id"], "2")
    assert len({manager["digest"] for manager in status["managers"]}) == 1
    assert containers(cluster, "web") == kept
    cluster.wait(lambda: not cluster.tasks("late"), "what came after the snapshot is gone")
    cluster.ok("scale", "web=4")
    assert containers(cluster, "web") > kept
    assert [event["kind"] for event in cluster.json("events") if event["subject_kind"] == "cluster"] == [
        "cluster-restored"
    ]


def test_managers_from_before_a_restore_hear_of_it_and_stop(cluster: Cluster) -> None:
    cluster.ok("run", "--image", "host", "--name", "web", *_SLEEP)
    saved = cluster.folder / "saved.okube"
    cluster.ok("snapshot", "save", str(saved))
    end_managers(cluster)
    cluster.ok("snapshot", "restore", str(saved), "--yes")
    cluster.up()
    (aside,) = cluster.data_dir.glob("replaced-*")
    cluster.kill("m3")
    shutil.move(cluster.data_dir / "m3", cluster.folder / "m3")
    shutil.move(aside / "m3", cluster.data_dir / "m3")
    before = cluster.json("status")["epoch"]
    cluster.okube("up", "-d")
    cluster.wait(lambda: cluster.pid("m3") is None, "the old manager has ended by itself")
    assert "not a manager of its cluster any more" in (cluster.data_dir / "m3" / "log").read_text()
    assert cluster.json("status")["epoch"] == before
    assert len(cluster.ready("web")) == 1
