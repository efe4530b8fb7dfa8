from math import isnan, nan

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from okube.scheduler.declared import Cost, Level, LevelCosts, Place
from okube.scheduler.topology import Topology

_names = st.sampled_from(["", "a", "b", "c"])
_places = st.lists(st.builds(Place, _names, _names, _names), min_size=1, max_size=6)
_costs = st.builds(Cost, st.sampled_from([nan, 0.0, 0.001, 0.02]), st.sampled_from([-1, 0, 10**8]))
_pairs = st.dictionaries(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), _costs, max_size=4)
_levels = st.dictionaries(st.sampled_from(list(Level)), st.builds(LevelCosts, _pairs, _costs, _costs))


def said_slowly(origin: Place, target: Place, levels: dict[Level, LevelCosts]) -> float:
    """The rule of declared latencies, one pair at a time."""
    for level in sorted(levels):
        here, there, costs = origin.upto(level), target.upto(level), levels[level]
        if not here[-1] or not there[-1]:
            continue
        choices = []
        if here == there or here[-1] != there[-1]:
            choices.append(costs.pairs.get((here[-1], there[-1]), Cost()))
        if here == there:
            choices.append(costs.within)
        elif here[:-1] == there[:-1]:
            choices.append(costs.between)
        for cost in choices:
            if not isnan(cost.latency_s):
                return cost.latency_s
    return nan


@settings(max_examples=200, deadline=None)
@given(_places, _levels)
def test_arrays_say_what_the_rule_says_pair_by_pair(places: list[Place], levels: dict[Level, LevelCosts]) -> None:
    topology = Topology(places, levels)

    for row, origin in enumerate(places):
        expected = [0.0 if row == to else said_slowly(origin, target, levels) for to, target in enumerate(places)]
        np.testing.assert_array_equal(topology.latency_from(row), expected)
        back = [0.0 if row == to else said_slowly(target, origin, levels) for to, target in enumerate(places)]
        np.testing.assert_array_equal(topology.latency_to(row), back)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.floats(), min_size=3, max_size=3), min_size=1, max_size=6), _levels)
def test_no_coordinates_make_a_latency_negative_or_infinite(
    coordinates: list[list[float]], levels: dict[Level, LevelCosts]
) -> None:
    topology = Topology([Place("a", "b", "c")] * len(coordinates), levels, coordinates=np.array(coordinates))
    rows = np.arange(len(coordinates))

    matrix = topology.latency_between(rows, rows)

    known = matrix[~np.isnan(matrix)]
    assert (known >= 0).all()
    assert np.isfinite(known).all()
    for row in rows.tolist():
        np.testing.assert_allclose(matrix[row], topology.latency_from(row), rtol=1e-12)
        np.testing.assert_allclose(matrix[:, row], topology.latency_to(row), rtol=1e-12)


@settings(max_examples=100, deadline=None)
@given(st.permutations(range(5)), st.lists(st.builds(Place, _names, _names, _names), min_size=5, max_size=5), _levels)
def test_the_order_of_the_nodes_changes_nothing(
    order: list[int], places: list[Place], levels: dict[Level, LevelCosts]
) -> None:
    rows = np.array(order)
    straight, mixed = Topology(places, levels), Topology([places[row] for row in order], levels)

    np.testing.assert_array_equal(
        mixed.latency_between(np.arange(5), np.arange(5)), straight.latency_between(rows, rows)
    )
