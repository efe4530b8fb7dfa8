from math import inf, isnan, nan

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from okube.scheduler.declared import Cost, Level, LevelCosts, Place
from okube.scheduler.network import DEFAULT_TRAFFIC, Neighbour, NetworkView, on_a_scale
from okube.scheduler.topology import Topology
from tests.property.scheduler.limits import allowed_slowly

_zones = st.lists(st.sampled_from(["", "a", "b", "c"]), min_size=1, max_size=7)
_costs = st.builds(Cost, st.sampled_from([nan, 0.001, 0.003, 0.02]), st.sampled_from([-1, 10**6, 10**8]))
_declared = st.builds(
    LevelCosts,
    st.dictionaries(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), _costs, max_size=5),
    _costs,
    _costs,
)


@st.composite
def _neighbours(draw: st.DrawFn, nodes: int) -> Neighbour:
    rows = sorted(draw(st.sets(st.integers(0, nodes - 1))))
    return Neighbour(
        "db",
        np.array(rows, dtype=np.int64),
        np.array([draw(st.integers(1, 3)) for _ in rows], dtype=np.int64),
        draw(st.sampled_from([inf, 0.001, 0.005])),
        draw(st.sampled_from([0, 10**7])),
        draw(st.sampled_from([0, 10**6])),
        draw(st.booleans()),
    )


@st.composite
def _cases(draw: st.DrawFn) -> tuple[list[str], LevelCosts, list[int], Neighbour]:
    zones = draw(_zones)
    own = sorted(draw(st.sets(st.integers(0, len(zones) - 1))))
    return zones, draw(_declared), own, draw(_neighbours(len(zones)))


def a_topology(zones: list[str], costs: LevelCosts) -> Topology:
    return Topology([Place("eu", zone) for zone in zones], {Level.ZONE: costs})


def cost_slowly(topology: Topology, own: list[int], asked: Neighbour, node: int) -> float:
    """The cost of a node where all round trips are known."""
    traffic = asked.traffic_bps or DEFAULT_TRAFFIC
    if not asked.depends:
        nearest: float = min((float(topology.latency_from(node)[row]) for row in asked.rows.tolist()), default=0.0)
        return traffic * nearest
    pairs = zip(asked.rows.tolist(), asked.tasks.tolist(), strict=True)
    total: float = sum(
        traffic * tasks * min(float(topology.latency_from(row)[mine]) for mine in [*own, node]) for row, tasks in pairs
    )
    return total


@settings(max_examples=200, deadline=None)
@given(_cases())
def test_arrays_keep_limits_as_the_rule_does_pair_by_pair(
    case: tuple[list[str], LevelCosts, list[int], Neighbour],
) -> None:
    zones, costs, own, asked = case
    topology = a_topology(zones, costs)

    verdict = NetworkView(topology).judge(np.array(own, dtype=np.int64), [asked])

    assert verdict.allowed.tolist() == allowed_slowly(topology, own, asked)


@settings(max_examples=200, deadline=None)
@given(_cases())
def test_costs_are_finite_and_as_the_rule_says_where_all_is_known(
    case: tuple[list[str], LevelCosts, list[int], Neighbour],
) -> None:
    zones, costs, own, asked = case
    topology = a_topology(zones, costs)

    cost = NetworkView(topology).judge(np.array(own, dtype=np.int64), [asked]).cost

    assert np.isfinite(cost).all()
    assert (cost >= 0).all()
    rows = range(len(zones))
    if not any(isnan(latency) for row in rows for latency in topology.latency_from(row).tolist()):
        np.testing.assert_allclose(cost, [cost_slowly(topology, own, asked, node) for node in rows], rtol=1e-9)


@settings(max_examples=100, deadline=None)
@given(_cases())
def test_another_task_of_a_dependency_never_makes_a_node_too_far(
    case: tuple[list[str], LevelCosts, list[int], Neighbour],
) -> None:
    zones, costs, own, asked = case
    if asked.depends or len(asked.rows) == 0:
        return
    view, mine = NetworkView(a_topology(zones, costs)), np.array(own, dtype=np.int64)
    everywhere = np.arange(len(zones))
    more = Neighbour("db", everywhere, np.ones_like(everywhere), asked.max_latency_s, asked.min_bandwidth_bps)

    before, after = view.judge(mine, [asked]).allowed, view.judge(mine, [more]).allowed

    assert (after | ~before).all()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 1e30), max_size=8))
def test_the_scale_keeps_the_order_and_stays_within_0_and_1(costs: list[float]) -> None:
    scale = on_a_scale(np.array(costs))

    assert ((scale >= 0) & (scale <= 1)).all()
    by_cost = scale[np.argsort(costs, kind="stable")]
    assert (np.diff(by_cost) >= 0).all()
