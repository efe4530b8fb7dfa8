"""The state as a file, brought back under new managers; and one manager that goes on alone. Workers come along."""

import os
import shutil
import signal
from collections.abc import Iterator

import pytest

from tests.lab.cluster import Cluster

_SLEEP = ("--", "sleep", "100000")


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("snapshots"), runtime="process", workers=1)
    try:
        made.up()
        made.ok("run", "--image", "host", "--name", "web", "--replicas", "2", *_SLEEP)
        yield made
    finally:
        made.destroy()


def end(cluster: Cluster, *names: str) -> None:
    for name in names:
        cluster.signal(name, signal.SIGKILL)
    cluster.wait(lambda: not any(cluster.pid(name) for name in names), f"{names} are gone")


def containers(cluster: Cluster) -> set[str]:
    return {task["container_id"] for task in cluster.ready("web")}


def kept_by(cluster: Cluster) -> set[str]:
    return {row["manager"] for row in cluster.json("snapshot", "list") if row["why"] == "scheduled"}


def happened(cluster: Cluster) -> list[str]:
    return [event["kind"] for event in cluster.json("events")]


def wait_until_it_stops(cluster: Cluster, name: str) -> None:
    """An old manager hears that the cluster went on without it."""

    def look() -> bool:
        log = (cluster.data_dir / name / "log").read_text()
        return cluster.pid(name) is None and "not a manager of its cluster any more" in log

    cluster.wait(look, f"the old {name} has heard of it")


def test_new_managers_of_a_saved_snapshot_take_the_workers_with_their_containers(cluster: Cluster) -> None:
    kept = containers(cluster)
    saved = cluster.folder / "saved.okube"
    row = cluster.json("snapshot", "save", str(saved))
    assert (row["services"], row["tasks"], row["ca_key"]) == (1, 2, "sealed")
    assert not list(cluster.data_dir.rglob("ca.key"))
    assert cluster.json("snapshot", "inspect", str(saved))["digest"] == row["digest"]
    cluster.ok("run", "--image", "host", "--name", "late", *_SLEEP)
    refused = cluster.okube("snapshot", "restore", str(saved), "--yes")
    assert refused.status == 1
    assert "end all managers first" in refused.err
    end(cluster, *cluster.managers)
    shutil.move(cluster.data_dir / "m3", cluster.folder / "m3")
    for gone in ("m1", "m2", "ca", "admin"):
        shutil.rmtree(cluster.data_dir / gone)
    os.remove(cluster.data_dir / "cluster.json")

    cluster.ok("snapshot", "restore", str(saved), "--yes")
    cluster.up()
    status = cluster.json("status")
    assert (status["cluster_id"], status["epoch"].split(".")[0]) == (row["cluster_id"], "2")
    assert len({manager["digest"] for manager in status["managers"]}) == 1
    assert containers(cluster) == kept
    cluster.wait(lambda: not cluster.tasks("late"), "what came after the snapshot is gone")
    assert "cluster-restored" in happened(cluster)
    cluster.wait(lambda: kept_by(cluster) == set(cluster.managers), "each manager keeps a snapshot by itself")
    cluster.ok("scale", "web=3")
    assert containers(cluster) > kept

    cluster.kill("m3")
    shutil.move(cluster.data_dir / "m3", cluster.folder / "new-m3")
    shutil.move(cluster.folder / "m3", cluster.data_dir / "m3")
    cluster.okube("up", "-d")
    wait_until_it_stops(cluster, "m3")


def test_one_manager_goes_on_alone_and_the_others_cannot_come_back(cluster: Cluster) -> None:
    kept = containers(cluster)
    refused = cluster.okube("managers", "recover", "--yes")
    assert refused.status == 1
    assert "nothing needs to be recovered" in refused.err
    lost = ("m2", "m3")
    end(cluster, *lost)
    cluster.wait(lambda: not cluster.json("status")["quorum"], "the quorum is gone")
    unsure = cluster.okube("managers", "recover", typed="n\n")
    assert unsure.status == 1
    assert "does not answer" in unsure.err
    assert not cluster.json("status")["quorum"]

    done = cluster.json("managers", "recover", "--yes")
    assert (done["name"], done["incarnation"]) == ("m1", 2)
    assert cluster.json("snapshot", "inspect", done["copy"])["tasks"] == 2
    status = cluster.json("status")
    assert (status["leader"], [m["name"] for m in status["managers"]]) == ("m1", ["m1"])
    assert containers(cluster) == kept
    assert "cluster-recovered" in happened(cluster)
    cluster.ok("scale", "web=3")
    assert containers(cluster) > kept

    for name in lost:
        os.remove(cluster.data_dir / name / "removed")  # as on machines of their own
    cluster.okube("up", "-d")
    for name in lost:
        wait_until_it_stops(cluster, name)
    assert cluster.json("status")["epoch"].startswith("2.")
    (key,) = cluster.folder.rglob("ca.key")
    key.unlink()  # the cluster signs
    cluster.ok("managers", "add", "m2")
    assert [token["state"] for token in cluster.json("token")] == []
    assert {m["name"] for m in cluster.json("managers") if m["state"] == "ready"} == {"m1", "m2"}
