"""The sentence that says why a task is where it is names what really made the difference."""

from okube.scheduler import place
from tests.unit.scheduler.builders import GIB, Node, a_group, a_table


def reasons(*nodes: Node, tasks: int = 1, **group: object) -> list[str]:
    placement = place(a_table(*nodes), [a_group(tasks, **group)])  # type: ignore[arg-type]  # keywords of the builder
    return [f"{task.node} {task.why}" for task in placement.placed]


def test_fewest_tasks_of_the_service() -> None:
    assert reasons(Node("a"), Node("b"), Node("c"), placed={"a": 1, "c": 2}) == [
        "b of 3 nodes that fit: fewest tasks of its service"
    ]


def test_the_least_loaded_with_its_most_used_resource() -> None:
    nodes = (Node("a", memory_used=6 * GIB), Node("b", memory_used=3 * GIB))
    assert reasons(*nodes, memory=1 * GIB) == ["b of 2 nodes that fit: least loaded (memory 50 %)"]


def test_the_zone_with_the_fewest() -> None:
    nodes = [Node("a0", zone="rack-a"), Node("a1", zone="rack-a"), Node("b0", zone="rack-b", cores_used=3)]
    assert reasons(*nodes, placed={"a0": 1}, cpus=1) == [
        "b0 of 3 nodes that fit: fewest tasks of its service, its zone has the fewest of them"
    ]


def test_equals_are_taken_by_name() -> None:
    assert reasons(Node("a"), Node("b")) == ["a of 2 nodes that fit: first by name"]


def test_who_asks_for_nothing_goes_where_the_fewest_tasks_are() -> None:
    assert reasons(Node("a", tasks=2), Node("b", tasks=1)) == ["b of 2 nodes that fit: fewest tasks of any kind"]


def test_the_only_node_that_fits() -> None:
    assert reasons(Node("a", cores_used=4), Node("b"), Node("c", ready=False), cpus=1) == [
        "b is the only one of 3 nodes that fits"
    ]
    assert reasons(Node("a")) == ["a is the only node"]


def test_nodes_that_do_not_fit_are_counted() -> None:
    nodes = (Node("a", ready=False), Node("b", tasks=1), Node("c"))
    assert reasons(*nodes) == ["c of 2 nodes that fit (of 3): fewest tasks of any kind"]


def test_a_bound_task_is_where_it_is_bound_to() -> None:
    assert reasons(Node("a"), Node("b"), pinned={"web.1": "b"}) == ["b is the only node that it may run on"]


def test_a_node_that_was_to_be_avoided_says_so() -> None:
    nodes = (Node("a", ready=False), Node("b"))
    assert reasons(*nodes, avoid={"web.1": frozenset({"b"})}) == [
        "b is the only one of 2 nodes that fits; it failed to start there lately, and fits nowhere else"
    ]


def test_many_tasks_share_one_sentence_a_step() -> None:
    nodes = tuple(Node(f"n{number:02}") for number in range(50))
    placement = place(a_table(*nodes), [a_group(100, cpus=0.01)])
    assert {task.why for task in placement.placed} == {"of 50 nodes that fit: each of these gets one"}
    assert len({id(task.why) for task in placement.placed}) == 2
