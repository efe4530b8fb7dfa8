"""A manager's disk is full: it steps down and says so, nothing is lost, and it comes back by itself."""

import os
from typing import Any

import pytest

from tests.lab.cluster import Cluster
from tests.lab.disk.small import SmallDisks
from tests.lab.disk.writers import Writers
from tests.lab.edges.caller import Caller

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a disk")


@pytest.mark.parametrize("which", ["leader", "follower"])
def test_a_manager_whose_disk_is_full_stands_aside_and_comes_back(
    small: tuple[Cluster, SmallDisks], which: str
) -> None:
    cluster, disks = small
    leader = cluster.leader()
    full = leader if which == "leader" else next(name for name in cluster.managers if name != leader)
    pid = cluster.pid(full)
    caller = Caller(cluster)
    with Writers(cluster) as writers:
        writers.more(20)
        epoch = cluster.json("status")["epoch"]
        disks.fill(full)
        cluster.wait(lambda: _manager(cluster, full)["state"] == "disk-full", f"{full} says that its disk is full")
        during = writers.more(20)
        assert _manager(cluster, full)["role"] == "follower"
        if which == "follower":
            assert cluster.json("status")["epoch"] == epoch
        not_ready = caller(full, "GET", "/readyz")
        assert not_ready.status == 503
        assert f"the disk of {full} is full" in not_ready.json["detail"]
        for name in [*during, *writers.more(5)]:
            assert caller(full, "GET", f"/v1/services/{name}").status == 200, (
                "a linearizable read, asked where it is full"
            )
        assert caller(full, "POST", "/v1/services", _service(f"by-{which}")).status == 201
        disks.make_room(full)
        cluster.wait(cluster.complete, f"{full} takes part again")
        after = writers.more(20)
    cluster.wait(lambda: _agree(cluster.json("status")["managers"]), "all managers agree")
    assert caller(full, "GET", f"/v1/services/{after[-1]}?stale=true").status == 200
    assert caller(full, "GET", "/readyz").status == 200
    assert writers.lost() == []
    assert cluster.pid(full) == pid
    log = (cluster.data_dir / full / "log").read_text()
    assert f"{full} leads nobody, votes for nobody and stores nothing until there is room for 8 MiB" in log
    assert "has room again after" in log
    print(f"{which}: {len(writers.acknowledged)} writes acknowledged, {writers.refused} refused")


def _service(name: str) -> dict[str, Any]:
    return {"name": name, "image": "host", "command": ["true"], "replicas": 0}


def _manager(cluster: Cluster, name: str) -> dict[str, Any]:
    status = cluster.okube("status", "-o", "json")
    managers = status.json["managers"] if status.status == 0 else []
    return next((m for m in managers if m["name"] == name), {"state": "unknown", "role": "unknown"})


def _agree(managers: list[dict[str, Any]]) -> bool:
    return len({(m["revision"], m["digest"]) for m in managers}) == 1 and managers[0]["digest"] is not None
