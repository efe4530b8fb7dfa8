"""Numbers that cannot be, from nodes that lie or out of overflow: nothing crashes, and nobody gains by them."""

from collections.abc import Callable
from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okube.model.scheduling import POLICIES
from okube.scheduler import CallRule, Placement, place, policy_of
from okube.scheduler.declared import Cost, Level, LevelCosts, Place
from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.network import NetworkView
from okube.scheduler.nodes import FloatArray, IntArray
from okube.scheduler.policies import Reach
from okube.scheduler.topology import Topology
from tests.unit.scheduler.builders import GIB, Node, a_group, a_table

_MOST = 2**63 - 1
_cores = st.sampled_from([0.0, 4.0, nan, inf, -inf, 1e308, -1e308, -3.0, 5e-324])
_bytes = st.sampled_from([0, 8 * GIB, _MOST, -_MOST, -GIB, 2**62])
_coordinate = st.tuples(*[st.one_of(st.sampled_from([nan, inf, -inf, 1e308, -1e308, 0.0]), st.floats())] * 3)


@pytest.mark.parametrize("name", POLICIES)
@settings(max_examples=30, deadline=None)
@given(
    cores=st.lists(st.tuples(_cores, _cores), min_size=3, max_size=3),
    memory=st.lists(st.tuples(_bytes, _bytes), min_size=3, max_size=3),
)
def test_no_capacity_crashes_a_placement_or_takes_more_than_there_is(
    name: str, cores: list[tuple[float, float]], memory: list[tuple[int, int]]
) -> None:
    table = replace(
        a_table(*(Node(f"w{number}") for number in range(3))),
        cpus_total=np.array([total for total, _ in cores]),
        cpus_free=np.array([free for _, free in cores]),
        memory_total=np.array([total for total, _ in memory]),
        memory_free=np.array([free for _, free in memory]),
    )
    free = {f"w{number}": (cores[number][1], memory[number][1]) for number in range(3)}

    placement = place(table, [a_group(5, cpus=1.5, memory=GIB)], policy=policy_of(name, {}))

    assert len(placement.placed) + sum(len(lot.tasks) for lot in placement.rejected) == 5
    for node, (free_cores, free_memory) in free.items():
        there = sum(task.node == node for task in placement.placed)
        assert there == 0 or (free_cores >= 1.5 * there and free_memory >= GIB * there)


@settings(max_examples=60, deadline=None)
@given(lie=_coordinate, traffic=st.sampled_from([0, 1, 10**9, 2**62]), limit=st.sampled_from([None, 0.01, 5.0]))
def test_a_node_whose_coordinate_cannot_be_does_not_draw_tasks(
    lie: tuple[float, float, float], traffic: int, limit: float | None
) -> None:
    """Nothing is declared, so nothing is known of the liar: it is as far as the farthest that is known."""
    if all(abs(number) <= 3600 for number in lie) and lie[-1] >= 0:
        return  # a coordinate that could be
    spots = np.array([(0.0, 0.0, 0.001), (0.001, 0.0, 0.001), (0.05, 0.0, 0.001), lie])

    placement = _calling(Topology([Place()] * 4, coordinates=spots), traffic, limit)

    assert {task.node for task in placement.placed} <= {"w0", "w1", "w2"}
    assert placement.placed[0].node == "w1"


@settings(max_examples=30, deadline=None)
@given(st.lists(_coordinate, min_size=4, max_size=4), st.sampled_from([None, 0.001, 5.0]))
def test_no_coordinates_whatever_crash_a_placement(
    spots: list[tuple[float, float, float]], limit: float | None
) -> None:
    costs = {Level.ZONE: LevelCosts(between=Cost(0.01, 0))}
    topology = Topology([Place("", f"z{row % 2}") for row in range(4)], costs, coordinates=np.array(spots))

    placement = _calling(topology, 2**62, limit)

    assert len(placement.placed) + sum(len(lot.tasks) for lot in placement.rejected) == 2


def _calling(topology: Topology, traffic: int, limit: float | None) -> Placement:
    """Two tasks that call one on w0, which is full."""
    group = replace(
        a_group(2, cpus=4),
        calls=(CallRule("db", "db", limit, traffic_bps=traffic),),
        others={"db": {"w0": 1}},
    )
    nodes = [Node("w0", cores_used=4), *(Node(f"w{number}") for number in range(1, 4))]
    return place(a_table(*nodes), [group], policy=policy_of("network", {}), network=NetworkView(topology))


class _Lying:
    """A score of somebody's own that says of each node what it is told to."""

    name = "lying"

    def __init__(self, says: list[float], reach: Reach) -> None:
        self._says = np.array(says)
        self.reach: Reach = reach

    def applies(self, demand: Demand) -> bool:
        return True

    def costs(self, ledger: Ledger, demand: Demand, rows: IntArray) -> FloatArray:
        return self._says[rows]


@pytest.mark.parametrize("name", POLICIES)
@settings(max_examples=30, deadline=None)
@given(
    says=st.lists(st.one_of(st.floats(), st.sampled_from([nan, inf])), min_size=4, max_size=4),
    reach=st.sampled_from(["node", "zone", "cluster"]),
)
def test_a_score_that_is_no_number_draws_no_tasks(name: str, says: list[float], reach: Reach) -> None:
    """Beside an equal node of which it says 1, the worst that a score may say, or what is no number, is no better."""
    policy = policy_of(name, {"lying": 1000.0, "round-robin": 0.0}, {"lying": _Lying([0.5, *says[1:]], reach)})

    placement = place(a_table(*(Node(f"w{number}") for number in range(4))), [a_group(1, cpus=1)], policy=policy)

    (task,) = placement.placed
    said = dict(zip(["w0", "w1", "w2", "w3"], [0.5, *says[1:]], strict=True))
    assert said[task.node] <= 0.5


@pytest.mark.parametrize("made", [lambda: Cost(-1.0), lambda: Cost(inf), lambda: Cost(0.1, -2)])
def test_costs_that_cannot_be_are_refused_where_they_are_declared(made: Callable[[], Cost]) -> None:
    with pytest.raises(ValueError, match="is no"):
        made()
