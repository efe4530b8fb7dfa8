"""What the leader knows of the network, and whom it has measured by whom."""

import math
import random

import numpy as np
import pytest

from okube.manager.netview import net_view, pairs_from
from okube.manager.survey import EVERY_S, EVERY_UNSURE_S, NEAR_AT_ONCE, PEERS_AT_ONCE, STALE_S, Survey
from okube.model.network import Coordinate
from okube.model.node import Node
from okube.model.wire import NetworkReport, RoundTrip
from okube.network.coordinates import DIMENSIONS, ORIGIN, distance, updated
from okube.state import Tables


class SetClock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s

    def time_ms(self) -> int:
        return round(self.now_s * 1000)


class Network:
    """A leader's survey of nodes that the test has speak."""

    def __init__(self, *zones: str) -> None:
        self.tables = Tables()
        self.clock = SetClock()
        for number, zone in enumerate(zones, 1):
            self.tables.put_node(Node(name=f"w{number}", id=f"i{number}", address=f"192.0.2.{number}:7201", zone=zone))
        self.survey = Survey(self.tables, self.clock, random.Random(1))

    def say(self, name: str, coordinate: Coordinate | None = None, /, **measured: float) -> None:
        found = tuple(RoundTrip(peer, seconds) for peer, seconds in measured.items())
        self.survey.heard(name, NetworkReport(coordinate, found))

    def asked(self, name: str) -> list[str]:
        """Whom the node is to measure next, once it is time."""
        self.clock.now_s += 2 * EVERY_S
        probing = self.survey.probing(name)
        return [] if probing is None else [peer.node for peer in probing.peers]


def at(milliseconds: float, *, error: float = 0.1) -> Coordinate:
    return Coordinate((milliseconds / 1000, *[0.0] * (DIMENSIONS - 1)), 0.00001, error)


def test_a_node_measures_a_few_others_and_never_itself() -> None:
    network = Network(*[""] * 30)
    seen: set[str] = set()
    for _ in range(40):
        asked = network.asked("w1")
        assert len(asked) == len(set(asked)) == PEERS_AT_ONCE
        seen |= set(asked)
    assert "w1" not in seen
    assert len(seen) > 25


def test_some_are_of_its_zone_and_some_of_anywhere() -> None:
    network = Network(*["a"] * 5, *["b"] * 40)
    for _ in range(10):
        zones = [network.tables.nodes[name].zone for name in network.asked("w1")]
        assert len(zones) == PEERS_AT_ONCE
        assert zones.count("a") >= NEAR_AT_ONCE


def test_in_a_small_cluster_it_measures_all() -> None:
    assert sorted(Network("a", "a", "b").asked("w1")) == ["w2", "w3"]
    assert Network("a").asked("w1") == []


def test_nodes_that_are_down_are_not_measured() -> None:
    network = Network("a", "a", "b")
    network.tables.put_node(Node(name="w2", id="i2", address="192.0.2.2:7201", state="down"))
    assert network.asked("w1") == ["w3"]


@pytest.mark.parametrize(("error", "every_s"), [(1.0, EVERY_UNSURE_S), (0.1, EVERY_S)])
def test_one_that_knows_little_measures_more_often(error: float, every_s: float) -> None:
    network = Network("a", "b")
    network.say("w1", at(1, error=error))
    assert network.survey.probing("w1") is not None
    network.clock.now_s += 0.8 * every_s
    assert network.survey.probing("w1") is None
    network.clock.now_s += 0.4 * every_s
    assert network.survey.probing("w1") is not None


def test_a_node_is_believed_where_the_others_find_it() -> None:
    network = Network("a", "a", "b")
    for name, place in (("w2", at(0)), ("w3", at(10))):
        network.say(name, place)
    network.say("w2", at(0), w1=0.0105)
    network.say("w3", at(10), w1=0.0004)
    network.say("w1", at(10), w2=0.0105)
    assert network.survey.believed("w1") == at(10)


def test_one_that_lies_about_its_place_is_found_out_by_the_others() -> None:
    network = Network("a", "a", "b", "b")
    for name in ("w2", "w3", "w4"):
        network.say(name, at(0), w1=0.010)
    network.say("w1", at(500, error=0.0), w2=0.5)
    assert network.survey.believed("w1") is None
    (node, *_) = net_view(network.tables.nodes, network.survey, lambda _: None).nodes
    assert node.coordinate is None
    assert node.message.startswith("the others do not find it")
    network.clock.now_s += EVERY_S
    told = network.survey.probing("w2")
    assert told is not None
    (liar,) = (peer.coordinate for peer in told.peers if peer.node == "w1")
    own = at(0, error=0.02)
    assert math.dist(updated(own, liar, 0.010, [1.0] * DIMENSIONS).position, own.position) < 0.0001


def test_one_that_jumps_about_and_tells_nothing_of_the_others_is_found_out_too() -> None:
    network = Network(*[""] * 4)
    for number in (1, 2, 3):
        network.say(f"w{number}", at(0))
    for claimed in (0, 5, 100, 1):
        network.say("w4", at(claimed, error=0.0))
        for number in (1, 2, 3):
            network.say(f"w{number}", at(0), w4=0.050)
        assert network.survey.believed("w4") is None
    network.say("w4", at(49))
    assert network.survey.believed("w4") is not None
    network.say("w4", at(1))
    assert network.survey.believed("w4") is None


def test_one_that_lies_about_others_is_outvoted() -> None:
    network = Network("a", "a", "b", "b")
    for name in ("w2", "w3"):
        network.say(name, at(0), w1=0.010)
    network.say("w4", at(0), w1=30.0)
    network.say("w1", at(10), w2=0.010)
    assert network.survey.believed("w1") == at(10)


def test_a_new_leader_believes_those_that_are_sure_until_somebody_measured() -> None:
    network = Network("a", "a")
    network.say("w1", at(10, error=0.1))
    network.say("w2", at(0, error=0.9))
    assert network.survey.believed("w1") == at(10)
    assert network.survey.believed("w2") is None


def test_one_of_which_nothing_is_heard_any_more_is_nowhere() -> None:
    network = Network("a")
    network.say("w1", at(10))
    network.clock.now_s += STALE_S + 1
    assert network.survey.believed("w1") is None


@pytest.mark.parametrize("bad", [at(math.nan), at(math.inf), at(1e9), Coordinate((), 0.0, 0.0)])
def test_numbers_that_cannot_be_are_passed_over(bad: Coordinate) -> None:
    network = Network("a", "a")
    network.say("w1", at(10))
    network.say("w1", bad, w2=math.nan, w1=0.01, w9=0.01)
    assert network.survey.believed("w1") == at(10)
    assert network.survey.place("w9") is None
    assert not pairs_from("w1", ["w2"], network.survey)[0].measured


def test_rows_have_what_is_known_and_nothing_for_the_rest() -> None:
    network = Network("a", "a", "b")
    network.survey.heard("w1", NetworkReport(at(10), link_bps=10**10))
    network.survey.heard("w2", NetworkReport(None, link_bps=-5))
    coordinates, links = network.survey.rows(["w1", "w2", "w3"])
    assert coordinates.shape == (3, DIMENSIONS + 1)
    assert coordinates[0, 0] == 0.01
    assert np.isnan(coordinates[1:]).all()
    assert links.tolist() == [10**10, -1, -1]


def test_what_is_known_of_nodes_that_are_gone_is_forgotten() -> None:
    network = Network("a", "a")
    network.say("w2", at(10))
    network.tables.delete_node("w2")
    assert network.asked("w1") == []
    assert network.survey.place("w2") is None


def test_an_agent_that_starts_anew_hears_where_it_was() -> None:
    network = Network("a", "a")
    network.say("w1", at(10))
    network.say("w1", None)
    network.clock.now_s += EVERY_S
    probing = network.survey.probing("w1")
    assert probing is not None
    assert probing.own == at(10)


def test_zones_show_the_median_of_their_pairs_measured_ones_first() -> None:
    network = Network("a", "a", "b")
    network.say("w1", at(0), w3=0.012)
    network.say("w2", at(0))
    network.say("w3", at(10))
    view = net_view(network.tables.nodes, network.survey, lambda _: "then")
    found = {(zone.origin, zone.target): zone for zone in view.zones}
    assert set(found) == {("a", "a"), ("a", "b"), ("b", "b")}
    assert found["a", "b"].highest == 0.012
    assert found["a", "b"].lowest == pytest.approx(distance(at(0), at(10)))
    assert (found["a", "b"].pairs, found["a", "b"].measured) == (2, 1)
    assert (found["b", "b"].pairs, found["b", "b"].latency) == (0, None)


def test_without_a_leader_nothing_is_known_and_all_is_there() -> None:
    network = Network("a", "b")
    view = net_view(network.tables.nodes, None, lambda _: None)
    assert [node.name for node in view.nodes] == ["w1", "w2"]
    assert all(zone.latency is None for zone in view.zones)
    assert pairs_from("w1", network.tables.nodes, None)[0].latency is None


def test_a_large_cluster_is_shown_by_some_that_stand_for_all() -> None:
    network = Network(*[f"z{number % 20}" for number in range(400)])
    for name in network.tables.nodes:
        network.say(name, ORIGIN, **{"w1": 0.001} if name != "w1" else {})
    view = net_view(network.tables.nodes, network.survey, lambda _: None)
    assert len(view.nodes) == 400
    assert sum(zone.pairs for zone in view.zones) <= 2 * 4000
