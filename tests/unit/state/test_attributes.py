"""What constraints can ask of a node, and from when on."""

from typing import Any

import pytest

from okube.model import commands as c
from okube.model.versions import version_of
from okube.state.attributes import attributes_of
from tests.builders import Cluster, a_spec


def a_cluster() -> Cluster:
    cluster = Cluster()
    cluster.apply(c.EnableVersion(6))
    for name, region, rack, platform in (("w1", "eu", "r1", "linux/amd64"), ("w2", "us", "r2", "linux/arm64")):
        node = c.RegisterNode(
            name, f"i-{name}", "192.0.2.1:7201", {}, "", 4.0, 8 << 30, 8 << 30, "docker", "1", region=region, rack=rack
        )
        cluster.apply(c.RegisterNode(**{f: getattr(node, f) for f in node.__struct_fields__} | {"platform": platform}))
    return cluster


@pytest.mark.parametrize(
    ("constraint", "node"),
    [
        ("node.region == us", "w2"),
        ("node.region != us", "w1"),
        ("node.rack == r2", "w2"),
        ("node.platform == linux/amd64", "w1"),
    ],
)
def test_a_task_goes_to_the_region_rack_or_platform_that_its_service_wants(constraint: str, node: str) -> None:
    cluster = a_cluster()
    cluster.put(
        a_spec("web", replicas=3, constraints=[constraint]),
        a_spec("agent", mode="global", constraints=[constraint]),
        a_spec("api", prefer=[{"constraint": constraint, "weight": 100}]),
    )
    cluster.settle()
    assert {task.node for task in cluster.tables.tasks.values()} == {node}


def test_a_global_service_follows_a_node_to_another_region() -> None:
    cluster = a_cluster()
    cluster.put(a_spec("agent", mode="global", constraints=["node.region == eu"]))
    cluster.settle()
    cluster.apply(c.UpdateNode("w1", region="us"), c.UpdateNode("w2", region="eu"))
    cluster.settle()
    assert [task.node for task in cluster.tables.tasks.values() if not task.ended] == ["w2"]


def test_what_a_node_does_not_have_is_no_attribute_of_it() -> None:
    cluster = Cluster()
    cluster.node("w1", labels={"disk": "ssd"})
    assert attributes_of(cluster.tables.nodes["w1"]) == {
        "node.name": "w1",
        "node.zone": "",
        "node.role": "worker",
        "node.runtime": "docker",
        "node.labels.disk": "ssd",
    }


@pytest.mark.parametrize(
    ("fields", "needed"),
    [
        ({"constraints": ["node.zone == a"]}, 1),
        ({"constraints": ["node.labels.region == a"]}, 1),
        ({"constraints": ["node.zone == a", "node.region == eu"]}, 6),
        ({"constraints": ["node.rack != r1"]}, 6),
        ({"prefer": ["node.zone == a"]}, 5),
        ({"prefer": ["node.platform == linux/arm64"]}, 6),
    ],
)
def test_every_manager_must_know_what_a_constraint_asks_about(fields: dict[str, Any], needed: int) -> None:
    assert version_of(c.PutServices((a_spec(**fields),), ("s1",), "create")) == needed
