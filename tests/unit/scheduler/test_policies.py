import numpy as np
import pytest

from okube.scheduler import Policy, place, policy_of
from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import FloatArray, IntArray
from okube.scheduler.policies import POLICY_WEIGHTS, SPREAD, Reach
from tests.unit.scheduler.builders import GIB, Node, a_group, a_table


def nodes_of(policy: Policy, *nodes: Node, tasks: int = 1, **group: object) -> list[str]:
    placement = place(a_table(*nodes), [a_group(tasks, **group)], policy=policy)  # type: ignore[arg-type]  # keywords of the builder
    assert not placement.rejected
    return [task.node for task in placement.placed]


def why(policy: Policy, *nodes: Node, **group: object) -> str:
    return place(a_table(*nodes), [a_group(1, **group)], policy=policy).placed[0].why  # type: ignore[arg-type]  # as above


def test_binpack_fills_the_fullest_node_that_fits_before_it_takes_another() -> None:
    nodes = [Node("a"), Node("b", cores_used=1), Node("c", cores_used=3)]
    assert nodes_of(policy_of("binpack", {}), *nodes, tasks=5, cpus=1) == ["c", "b", "b", "b", "a"]


def test_binpack_puts_tasks_that_ask_for_nothing_where_the_most_tasks_are() -> None:
    assert nodes_of(policy_of("binpack", {}), Node("a"), Node("b", tasks=2), tasks=2) == ["b", "b"]


def test_epvm_spares_the_scarce_resource() -> None:
    much_memory_used, much_cpu_used = Node("a", memory_used=7 * GIB), Node("b", cores_used=2)
    epvm = policy_of("epvm", {})
    assert nodes_of(epvm, much_memory_used, much_cpu_used, cpus=0.1, memory=GIB) == ["b"]
    assert nodes_of(epvm, much_memory_used, much_cpu_used, cpus=1) == ["a"]


def test_round_robin_takes_nodes_in_turn_and_goes_on_where_it_was() -> None:
    nodes = [Node("a", tasks=1), Node("b"), Node("c")]
    assert nodes_of(policy_of("round-robin", {}), *nodes, tasks=5) == ["b", "c", "a", "b", "c"]


def test_round_robin_passes_over_who_does_not_fit() -> None:
    nodes = [Node("a"), Node("b", ready=False), Node("c")]
    assert nodes_of(policy_of("round-robin", {}), *nodes, tasks=3) == ["a", "c", "c"]


@pytest.mark.parametrize("name", sorted(POLICY_WEIGHTS))
def test_no_policy_fills_a_node_beyond_what_it_has(name: str) -> None:
    placement = place(a_table(Node("a", cores=2), Node("b", cores=3)), [a_group(9, cpus=1)], policy=policy_of(name, {}))
    assert sorted(task.node for task in placement.placed) == [*"aabbb"]
    assert len(placement.rejected[0].tasks) == 4


def test_spread_with_weights_puts_load_before_zones_where_the_weights_say_so() -> None:
    nodes = [Node("a0", zone="a"), Node("a1", zone="a"), Node("b0", zone="b", cores_used=3)]
    assert nodes_of(SPREAD, *nodes, placed={"a0": 1}, cpus=0.5) == ["b0"]
    assert nodes_of(policy_of("spread", {"balance": 50.0}), *nodes, placed={"a0": 1}, cpus=0.5) == ["a1"]


def test_a_score_that_weighs_nothing_is_not_asked() -> None:
    policy = policy_of("spread", {"spread": 0.0})
    assert "spread" not in [term.score.name for term in policy.terms]


def test_a_weight_of_a_score_that_there_is_not_is_named_and_counts_nothing() -> None:
    policy = policy_of("binpack", {"colour": 5.0})
    assert policy.unknown == ("colour",)
    assert nodes_of(policy, Node("a"), Node("b", cores_used=1), cpus=1) == ["b"]


def test_the_reason_tells_what_each_score_added_and_who_came_next() -> None:
    assert why(policy_of("binpack", {}), Node("a"), Node("b", cores_used=1), cpus=1) == (
        "of 2 nodes that fit: least cost 50 (binpack 50); next a with 75"
    )
    assert why(policy_of("binpack", {}), Node("a"), Node("b"), cpus=1) == (
        "of 2 nodes that fit: least cost 75 (binpack 75); first by name"
    )


class Colour:
    """Somebody's own score, which is wrong about one node."""

    name = "colour"
    reach: Reach = "node"

    def applies(self, demand: Demand) -> bool:
        return True

    def costs(self, ledger: Ledger, demand: Demand, rows: IntArray) -> FloatArray:
        by_name = {"red": 0.2, "blue": float("nan"), "green": -7.0}
        return np.array([by_name[ledger.nodes.names[row]] for row in rows.tolist()])


def test_a_score_of_ones_own_counts_within_its_bounds_and_what_is_no_number_is_the_worst() -> None:
    policy = policy_of("binpack", {"colour": 10.0, "binpack": 0.0}, {"colour": Colour()})
    nodes = [Node("blue", cores=1), Node("green", cores=1), Node("red", cores=1)]
    assert nodes_of(policy, *nodes, tasks=3, cpus=1) == ["green", "red", "blue"]
    assert why(policy, *nodes) == "of 3 nodes that fit: least cost 0 (colour 0); next red with 2"
