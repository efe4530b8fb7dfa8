"""The frontier gives the nodes that a look at all of them for each task gives."""

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from okube.scheduler.nodes import FloatArray, IntArray
from okube.scheduler.policies.frontier import Frontier


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.random.Generator, int, int, int, float]:
    drawn = np.random.default_rng(draw(st.integers(0, 2**32)))
    return drawn, draw(st.integers(1, 400)), draw(st.integers(1, 12)), draw(st.integers(1, 90)), draw(_steepness)


_steepness = st.sampled_from([0.0, 1.0, 30.0, 400.0])


@settings(max_examples=150, deadline=None)
@given(cases(), st.sampled_from([-3.0, 0.0, 2.0, 50.0]), st.booleans(), st.integers(2, 1000))
def test_each_task_gets_the_cheapest_node_of_all(
    case: tuple[np.random.Generator, int, int, int, float], own_step: float, zoned: bool, spread: int
) -> None:
    drawn, nodes, zone_count, wanted, zone_step = case
    first = drawn.integers(0, spread, nodes).astype(np.float64)
    zones = np.sort(drawn.integers(0, zone_count, nodes)) if zoned else np.zeros(nodes, dtype=np.int64)
    room = drawn.integers(0, 4, nodes)
    in_zone = {int(zone): int(drawn.integers(1, 4)) for zone in set(zones.tolist())} if zoned else {}

    def ahead(rows: IntArray, times: IntArray) -> FloatArray:
        return np.asarray(first[rows] + own_step * times + 7 * (times * (rows + 1) % 3), dtype=np.float64)

    start = np.where(room > 0, ahead(np.arange(nodes), np.zeros(nodes, dtype=np.int64)), np.inf)
    frontier = Frontier(start, room, zones if zoned else None, lambda n: zone_step * n, dict(in_zone), ahead)
    chosen = frontier.fill(wanted)

    expected: list[int] = []
    taken: Counter[int] = Counter()
    there = Counter(in_zone)
    for _ in range(wanted):
        times = np.array([taken[row] for row in range(nodes)])
        shares = np.array([zone_step * there[zone] for zone in zones.tolist()]) if zoned else 0.0
        costs = np.where(room > times, ahead(np.arange(nodes), times) + shares, np.inf)
        row = int(costs.argmin())
        if costs[row] == np.inf:
            break
        expected.append(row)
        taken[row] += 1
        there[int(zones[row])] += 1
    assert chosen == expected
    assert frontier.taken == dict(taken)
