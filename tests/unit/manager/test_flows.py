from okube.manager.explaining import view_of_placement
from okube.manager.flows import flows_in
from okube.manager.topology import topology_in
from okube.model.commands import PutTopology, UpdateNode
from okube.model.topology import DeclaredTopology, LevelTopology, PathCost
from okube.scheduler import policy_of
from okube.scheduler.links import Links
from okube.scheduler.reserved import Reserved
from tests.builders import Cluster, a_spec
from tests.unit.manager.test_calls import message, where

M = 10**6
TO_DB = {"service": "db", "min_bandwidth": 100 * M}


def two_zones(between_bps: int) -> Cluster:
    """``w1`` with db in zone a, ``w2`` in zone b, and so much between the zones."""
    cluster = Cluster()
    for name, zone in (("w1", "a"), ("w2", "b")):
        cluster.node(name)
        cluster.apply(UpdateNode(name, zone=zone))
    zones = LevelTopology(between=PathCost(bandwidth=between_bps))
    cluster.apply(PutTopology(DeclaredTopology(zones=zones)))
    cluster.put(a_spec("db", constraints=["node.name == w1"]))
    cluster.settle()
    return cluster


def used(cluster: Cluster) -> dict[str, float]:
    links = Links(topology_in(cluster.tables, None), sorted(cluster.tables.nodes))
    found = Reserved(links, flows_in(cluster.tables)).used
    return {links.link(number).words: bps / M for number, bps in enumerate(found.tolist()) if bps}


def test_nobody_who_asks_for_bandwidth_makes_no_flows() -> None:
    cluster = two_zones(250 * M)
    cluster.put(a_spec("web", depends_on=["db"]))
    cluster.settle()

    assert flows_in(cluster.tables) == []


def test_what_tasks_reserve_is_released_when_they_end() -> None:
    cluster = two_zones(250 * M)
    cluster.put(a_spec("web", replicas=2, depends_on=[TO_DB], constraints=["node.name == w2"]))
    cluster.settle()
    assert used(cluster) == {"the link of node w1": 200, "the link of node w2": 200, "the link of zones a and b": 200}

    cluster.put(a_spec("web", replicas=1, depends_on=[TO_DB], constraints=["node.name == w2"]))
    cluster.settle()
    assert used(cluster)["the link of zones a and b"] == 100


def test_another_service_does_not_get_what_one_has_reserved() -> None:
    cluster = two_zones(150 * M)
    cluster.put(a_spec("web", depends_on=[TO_DB], constraints=["node.name == w2"]))
    cluster.put(a_spec("api", depends_on=[TO_DB], constraints=["node.name == w2"]))
    cluster.settle()

    assert where(cluster, "web") == ["w2"]
    assert where(cluster, "api") == [None]
    assert message(cluster, "api") == (
        "no node fits: 1 node: constraint node.name == w2 not met (name is w1); "
        "1 node: 100 Mbit/s to db asked, 50 Mbit/s free on the link of zones a and b"
    )


def test_a_link_that_becomes_slower_than_what_is_reserved_moves_nothing() -> None:
    cluster = two_zones(250 * M)
    cluster.put(a_spec("web", replicas=2, depends_on=[TO_DB], constraints=["node.name == w2"]))
    cluster.settle()
    cluster.apply(PutTopology(DeclaredTopology(zones=LevelTopology(between=PathCost(bandwidth=100 * M)))))
    cluster.settle()

    assert where(cluster, "web") == ["w2", "w2"]


def test_why_a_task_is_where_it_is_counts_what_it_holds_itself_as_free() -> None:
    cluster = two_zones(100 * M)
    cluster.put(a_spec("web", depends_on=[TO_DB], constraints=["node.name == w2"]))
    cluster.settle()
    (task,) = cluster.tables.tasks_of(cluster.tables.service_ids["web"])

    assert view_of_placement(cluster.tables, task, policy_of("spread", {})).fitting == 1
