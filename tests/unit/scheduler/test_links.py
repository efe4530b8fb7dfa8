from math import inf

import numpy as np

from okube.scheduler.declared import Cost, Level, LevelCosts, Place
from okube.scheduler.links import Link, Links
from okube.scheduler.topology import Topology

A1, A2, B1 = Place("eu", "a", "1"), Place("eu", "a", "2"), Place("eu", "b", "1")
C1 = Place("us", "c", "1")


def links_of(*places: Place, speeds: list[int] | None = None, **levels: LevelCosts) -> Links:
    topology = Topology(
        places,
        {Level[name.upper()]: costs for name, costs in levels.items()},
        links=None if speeds is None else np.array(speeds),
    )
    return Links(topology, [f"w{number}" for number in range(len(places))])


def between(links: Links, origin: int, target: int) -> Link | None:
    number = int(links.shared(np.array(origin), np.array(target)))
    return None if number < 0 else links.link(number)


def carried(links: Links, origin: int, target: int) -> float:
    number = links.shared(np.array(origin), np.array(target))
    return float(links.capacity[number])


def test_a_node_has_a_link_as_fast_as_its_agent_says_and_any_where_it_cannot_say() -> None:
    links = links_of(A1, B1, speeds=[10**9, -1])

    assert links.capacity.tolist() == [1e9, inf]
    assert links.link(0).words == "the link of node w0"


def test_two_zones_share_one_link_both_ways() -> None:
    links = links_of(A1, B1, zone=LevelCosts(between=Cost(bandwidth_bps=10**8)))

    assert between(links, 0, 1) == between(links, 1, 0) == Link("zone", "a", "b")
    assert carried(links, 0, 1) == 1e8


def test_a_pair_with_another_bandwidth_for_the_way_back_is_two_links() -> None:
    pairs = {("a", "b"): Cost(bandwidth_bps=10**8), ("b", "a"): Cost(bandwidth_bps=10**7)}
    links = links_of(A1, B1, zone=LevelCosts(pairs))

    assert between(links, 0, 1) == Link("zone", "a", "b", one_way=True)
    assert carried(links, 0, 1) == 1e8
    assert carried(links, 1, 0) == 1e7
    assert links.link(int(links.shared(np.array(1), np.array(0)))).words == "the link from zone b to a"


def test_a_bandwidth_that_is_declared_for_one_way_alone_limits_nothing_on_the_way_back() -> None:
    pairs = {("a", "b"): Cost(bandwidth_bps=10**8), ("b", "a"): Cost(0.002)}
    links = links_of(A1, B1, zone=LevelCosts(pairs))

    assert between(links, 0, 1) == Link("zone", "a", "b", one_way=True)
    assert between(links, 1, 0) is None


def test_the_nearest_level_that_says_a_bandwidth_has_the_link() -> None:
    zones = LevelCosts(within=Cost(bandwidth_bps=10**10))
    racks = LevelCosts({("1", "2"): Cost(bandwidth_bps=10**9), ("2", "1"): Cost(bandwidth_bps=10**9)}, within=Cost(0.1))
    links = links_of(A1, A2, B1, zone=zones, rack=racks)

    assert between(links, 0, 1) == Link("rack", "eu/a/1", "2")  # another zone has a rack 1 too
    assert between(links, 0, 0) == Link("zone", "a", "a")
    assert between(links, 0, 2) is None


def test_pairs_of_places_that_nobody_spoke_of_have_no_link() -> None:
    links = links_of(A1, C1, Place(), zone=LevelCosts(between=Cost(bandwidth_bps=10**8)))

    assert between(links, 0, 1) is None  # of two regions
    assert between(links, 0, 2) is None  # nowhere
    assert between(links_of(A1, B1), 0, 1) is None


def test_nearest_is_the_rack_then_the_zone_then_the_region_then_what_is_declared_as_near() -> None:
    far = LevelCosts(between=Cost(0.080))
    links = links_of(
        A1, A2, B1, C1, Place("au", "d", "1"), region=LevelCosts({("eu", "us"): Cost(0.02)}, between=far.between)
    )

    order = links.nearness(np.array(0), np.arange(5))

    assert np.argsort(order).tolist() == [0, 1, 2, 3, 4]
    assert len(set(order.tolist())) == 5


def test_all_links_between_places_with_nodes_are_met_once() -> None:
    links = links_of(A1, A1, B1, zone=LevelCosts(within=Cost(bandwidth_bps=10**10), between=Cost(bandwidth_bps=10**9)))

    assert [links.link(number).words for number in links.all().tolist()[3:]] == [
        "the links inside zone a",
        "the link of zones a and b",
        "the links inside zone b",
    ]
