"""The network as the scheduler sees it: declared by people, seeded by cluster.yaml, measured by agents."""

import math
import random

import msgspec
import pytest

from okube.manager.survey import Survey
from okube.manager.topology import declared_in, plan_seeding_topology, topology_in
from okube.model import commands as c
from okube.model.decode import decode
from okube.model.network import Coordinate
from okube.model.topology import DeclaredTopology
from okube.model.versions import COMMAND_VERSION
from okube.model.wire import NetworkReport
from okube.network.coordinates import DIMENSIONS
from tests.builders import Cluster
from tests.unit.manager.conftest import Api
from tests.unit.manager.test_survey import SetClock

DECLARED = decode(
    DeclaredTopology,
    {
        "zones": {
            "within": {"latency": "1ms", "bandwidth": "10G"},
            "pairs": [{"from": "a", "to": "b", "latency": "20ms"}, {"from": "b", "to": "a", "bandwidth": "100M"}],
        }
    },
    what="topology",
)


def a_cluster() -> Cluster:
    cluster = Cluster()
    for name, zone in (("w1", "a"), ("w2", "a"), ("w3", "b"), ("w4", "")):
        cluster.node(name)
        cluster.apply(c.UpdateNode(name, zone=zone))
    return cluster


def test_what_the_file_declares_counts_once_and_never_over_what_was_set() -> None:
    cluster = a_cluster()
    cluster.apply(c.PutTopology(DECLARED, seed=True))
    assert declared_in(cluster.tables) == DECLARED
    cluster.apply(c.PutTopology(DeclaredTopology()))
    cluster.apply(c.PutTopology(DECLARED, seed=True))
    assert declared_in(cluster.tables) == DeclaredTopology()


async def test_the_file_is_proposed_once_all_managers_know_of_it(api: Api) -> None:
    settings = msgspec.structs.replace(api.core.settings, topology=DECLARED)
    cluster = Cluster()
    assert plan_seeding_topology(cluster.tables, settings) == []
    cluster.apply(c.EnableVersion(COMMAND_VERSION))
    assert plan_seeding_topology(cluster.tables, api.core.settings) == []
    (command,) = plan_seeding_topology(cluster.tables, settings)
    cluster.apply(command)
    assert plan_seeding_topology(cluster.tables, settings) == []


def test_it_is_in_a_snapshot() -> None:
    cluster, other = a_cluster(), Cluster()
    cluster.apply(c.PutTopology(DECLARED))
    other.machine.restore(b"".join(cluster.machine.snapshot()))
    assert declared_in(other.tables) == DECLARED
    assert other.tables.digest.hex() == cluster.tables.digest.hex()


def test_what_is_measured_counts_before_what_is_declared_and_holes_stay_holes() -> None:
    cluster = a_cluster()
    cluster.apply(c.PutTopology(DECLARED))
    assert topology_in(cluster.tables, None).latency_from(0).tolist()[:3] == [0.0, 0.001, 0.020]
    survey = Survey(cluster.tables, SetClock(), random.Random(1))
    for name, milliseconds in (("w1", 0), ("w3", 7)):
        place = Coordinate((milliseconds / 1000, *[0.0] * (DIMENSIONS - 1)), 0.0, 0.1)
        survey.heard(name, NetworkReport(place, link_bps=10**9))
    topology = topology_in(cluster.tables, survey)
    assert topology.latency_from(0).tolist()[:3] == [0.0, 0.001, pytest.approx(0.007)]
    assert math.isnan(topology.latency_from(0)[3])
    assert topology.bandwidth_from(0).tolist()[1:] == [10**9, 10**9, 10**9]


async def test_what_get_gives_put_takes_and_it_is_told(api: Api) -> None:
    while api.core.tables.settings.command_version < COMMAND_VERSION:
        await api.core.raft.wait_applied(api.core.raft.applied_index + 1)
    assert (await api("GET", "/v1/net/topology")).body == {}
    said = {"zones": {"pairs": [{"from": "a", "to": "b", "latency": "2ms", "bandwidth": "100M"}]}}
    put = (await api("PUT", "/v1/net/topology", said)).body
    assert put == {"zones": {"pairs": [{"from": "a", "to": "b", "latency": 0.002, "bandwidth": 10**8}]}}
    assert (await api("GET", "/v1/net/topology")).body == put
    assert (await api("PUT", "/v1/net/topology", put)).body == put
    (event,) = (await api("GET", "/v1/events?kind=topology-changed")).body
    assert event["message"] == "what is declared of the network: zones (1 pairs)"


@pytest.mark.parametrize(
    ("pair", "path"),
    [
        ({"from": "a", "to": "b", "latency": -1}, "zones.pairs[0].latency"),
        ({"from": "a", "to": "b", "bandwidth": "fast"}, "zones.pairs[0].bandwidth"),
        ({"from": "a", "to": "b"}, "zones.pairs[0]"),
        ({"from": "", "to": "b", "latency": 1}, "zones.pairs[0].from"),
        ({"form": "a", "to": "b", "latency": 1}, "zones.pairs[0].form"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_place(api: Api, pair: dict[str, object], path: str) -> None:
    answer = await api("PUT", "/v1/net/topology", {"zones": {"pairs": [pair]}})
    assert answer.status == 422
    assert path in [error["path"] for error in answer.body["errors"]]
