"""Another CA takes the place of the cluster's while clients work; and a cluster comes back from past every expiry."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from okube.security import ClusterFiles, Identity
from okube.security.authorityfiles import AuthorityFiles
from okube.security.ca import Authority, ca_id, load_ca, mark_in
from okube.security.issue import install
from okube.security.seed import read_process_identity, read_seed
from tests.lab.cluster import Cluster
from tests.lab.test_renewal import Load

_LONG_AGO_MS = 1_600_000_000_000


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(
        tmp_path_factory.mktemp("authority"),
        runtime="process",
        workers=2,
        node_down_after="12s",
        timing={"election": "2s"},
    )
    try:
        yield made
    finally:
        made.destroy()


def signers(cluster: Cluster) -> set[str]:
    """The ids of the CAs that signed what the processes have in their folders."""
    files = ClusterFiles(cluster.data_dir)
    return {mark_in(files.process(name).tls).partition(".")[2] for name in (*cluster.managers, *cluster.workers)}


def all_renewed(cluster: Cluster) -> bool:
    found: dict[str, Any] = cluster.json("cluster", "ca")
    return found["changing"] == "signing" and not found["waits_for"]


def expire(cluster: Cluster, authority: Authority) -> None:
    """Every certificate ended years ago, as if the cluster had been off since."""
    files = ClusterFiles(cluster.data_dir)
    for name in (*cluster.managers, *cluster.workers):
        who = read_process_identity(files.process(name).identity)
        identity = Identity(who.cluster_id, who.role, name, who.instance)
        install(authority, identity, files.process(name).tls, hosts=("127.0.0.1",), now_ms=_LONG_AGO_MS)
    admin = Identity(read_seed(files.seed).cluster_id, "admin", "admin")
    install(authority, admin, files.admin, now_ms=_LONG_AGO_MS)


def test_another_ca_comes_while_clients_work_and_then_the_cluster_sleeps_past_every_expiry(cluster: Cluster) -> None:
    cluster.up()
    cluster.ok("run", "--image", "host", "--name", "web", "--replicas", "1", "--", "sleep", "100000")
    (key,) = cluster.folder.rglob("ca.key")
    files = AuthorityFiles(cluster.data_dir, key.parent)
    former = ca_id(load_ca(files).certificate)
    epoch = cluster.json("status")["epoch"]
    load = Load(cluster, "web", fresh=True)
    load.start()
    try:
        cluster.ok("cluster", "rotate-ca")
        cluster.wait(lambda: all_renewed(cluster), "all have a certificate of the new CA")
        (newer,) = signers(cluster)
        assert newer != former
        cluster.ok("cluster", "rotate-ca", "--finish")
        cluster.wait(lambda: ca_id(load_ca(files).certificate) == newer, "the files of this machine have followed")
        calls = load.calls
        cluster.wait(lambda: load.calls > calls + 5, "calls are answered")
    finally:
        load.ending.set()
        load.join(30)
    assert load.failures == []
    assert cluster.json("status")["epoch"] == epoch
    assert [each["id"] for each in cluster.json("cluster", "ca")["trusted"]] == [newer]

    cluster.ok("down")
    expire(cluster, load_ca(files))
    files.key.unlink()
    files.certificate.unlink()  # what is left of the CA is in the managers' state
    renewed = cluster.ok("cluster", "renew")
    assert renewed.out.count("renewed, good until") == 6
    began = time.monotonic()
    cluster.up()
    assert signers(cluster) == {newer}
    assert time.monotonic() - began < 60
    cluster.ok("scale", "web=2")
    assert "certificate has expired" not in cluster.logs()
