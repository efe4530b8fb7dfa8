from math import inf, isnan, nan

import numpy as np
import pytest

from okube.scheduler.declared import Cost, Level, LevelCosts, Place
from okube.scheduler.topology import UNLIMITED_BANDWIDTH, Topology

EU_A1, EU_A2, EU_B1, US_C1 = (
    Place("eu", "a", "1"),
    Place("eu", "a", "2"),
    Place("eu", "b", "1"),
    Place("us", "c", "1"),
)
REGIONS = LevelCosts({("eu", "us"): Cost(0.080, 10**9), ("us", "eu"): Cost(0.090, 10**9)})


def declared(*places: Place, **levels: LevelCosts) -> Topology:
    return Topology(places, {Level[name.upper()]: costs for name, costs in levels.items()})


def test_a_node_is_no_distance_from_itself_and_has_all_bandwidth_to_itself() -> None:
    topology = Topology([EU_A1, EU_A1])

    assert topology.latency_from(0)[0] == topology.latency_to(0)[0] == 0
    assert topology.bandwidth_from(0)[0] == UNLIMITED_BANDWIDTH


def test_what_nobody_measured_or_declared_is_unknown() -> None:
    topology = Topology([EU_A1, US_C1])

    assert isnan(topology.latency_from(0)[1])
    assert topology.bandwidth_from(0)[1] == -1
    assert not topology.knows_latencies()


def test_a_declared_pair_of_regions_holds_for_all_their_nodes() -> None:
    topology = declared(EU_A1, EU_B1, US_C1, region=REGIONS)

    assert topology.latency_from(1).tolist()[2] == 0.080
    assert topology.bandwidth_from(0)[2] == 10**9
    assert isnan(topology.latency_from(0)[1])  # nothing is said of the inside of a region: that stays a hole


def test_declared_costs_may_differ_by_direction() -> None:
    topology = declared(EU_A1, US_C1, region=REGIONS)

    assert topology.latency_from(0)[1] == topology.latency_to(1)[0] == 0.080
    assert topology.latency_to(0)[1] == topology.latency_from(1)[0] == 0.090


def test_the_nearest_level_that_says_something_counts() -> None:
    topology = declared(
        EU_A1,
        EU_A2,
        EU_B1,
        US_C1,
        zone=LevelCosts({("a", "c"): Cost(0.070)}, within=Cost(0.0005, 10**10), between=Cost(0.002)),
        region=REGIONS,
    )

    assert topology.latency_from(0).tolist() == [0, 0.0005, 0.002, 0.070]
    assert topology.bandwidth_from(0).tolist() == [UNLIMITED_BANDWIDTH, 10**10, -1, 10**9]
    assert topology.latency_from(2)[3] == 0.080


def test_a_general_word_on_racks_is_about_racks_of_one_zone() -> None:
    topology = declared(
        EU_A1, EU_A2, EU_B1, rack=LevelCosts(between=Cost(0.0003)), zone=LevelCosts(between=Cost(0.002))
    )

    assert topology.latency_from(0).tolist() == [0, 0.0003, 0.002]


def test_racks_of_one_name_in_two_zones_are_two_racks() -> None:
    topology = declared(EU_A1, EU_A1, EU_B1, rack=LevelCosts({("1", "1"): Cost(0.0001)}))

    assert topology.latency_from(0)[1] == 0.0001
    assert isnan(topology.latency_from(0)[2])


def test_a_node_without_a_zone_is_not_in_the_zone_of_another_without() -> None:
    topology = declared(Place(), Place(), zone=LevelCosts(within=Cost(0.001), between=Cost(0.002)))

    assert isnan(topology.latency_from(0)[1])


def test_coordinates_of_both_ends_win_over_what_is_declared() -> None:
    coordinates = np.array([[0.0, 0.0, 0.001], [0.003, 0.004, 0.002], [nan, nan, nan]])
    topology = Topology([EU_A1, US_C1, US_C1], {Level.REGION: REGIONS}, coordinates=coordinates)

    assert topology.latency_from(0).tolist() == [0, pytest.approx(0.008), 0.080]


@pytest.mark.parametrize("impossible", [[inf, 0.001], [0.0, -0.001], [1e308, 0.0], [-1e308, 0.0], [0.0, nan]])
def test_coordinates_that_cannot_be_count_as_none(impossible: list[float]) -> None:
    topology = Topology([EU_A1, US_C1], {Level.REGION: REGIONS}, coordinates=np.array([[0.0, 0.001], impossible]))

    assert topology.latency_from(0)[1] == 0.080


def test_a_bandwidth_is_the_least_of_the_places_and_both_links() -> None:
    places, links = [EU_A1, US_C1, US_C1, EU_A1], np.array([10**10, 10**8, -1, -1])
    topology = Topology(places, {Level.REGION: REGIONS}, links=links)

    assert topology.bandwidth_from(0).tolist() == [UNLIMITED_BANDWIDTH, 10**8, 10**9, 10**10]
    assert topology.bandwidth_to(3).tolist() == [10**10, 10**8, 10**9, UNLIMITED_BANDWIDTH]


def test_a_matrix_has_the_rows_of_its_origins() -> None:
    topology = declared(EU_A1, US_C1, EU_A1, region=REGIONS, zone=LevelCosts(within=Cost(0.001)))

    matrix = topology.latency_between(np.array([0, 1]), np.array([0, 1, 2]))

    assert matrix.tolist() == [[0, 0.080, 0.001], [0.090, 0, 0.090]]


@pytest.mark.parametrize("latency_s", [-0.001, inf, -inf])
def test_a_latency_that_cannot_be_is_refused(latency_s: float) -> None:
    with pytest.raises(ValueError, match="is no latency"):
        Cost(latency_s)


def test_a_negative_bandwidth_is_refused() -> None:
    with pytest.raises(ValueError, match="is no bandwidth"):
        Cost(bandwidth_bps=-2)


def test_columns_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="do not belong to 1 nodes"):
        Topology([EU_A1], coordinates=np.zeros((2, 3)))
