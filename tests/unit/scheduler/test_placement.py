import pytest

from okube.scheduler import PlacedTask, Placement, Rejection, place
from tests.unit.scheduler.builders import GIB, Node, a_group, a_port, a_table


def nodes_of(placement: Placement) -> list[str]:
    return [task.node for task in placement.placed]


def test_nothing_to_place_is_nothing_placed() -> None:
    assert place(a_table(Node("a")), [a_group(0)]) == Placement()
    assert place(a_table(), []) == Placement()


def test_a_placed_task_has_its_node_and_ports_in_the_order_asked() -> None:
    placement = place(a_table(Node("a")), [a_group(ports=(a_port(), a_port(8443), a_port(protocol="udp")))])

    assert placement.placed == [PlacedTask("web.1", "a", (30000, 8443, 30000))]


@pytest.mark.parametrize(
    "unusable",
    [
        Node("a", ready=False),
        Node("a", availability="cordoned"),
        Node("a", labels={"disk": "hdd"}),
        Node("a", cores=1),
        Node("a", memory_used=7 * GIB),
        Node("a", disk=GIB),
        Node("a", ports=frozenset({(8080, "tcp")})),
    ],
)
def test_a_node_that_any_filter_refuses_gets_nothing(unusable: Node) -> None:
    group = a_group(
        cpus=2, memory=2 * GIB, disk=2 * GIB, ports=(a_port(8080),), constraints=("node.labels.disk != hdd",)
    )

    assert place(a_table(unusable), [group]).placed == []
    assert nodes_of(place(a_table(unusable, Node("b", tasks=9)), [group])) == ["b"]


def test_who_asks_for_none_of_a_resource_fits_where_it_is_overdrawn() -> None:
    assert nodes_of(place(a_table(Node("a", memory_used=9 * GIB)), [a_group(cpus=1)])) == ["a"]


def test_ten_tenths_of_a_core_fit_into_one_core() -> None:
    assert len(place(a_table(Node("a", cores=1)), [a_group(11, cpus=0.1)]).placed) == 10


def test_a_group_takes_from_the_groups_behind_it() -> None:
    groups = [a_group(3, service="first", cpus=1), a_group(3, service="second", cpus=1)]

    placement = place(a_table(Node("a", cores=4)), groups)

    assert [task.task for task in placement.placed] == ["first.1", "first.2", "first.3", "second.1"]
    assert placement.rejected[0].tasks == ("second.2", "second.3")


def test_a_fixed_port_goes_to_one_task_a_node_across_groups() -> None:
    groups = [a_group(service="first", ports=(a_port(80),)), a_group(2, service="second", ports=(a_port(80),))]

    placement = place(a_table(Node("a"), Node("b")), groups)

    assert [(task.task, task.node) for task in placement.placed] == [("first.1", "a"), ("second.1", "b")]
    assert placement.rejected[0].tasks == ("second.2",)


def test_a_given_out_port_of_the_range_is_taken_for_those_who_ask_for_it() -> None:
    groups = [a_group(service="first", ports=(a_port(),)), a_group(service="second", ports=(a_port(30000),))]

    placement = place(a_table(Node("a")), groups)

    assert placement.rejected == [Rejection(("second.1",), "no node fits: 1 node: host port 30000/tcp taken")]


def test_the_range_of_host_ports_is_the_callers() -> None:
    placement = place(a_table(Node("a")), [a_group(3, ports=(a_port(),))], port_range=(5000, 5001))

    assert [task.host_ports for task in placement.placed] == [(5000,), (5001,)]
    assert len(placement.rejected) == 1


def test_two_groups_of_one_service_spread_as_one() -> None:
    groups = [a_group(1, service="web"), a_group(1, service="web", cpus=1)]

    assert nodes_of(place(a_table(Node("a", cores=64), Node("b", cores=2, cores_used=0.5)), groups)) == ["a", "b"]


def test_a_task_avoids_where_it_failed() -> None:
    group = a_group(2, avoid={"web.1": frozenset({"a"})})

    assert nodes_of(place(a_table(Node("a"), Node("b")), [group])) == ["b", "a"]


def test_an_avoided_node_is_used_when_nothing_else_fits() -> None:
    group = a_group(2, cpus=1, avoid={"web.1": frozenset({"a"}), "web.2": frozenset({"a", "gone"})})

    assert nodes_of(place(a_table(Node("a"), Node("b", cores=1)), [group])) == ["b", "a"]


def test_among_avoided_nodes_the_best_is_used() -> None:
    group = a_group(1, cpus=1, avoid={"web.1": frozenset({"a", "b"})})

    assert nodes_of(place(a_table(Node("a", cores_used=2), Node("b")), [group])) == ["b"]


def test_a_pinned_task_goes_to_its_node_whatever_the_score() -> None:
    group = a_group(3, pinned={"web.1": "c", "web.2": "b", "web.3": "c"}, avoid={"web.1": frozenset({"c"})})

    assert nodes_of(place(a_table(Node("a"), Node("b"), Node("c", cores_used=3)), [group])) == ["c", "b", "c"]


def test_tasks_that_are_not_pinned_take_the_pinned_ones_into_account() -> None:
    group = a_group(3, pinned={"web.1": "a", "web.2": "a"})

    assert nodes_of(place(a_table(Node("a"), Node("b")), [group])) == ["a", "a", "b"]


def test_one_node_may_take_everything() -> None:
    assert nodes_of(place(a_table(Node("a"), Node("b", ready=False)), [a_group(1000)])) == ["a"] * 1000


def test_a_node_that_lags_behind_catches_up_first() -> None:
    placed = {"a": 5, "b": 5}

    assert nodes_of(place(a_table(Node("a"), Node("b"), Node("c")), [a_group(7, placed=placed)])) == [*"cccccab"]


def test_tasks_of_a_group_that_fit_nowhere_share_one_rejection() -> None:
    group = a_group(4, cpus=3, avoid={"web.2": frozenset({"a"})})

    placement = place(a_table(Node("a", cores=4)), [group])

    assert placement.rejected == [
        Rejection(("web.2", "web.3", "web.4"), "no node fits: 1 node: cpu 3 cores asked, 1 core free")
    ]


def test_pinned_tasks_are_rejected_node_by_node() -> None:
    group = a_group(3, cpus=3, pinned={"web.1": "a", "web.2": "a", "web.3": "gone"})

    placement = place(a_table(Node("a", cores=4), Node("b")), [group])

    assert placement.rejected == [
        Rejection(("web.2",), "no node fits: it may run only on a: cpu 3 cores asked, 1 core free"),
        Rejection(("web.3",), "no node fits: it may run only on gone, and there is no such node"),
    ]


def test_a_constraint_that_cannot_be_read_rejects_its_group_and_no_other() -> None:
    groups = [a_group(2, service="bad", constraints=("node.color == red",)), a_group(1, service="good")]

    placement = place(a_table(Node("a")), groups)

    assert [task.task for task in placement.placed] == ["good.1"]
    assert placement.rejected[0].tasks == ("bad.1", "bad.2")
    assert "node.color == red" in placement.rejected[0].message


def test_the_table_is_left_as_it_was() -> None:
    table = a_table(Node("a"))

    place(table, [a_group(2, cpus=1, memory=GIB, disk=GIB, ports=(a_port(),))])

    assert (table.cpus_free[0], table.memory_free[0], table.disk_free[0], table.tasks[0]) == (4, 8 * GIB, 100 * GIB, 0)
    assert table.ports_used == (frozenset(),)
