import itertools
import math
import random
import statistics

import pytest

from okube.model.network import Coordinate
from okube.network.coordinates import DIMENSIONS, ORIGIN, RoundTrips, distance, is_sound, misfit, updated

ZONES_MS = ((0.3, 10.0, 30.0), (10.0, 0.3, 24.0), (30.0, 24.0, 0.3))


def a_place(*position: float, height: float = 0.001, error: float = 0.1) -> Coordinate:
    return Coordinate((*position, *[0.0] * (DIMENSIONS - len(position))), height, error)


def surveyed(per_zone: int, rounds: int, *, liars: int = 0, seed: int = 1) -> tuple[list[Coordinate], list[int]]:
    """Nodes in three zones that measure four of the others in each round, with noise; the first few tell nonsense."""
    rng = random.Random(seed)
    zones = [number // per_zone for number in range(3 * per_zone)]
    places = [ORIGIN] * len(zones)
    known = [RoundTrips() for _ in zones]
    for _, here in itertools.product(range(rounds), range(len(zones))):
        for there in rng.sample([each for each in range(len(zones)) if each != here], 4):
            way_s = ZONES_MS[zones[here]][zones[there]] / 1000
            rtt_s = min(way_s * (1 + rng.expovariate(20)) + rng.expovariate(10_000) for _ in range(3))
            lies = Coordinate(tuple(rng.uniform(-1, 1) for _ in range(DIMENSIONS)), 0.0, 0.0)
            peer = lies if there < liars else places[there]
            counts_s = known[here].add(str(there), rtt_s)
            direction = [rng.gauss(0, 1) for _ in range(DIMENSIONS)]
            places[here] = updated(places[here], peer, counts_s, direction)
    return places, zones


def wrong_between_zones(places: list[Coordinate], zones: list[int], first: int = 0) -> list[float]:
    pairs = itertools.combinations(range(first, len(zones)), 2)
    far = [(a, b) for a, b in pairs if zones[a] != zones[b]]
    true_s = [ZONES_MS[zones[a]][zones[b]] / 1000 for a, b in far]
    found = [misfit(distance(places[a], places[b]), seconds) for (a, b), seconds in zip(far, true_s, strict=True)]
    return sorted(found)


@pytest.mark.parametrize("per_zone", [2, 10])
def test_three_zones_find_their_distances_within_a_tenth(per_zone: int) -> None:
    wrong = wrong_between_zones(*surveyed(per_zone, 60))
    assert statistics.median(wrong) < 0.05
    assert wrong[-1] < 0.1


def test_nodes_of_one_zone_are_near_each_other() -> None:
    places, zones = surveyed(10, 60)
    near = [distance(places[a], places[b]) for a, b in itertools.combinations(range(30), 2) if zones[a] == zones[b]]
    assert statistics.median(near) < 0.001


def test_a_tenth_of_liars_does_not_carry_the_others_away() -> None:
    wrong = wrong_between_zones(*surveyed(10, 60, liars=3), first=3)
    assert statistics.median(wrong) < 0.2
    assert wrong[-1] < 1.0


def test_a_node_behind_a_slow_link_gets_a_height() -> None:
    rng = random.Random(3)
    places = [ORIGIN] * 4
    for _ in range(200):
        for here, there in itertools.permutations(range(4), 2):
            rtt_s = 0.040 if 0 in (here, there) else 0.002
            direction = [rng.gauss(0, 1) for _ in range(DIMENSIONS)]
            places[here] = updated(places[here], places[there], rtt_s, direction)
    assert distance(places[0], places[1]) == pytest.approx(0.040, rel=0.1)
    assert places[0].height > 4 * places[1].height


@pytest.mark.parametrize("rtt_s", [math.nan, math.inf, -0.01, 0.0, 61.0])
def test_round_trips_that_cannot_be_change_nothing(rtt_s: float) -> None:
    own = a_place(0.01)
    assert updated(own, a_place(0.02), rtt_s, [1.0] * DIMENSIONS) == own


@pytest.mark.parametrize(
    "peer",
    [
        a_place(math.nan),
        a_place(math.inf),
        a_place(61.0),
        a_place(0.0, height=-0.001),
        a_place(0.0, height=math.nan),
        a_place(0.0, error=-1.0),
        a_place(0.0, error=math.nan),
        Coordinate((0.0, 0.0), 0.0, 0.1),
    ],
)
def test_peers_that_cannot_be_where_they_say_change_nothing(peer: Coordinate) -> None:
    own = a_place(0.01)
    assert not is_sound(peer)
    assert updated(own, peer, 0.01, [1.0] * DIMENSIONS) == own


def test_a_peer_that_jumped_far_away_pulls_no_harder_than_one_that_is_near() -> None:
    own = a_place(0.0, error=0.1)
    moved = updated(own, a_place(59.0, error=0.0), 0.010, [1.0] * DIMENSIONS)
    assert math.dist(own.position, moved.position) <= 0.005


def test_a_node_that_is_sure_hardly_believes_one_that_is_not() -> None:
    sure = a_place(0.0, error=0.02)
    moved = updated(sure, a_place(0.030, error=1.5), 0.010, [1.0] * DIMENSIONS)
    assert math.dist(sure.position, moved.position) < 0.0001


def test_two_nodes_in_one_place_part_along_the_direction() -> None:
    moved = updated(ORIGIN, ORIGIN, 0.010, [0.0, 2.0, *[0.0] * (DIMENSIONS - 2)])
    assert moved.position[1] > 0.001
    assert [part for n, part in enumerate(moved.position) if n != 1] == [0.0] * (DIMENSIONS - 1)


def test_of_a_pair_a_low_one_of_the_last_measurements_counts() -> None:
    known = RoundTrips(window=5)
    assert [known.add("w2", ms) for ms in (10, 90, 11, 95)] == [10, 10, 10, 10]
    assert [known.add("w2", ms) for ms in (12, 30, 31, 32, 33)] == [11, 12, 12, 30, 30]


def test_only_so_many_peers_are_remembered() -> None:
    known = RoundTrips(most=2)
    for name in ("w1", "w2", "w1", "w3"):
        known.add(name, 1.0)
    assert len(known) == 2
    assert known.add("w2", 7.0) == 7.0
