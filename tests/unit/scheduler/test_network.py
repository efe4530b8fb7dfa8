from math import inf, nan

import numpy as np
import pytest

from okube.scheduler.declared import Cost, Level, LevelCosts, Place
from okube.scheduler.network import DEFAULT_TRAFFIC, Neighbour, NetworkView, on_a_scale
from okube.scheduler.topology import Topology

NONE = np.array([], dtype=np.int64)
ZONES = LevelCosts(within=Cost(0.001, 10**10), between=Cost(0.010, 10**8))


def a_view(*zones: str, costs: LevelCosts = ZONES) -> NetworkView:
    return NetworkView(Topology([Place("eu", zone) for zone in zones], {Level.ZONE: costs}))


def tasks_on(*rows: int, limit: float = inf, least: int = 0, traffic: int = 0, depends: bool = False) -> Neighbour:
    found, counts = np.unique(np.array(rows, dtype=np.int64), return_counts=True)
    return Neighbour("db", found, counts, limit, least, traffic, depends)


def test_where_nobody_is_a_neighbour_all_nodes_cost_nothing_and_fit() -> None:
    verdict = a_view("a", "b").judge(NONE, [])

    assert verdict.cost.tolist() == [0, 0]
    assert verdict.allowed.all()


def test_a_neighbour_without_a_task_on_a_node_asks_for_nothing() -> None:
    verdict = a_view("a", "b").judge(NONE, [tasks_on(limit=0.001)])

    assert verdict.allowed.all()
    assert not verdict.refusals


def test_a_node_costs_the_traffic_times_the_round_trip_to_the_nearest_task() -> None:
    verdict = a_view("a", "a", "b").judge(NONE, [tasks_on(0, 2, traffic=10**7)])

    assert verdict.cost.tolist() == pytest.approx([0, 10**4, 0])


def test_traffic_that_nobody_told_counts_alike() -> None:
    verdict = a_view("a", "a").judge(NONE, [tasks_on(0)])

    assert verdict.cost.tolist() == [0, DEFAULT_TRAFFIC * 0.001]


def test_a_limit_on_the_round_trip_is_kept_by_those_that_are_near_one_task() -> None:
    verdict = a_view("a", "a", "b", "c").judge(NONE, [tasks_on(0, 2, limit=0.002)])

    assert verdict.allowed.tolist() == [True, True, True, False]
    assert verdict.refusals[0][0].complaint == "no task of db is within 2 ms"


def test_both_limits_are_kept_on_the_way_to_one_and_the_same_task() -> None:
    slow_but_near = LevelCosts({("a", "b"): Cost(0.001, 10**6), ("a", "c"): Cost(0.5, 10**10)})

    verdict = a_view("a", "b", "c", costs=slow_but_near).judge(NONE, [tasks_on(1, 2, limit=0.002, least=10**8)])

    assert not verdict.allowed[0]
    assert verdict.refusals[0][0].complaint == "no task of db is within 2 ms and at 100 Mbit/s or more"


def test_what_is_unknown_fulfils_no_limit_while_anything_is_known() -> None:
    verdict = a_view("a", "a", "").judge(NONE, [tasks_on(0, limit=0.002, least=1)])

    assert verdict.allowed.tolist() == [True, True, False]


def test_where_nothing_at_all_is_known_a_limit_is_passed_over() -> None:
    verdict = NetworkView(Topology([Place()] * 3)).judge(NONE, [tasks_on(0, limit=0.002, least=10**8)])

    assert verdict.allowed.all()


def test_an_unknown_round_trip_costs_as_much_as_the_worst_that_is_known() -> None:
    verdict = a_view("a", "b", "").judge(NONE, [tasks_on(0)])

    assert verdict.cost.tolist() == pytest.approx([0, 10**4, 10**4])


def test_dependents_count_what_a_further_task_would_spare_them() -> None:
    own, dependents = np.array([0]), tasks_on(2, 3, 3, depends=True)

    verdict = a_view("a", "a", "b", "b").judge(own, [dependents])

    far, near = 3 * 10**4, (1 * 10**3 + 0, 0 + 2 * 10**3)
    assert verdict.cost.tolist() == pytest.approx([far, far, near[1], near[0]])


def test_a_new_task_must_be_near_one_of_the_dependents_that_have_none_near() -> None:
    view, own = a_view("a", "b", "c", "b"), np.array([0])

    verdict = view.judge(own, [tasks_on(0, 1, limit=0.002, depends=True)])

    assert verdict.allowed.tolist() == [False, True, False, True]


def test_no_node_is_too_far_while_all_dependents_have_one_near() -> None:
    verdict = a_view("a", "b").judge(np.array([0]), [tasks_on(0, limit=0.002, depends=True)])

    assert verdict.allowed.all()


def test_each_direction_has_its_own_round_trip() -> None:
    view = a_view("a", "b", costs=LevelCosts({("a", "b"): Cost(0.001), ("b", "a"): Cost(0.100)}))

    assert view.judge(NONE, [tasks_on(1, limit=0.002)]).allowed.tolist() == [True, True]
    assert view.judge(NONE, [tasks_on(1, limit=0.002, depends=True)]).allowed.tolist() == [False, True]


def test_on_the_scale_the_cheapest_is_0_the_dearest_1_and_what_is_near_stays_apart() -> None:
    scale = on_a_scale(np.array([0.0, 0.0005, 0.002, 0.05])).tolist()

    assert scale[0] == 0
    assert scale[3] == 1
    assert scale[1] - scale[0] > 0.1
    assert scale[2] - scale[1] > 0.1


def test_differences_of_microseconds_stay_small_on_the_scale() -> None:
    verdict = a_view("a", "a", "a", costs=LevelCosts(within=Cost(0.000_02))).judge(NONE, [tasks_on(0)])

    assert 0 < verdict.scaled.max() < 0.1


@pytest.mark.parametrize("cost", [[], [3.0], [2.0, 2.0]])
def test_equal_costs_are_all_0_on_the_scale(cost: list[float]) -> None:
    assert on_a_scale(np.array(cost)).tolist() == [0.0] * len(cost)


def test_tasks_without_a_known_latency_cost_alike_everywhere() -> None:
    view = NetworkView(Topology([Place()] * 2, coordinates=np.array([[nan, nan], [nan, nan]])))

    assert len(set(view.judge(NONE, [tasks_on(0, 1, depends=True)]).cost.tolist())) == 1
