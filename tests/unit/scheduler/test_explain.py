import pytest

from okube.scheduler import TaskGroup, place
from tests.unit.scheduler.builders import GIB, MIB, Node, a_group, a_port, a_table


def why(group: TaskGroup, *nodes: Node) -> str:
    """The reason of the only rejection, without its opening."""
    placement = place(a_table(*nodes), [group])
    assert placement.placed == []
    assert len(placement.rejected) == 1
    return placement.rejected[0].message.removeprefix("no node fits: ")


def test_without_nodes_the_sentence_says_so() -> None:
    assert why(a_group()) == "there are no nodes"
    assert why(a_group(pinned={"web.1": "a"})) == "there are no nodes"


def test_nodes_are_grouped_by_the_first_reason_most_nodes_first() -> None:
    group = a_group(memory=2 * GIB, ports=(a_port(8080),), constraints=("node.labels.disk == ssd",))
    ssd = {"disk": "ssd"}
    busy = [Node(f"busy{n}", memory_used=8 * GIB - n * 400 * MIB, labels=ssd) for n in (1, 2, 3)]
    cordoned = [Node(f"cordoned{n}", availability="cordoned") for n in (1, 2)]
    others = [
        Node("slow", labels={"disk": "hdd"}),
        Node("taken", labels=ssd, ports=frozenset({(8080, "tcp")})),
        Node("dead", ready=False, availability="cordoned"),
    ]

    placement = place(a_table(*busy, *cordoned, *others), [group])

    assert placement.rejected[0].message == (
        "no node fits: 3 nodes: memory 2.0 GiB asked, 1.2 GiB free at most; 2 nodes: cordoned; 1 node: down; "
        "1 node: constraint node.labels.disk == ssd not met (disk is hdd); 1 node: host port 8080/tcp taken"
    )


def test_the_ways_out_of_service_are_told_apart() -> None:
    nodes = [Node("a", availability="draining"), Node("b", availability="drained"), Node("c", availability="drained")]

    assert why(a_group(), *nodes) == "2 nodes: drained; 1 node: draining"


def test_more_than_any_node_has_is_told_from_more_than_is_free() -> None:
    group = a_group(memory=64 * GIB)

    assert why(group, Node("a"), Node("b", memory=4 * GIB)) == (
        "2 nodes: memory 64.0 GiB asked, the largest node has 8.0 GiB"
    )
    assert why(group, Node("a")) == "1 node: memory 64.0 GiB asked, the node has 8.0 GiB"


def test_nodes_that_are_too_small_are_told_from_a_large_one_that_is_full() -> None:
    large = Node("large", memory=128 * GIB, memory_used=100 * GIB)

    assert why(a_group(memory=64 * GIB), Node("a"), Node("b"), large) == (
        "2 nodes: memory 64.0 GiB asked, the largest of these has 8.0 GiB; 1 node: memory 64.0 GiB asked, 28.0 GiB free"
    )


@pytest.mark.parametrize(
    ("group", "reason"),
    [
        (a_group(cpus=2.5), "2 nodes: cpu 2.5 cores asked, 1 core free at most"),
        (a_group(cpus=8), "2 nodes: cpu 8 cores asked, the largest node has 4 cores"),
        (a_group(disk=90 * GIB), "2 nodes: disk 90.0 GiB asked, 50.0 GiB free at most"),
        (a_group(memory=512 * MIB), "2 nodes: memory 512.0 MiB asked, none free"),
    ],
)
def test_each_resource_has_its_words(group: TaskGroup, reason: str) -> None:
    full = {"cores_used": 3.0, "memory_used": 9 * GIB, "disk_used": 50 * GIB}

    assert why(group, Node("a", **full), Node("b", **full)) == reason  # type: ignore[arg-type]  # three of the fields


def test_a_near_miss_does_not_read_like_a_contradiction() -> None:
    assert why(a_group(memory=8 * GIB), Node("a", memory_used=10 * MIB)) == (
        "1 node: memory 8.00 GiB asked, 7.99 GiB free"
    )


def test_a_label_that_is_not_there_is_told() -> None:
    nodes = [Node("a"), Node("b", labels={"disk": "hdd"}), Node("c", labels={"disk": "nvme"})]

    assert why(a_group(constraints=("node.labels.disk == ssd",)), *nodes) == (
        "3 nodes: constraint node.labels.disk == ssd not met (disk is hdd or nvme or not set)"
    )


def test_many_values_are_not_listed() -> None:
    nodes = [Node(f"w{n}") for n in range(4)]

    assert why(a_group(constraints=("node.name == w9",)), *nodes) == "4 nodes: constraint node.name == w9 not met"


def test_each_node_counts_for_the_first_constraint_it_fails() -> None:
    nodes = [Node("a", zone="rack-b"), Node("b", zone="rack-b", labels={"disk": "ssd"})]
    group = a_group(constraints=("node.labels.disk == ssd", "node.zone != rack-b"))

    assert why(group, *nodes) == (
        "1 node: constraint node.labels.disk == ssd not met (disk is not set); "
        "1 node: constraint node.zone != rack-b not met"
    )


def test_a_node_counts_for_the_first_port_that_is_taken() -> None:
    nodes = [Node("a", ports=frozenset({(80, "tcp"), (443, "tcp")})), Node("b", ports=frozenset({(443, "tcp")}))]

    assert why(a_group(ports=(a_port(80), a_port(443))), *nodes) == (
        "1 node: host port 80/tcp taken; 1 node: host port 443/tcp taken"
    )


def test_an_exhausted_range_of_ports_is_told() -> None:
    placement = place(a_table(Node("a")), [a_group(2, ports=(a_port(),))], port_range=(5000, 5000))

    assert placement.rejected[0].message == "no node fits: 1 node: too few free host ports in 5000-5000"


def test_a_port_that_one_task_asks_for_twice_is_told() -> None:
    group = a_group(ports=(a_port(80), a_port(80, container=81)))

    assert why(group, Node("a"), Node("b")) == "2 nodes: host port 80/tcp asked 2 times by one task"
