"""Nodes of one machine share its ports."""

from okube.scheduler import PlacedTask, place
from tests.unit.scheduler.builders import Node, a_group, a_port, a_table


def test_free_ports_differ_over_the_nodes_of_one_machine() -> None:
    nodes = a_table(Node("a", host="192.0.2.1"), Node("b", host="192.0.2.1"), Node("c", host="192.0.2.2"))
    placed = place(nodes, [a_group(4, ports=(a_port(),))]).placed
    assert placed == [
        PlacedTask("web.1", "a", (30000,)),
        PlacedTask("web.2", "b", (30001,)),
        PlacedTask("web.3", "c", (30000,)),
        PlacedTask("web.4", "a", (30002,)),
    ]


def test_a_fixed_port_is_given_once_on_a_machine_and_the_rest_is_explained() -> None:
    nodes = a_table(Node("a", host="192.0.2.1"), Node("b", host="192.0.2.1"))
    placement = place(nodes, [a_group(2, ports=(a_port(8080),))])
    assert [(task.task, task.node) for task in placement.placed] == [("web.1", "a")]
    assert [(r.tasks, r.message) for r in placement.rejected] == [
        (("web.2",), "no node fits: 2 nodes: host port 8080/tcp taken")
    ]


def test_a_port_that_one_node_has_is_taken_on_its_machine() -> None:
    nodes = a_table(Node("a", host="192.0.2.1", ports=frozenset({(8080, "tcp")})), Node("b", host="192.0.2.1"))
    (rejection,) = place(nodes, [a_group(ports=(a_port(8080),))]).rejected
    assert rejection.message == "no node fits: 2 nodes: host port 8080/tcp taken"


def test_the_range_is_shared_too() -> None:
    nodes = a_table(Node("a", host="192.0.2.1"), Node("b", host="192.0.2.1"))
    placement = place(nodes, [a_group(4, ports=(a_port(),))], port_range=(30000, 30002))
    assert sorted(task.host_ports[0] for task in placement.placed) == [30000, 30001, 30002]
    assert [r.tasks for r in placement.rejected] == [("web.4",)]
