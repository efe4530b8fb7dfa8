from okube.model import commands as c
from okube.model.versions import version_of
from tests.builders import Cluster

MOVED = c.UpdateNode("w1", address="192.0.2.71:7201")


def a_cluster() -> Cluster:
    cluster = Cluster()
    cluster.node("w1")
    return cluster


def test_a_node_is_reached_elsewhere_and_stays_what_it_is() -> None:
    cluster = a_cluster()
    before = cluster.tables.nodes["w1"]
    cluster.apply(MOVED)
    node = cluster.tables.nodes["w1"]
    assert (node.address, node.id, node.state, node.joined_ms) == (
        "192.0.2.71:7201",
        before.id,
        before.state,
        before.joined_ms,
    )


def test_what_its_agent_says_of_its_address_counts_no_more() -> None:
    cluster = a_cluster()
    cluster.apply(MOVED)
    cluster.node("w1")  # its agent registers again, with what its file says
    assert cluster.tables.nodes["w1"].address == "192.0.2.71:7201"


def test_until_then_it_does() -> None:
    cluster = a_cluster()
    cluster.apply(c.RegisterNode("w1", "i-w1", "192.0.2.9:7201", {}, "", 4.0, 1, 1, "docker", "1"))
    assert cluster.tables.nodes["w1"].address == "192.0.2.9:7201"


def test_an_address_that_another_node_has_is_refused() -> None:
    cluster = a_cluster()
    cluster.node("w2")
    cluster.apply(MOVED)
    (result,) = cluster.apply(c.UpdateNode("w2", address="192.0.2.71:7201"))
    assert isinstance(result, c.Refused)
    assert "the address of node w1" in result.detail


def test_the_story_tells_from_where_and_to_where() -> None:
    cluster = a_cluster()
    cluster.apply(MOVED, MOVED)
    told = [(event.kind, event.message) for event in cluster.tables.events.rows()][1:]
    assert told == [("node-readdressed", "is reached at 192.0.2.71:7201 now; it was at 192.0.2.1:7201")]


def test_a_manager_that_moved_is_told_of_too() -> None:
    cluster = Cluster()
    cluster.apply(c.TellOfManager("m2", "readdressed", "192.0.2.62:7101", "ann", "192.0.2.12:7101"))
    (event,) = cluster.tables.events.rows()
    assert (event.kind, event.subject, event.message, event.by) == (
        "manager-readdressed",
        "m2",
        "is reached at 192.0.2.62:7101 now; it was at 192.0.2.12:7101",
        "ann",
    )


def test_managers_that_do_not_know_of_it_are_not_told() -> None:
    assert version_of(MOVED) == version_of(c.TellOfManager("m2", "readdressed", "a", "", "b")) == 3
    assert version_of(c.UpdateNode("w1", "cordoned")) == 1
