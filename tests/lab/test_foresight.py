"""Plan, whatif, net cost and rebalance against a real cluster: what they say comes true, and asking changes nothing."""

from collections.abc import Iterator

import pytest

from tests.lab.cluster import Cluster

SHOP = """\
name: web
app: shop
image: host
command: [sleep, "1000"]
replicas: 3
resources: {cpus: 0.2, memory: 32M}
stop: {grace: 1s}
depends_on: [{service: db, traffic: 10M}]
---
name: db
app: shop
image: host
command: [sleep, "1000"]
resources: {cpus: 0.2, memory: 32M}
stop: {grace: 1s}
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("foresight"), runtime="process", managers=1, workers=3)
    try:
        made.up()
        yield made
    finally:
        made.destroy()


def _where(cluster: Cluster, service: str) -> dict[str, str]:
    return {task["name"]: task["node"] for task in cluster.tasks(service)}


def test_what_is_foreseen_comes_true(cluster: Cluster) -> None:
    shop = cluster.folder / "shop.yaml"
    shop.write_text(SHOP)
    names = cluster.workers
    cluster.ok("cordon", *names[1:])
    planned = cluster.json("plan", "-f", str(shop))
    assert planned["fits"]
    assert cluster.json("services") == []
    cluster.ok("apply", "-f", str(shop))
    assert _where(cluster, "web") == {t["name"]: t["node"] for t in planned["tasks"] if t["service"] == "web"}

    shop.write_text(SHOP.replace("cpus: 0.2", "cpus: 500", 1))
    refused = cluster.okube("plan", "-f", str(shop), "-o", "json")
    assert refused.status == 1
    assert "cpu 500 cores asked" in refused.json["tasks"][-1]["why"]

    cluster.ok("uncordon", *names[1:])
    lost = cluster.json("whatif", "--lose", "zone:rack-w1", "--add", f"2x{names[0]}@c")
    assert (lost["lost"], lost["moved"], lost["quorum"]["kept"]) == (["w1"], 4, True)
    cost = cluster.json("net", "cost", "shop")
    assert [(edge["service"], edge["depends_on"], edge["tasks"]) for edge in cost["edges"]] == [("web", "db", 3)]
    assert cost["best_cost"] <= cost["cost"]

    seen = cluster.json("rebalance", "--dry-run")
    assert seen["moves"]
    assert set(_where(cluster, "web").values()) == {names[0]}, "a dry run moved something"
    moves = {move["name"]: move["target"] for move in cluster.json("rebalance")["moves"]}
    cluster.wait(lambda: moves.items() <= (_where(cluster, "web") | _where(cluster, "db")).items(), "all have moved")
    cluster.wait(lambda: len(cluster.ready("web")) == 3 and len(cluster.ready("db")) == 1, "all are ready")
    assert cluster.json("rebalance", "--dry-run")["moves"] == []
