from okube.scheduler import place
from tests.unit.scheduler.builders import GIB, Node, a_group, a_table


def nodes_of(*nodes: Node, tasks: int = 1, **group: object) -> list[str]:
    placement = place(a_table(*nodes), [a_group(tasks, **group)])  # type: ignore[arg-type]  # keywords of the builder
    assert not placement.rejected
    return [task.node for task in placement.placed]


def test_tasks_spread_over_nodes_before_any_node_gets_a_second() -> None:
    assert nodes_of(Node("a"), Node("b"), Node("c"), tasks=5, cpus=0.5) == ["a", "b", "c", "a", "b"]


def test_the_node_with_the_fewest_tasks_of_the_service_comes_first() -> None:
    assert nodes_of(Node("a"), Node("b"), tasks=3, placed={"a": 2}) == ["b", "b", "a"]


def test_spread_counts_more_than_balance() -> None:
    assert nodes_of(Node("a"), Node("b", cores_used=3), cpus=1, placed={"a": 1}) == ["b"]


def test_among_equal_nodes_the_zone_with_the_fewest_tasks_of_the_service_comes_first() -> None:
    rack_a, rack_b = [Node(f"a{n}", zone="rack-a") for n in range(3)], [Node(f"b{n}", zone="rack-b") for n in range(2)]

    assert nodes_of(*rack_a, *rack_b, tasks=5) == ["a0", "b0", "a1", "b1", "a2"]


def test_tasks_on_nodes_that_cannot_be_used_count_for_their_zone() -> None:
    nodes = [Node("a0", zone="rack-a", ready=False), Node("a1", zone="rack-a"), Node("b0", zone="rack-b")]

    assert nodes_of(*nodes, placed={"a0": 1}) == ["b0"]


def test_zones_count_more_than_balance() -> None:
    nodes = [Node("a0", zone="rack-a"), Node("a1", zone="rack-a"), Node("b0", zone="rack-b", cores_used=3)]

    assert nodes_of(*nodes, placed={"a0": 1}, cpus=1) == ["b0"]


def test_among_equals_the_least_loaded_node_after_placement_comes_first() -> None:
    assert nodes_of(Node("a", cores_used=2), Node("b", cores_used=1), cpus=1) == ["b"]
    assert nodes_of(Node("a", cores=2), Node("b", cores=16, cores_used=2), cpus=1) == ["b"]


def test_load_is_the_share_of_the_most_used_resource() -> None:
    full_of_memory = Node("a", memory_used=7 * GIB)
    half_of_cpu = Node("b", cores_used=2)

    assert nodes_of(full_of_memory, half_of_cpu, cpus=0.1) == ["b"]


def test_among_nodes_of_equal_load_the_one_with_fewer_tasks_comes_first() -> None:
    assert nodes_of(Node("a", tasks=3), Node("b", tasks=1), cpus=1) == ["b"]


def test_tasks_that_ask_for_nothing_go_where_the_fewest_tasks_are() -> None:
    assert nodes_of(Node("a", tasks=3), Node("b", tasks=1, cores_used=3)) == ["b"]
    assert nodes_of(Node("a", tasks=1, cores_used=3), Node("b", tasks=1)) == ["b"]


def test_services_of_one_task_that_asks_for_nothing_do_not_pile_up() -> None:
    groups = [a_group(service=f"s{n}") for n in range(4)]

    placement = place(a_table(Node("a"), Node("b", cores_used=1)), groups)

    assert [task.node for task in placement.placed] == ["a", "b", "a", "b"]


def test_ties_go_to_the_first_name() -> None:
    assert nodes_of(Node("w2"), Node("w10"), Node("w1"), cpus=1) == ["w1"]


def test_a_resource_a_node_has_none_of_does_not_count_as_load() -> None:
    assert nodes_of(Node("a", disk=0), Node("b", disk_used=GIB), cpus=0.01) == ["a"]
