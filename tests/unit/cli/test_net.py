import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.unit.cli.cluster import Cluster
from tests.unit.client.playing import Manager

Okube = Callable[..., Result]


def a_pair(one: str, other: str, latency: float | None, pairs: int = 4) -> dict[str, object]:
    found = {"latency": latency, "lowest": latency, "highest": latency, "pairs": pairs, "measured": 1}
    return {"from": one, "to": other, **found}


def a_place(name: str, **fields: object) -> dict[str, object]:
    return {
        "name": name,
        "region": "",
        "zone": "a",
        "rack": "",
        "coordinate": [0.0],
        "height": 0.0,
        "error": 0.1,
        "misfit": 0.05,
        "message": "",
        "latency": 0.0103,
        "link": 10**10,
        "sent": 2_400_000,
        "received": None,
        "told": None,
        **fields,
    }


@pytest.fixture
def surveyed(cluster: Cluster) -> Cluster:
    cluster.net = {
        "zones": [a_pair("a", "a", 0.000214), a_pair("a", "b", 0.0103), a_pair("b", "b", None, pairs=0)],
        "nodes": [a_place("w1"), a_place("w2", coordinate=None, message="too little was measured yet", latency=None)],
        "pairs": [
            {"from": "w1", "to": "w3", "latency": None, "measured": None, "told": None},
            {"from": "w1", "to": "w2", "latency": 0.128, "measured": 0.128, "told": 0.119},
        ],
    }
    return cluster


def test_zones_are_a_matrix_and_what_is_not_placed_is_named_beside_it(okube: Okube, surveyed: Cluster) -> None:
    result = okube("net")
    assert result.stdout.splitlines() == [
        "ROUND TRIP         a        b",
        "a           0.214 ms  10.3 ms",
        "b            10.3 ms        –",
    ]
    assert result.stderr == "not placed yet: w2; `okube net nodes` says why\n"


def test_wide_they_are_a_list(okube: Okube, surveyed: Cluster) -> None:
    first, second, *_ = okube("net", "-o", "wide").stdout.splitlines()
    assert first.split() == ["FROM", "TO", "MEDIAN", "LOWEST", "HIGHEST", "PAIRS", "MEASURED"]
    assert second.split() == ["a", "a", *["0.214", "ms"] * 3, "4", "1"]


def test_nodes_show_how_far_they_are_and_what_their_links_do(okube: Okube, surveyed: Cluster) -> None:
    assert okube("net", "nodes").stdout.splitlines() == [
        "NODE  ZONE   MEDIAN  WRONG       LINK         OUT  MESSAGE",
        "w1    a     10.3 ms    5 %  10 Gbit/s  2.4 Mbit/s",
        "w2    a                5 %  10 Gbit/s  2.4 Mbit/s  too little was measured yet",
    ]


def test_from_one_node_the_nearest_comes_first(okube: Okube, surveyed: Cluster, manager: Manager) -> None:
    assert okube("net", "from", "w1").stdout.splitlines() == [
        "FROM  TO  ROUND TRIP  MEASURED  BY COORDINATES",
        "w1    w2      128 ms    128 ms          119 ms",
        "w1    w3",
    ]
    assert manager.received[-1].query == {"node": "w1"}


def test_scripts_get_all_of_it(okube: Okube, surveyed: Cluster) -> None:
    assert set(json.loads(okube("net", "-o", "json").stdout)) == {"zones", "nodes", "pairs"}
    assert [pair["to"] for pair in json.loads(okube("net", "from", "w1", "-o", "json").stdout)] == ["w2", "w3"]


def test_what_is_declared_is_a_table_of_its_levels(okube: Okube, cluster: Cluster) -> None:
    cluster.topology = {
        "zones": {
            "within": {"latency": 0.0002},
            "pairs": [{"from": "a", "to": "b", "latency": 0.002, "bandwidth": 10**9}],
        }
    }
    assert okube("net", "topology").stdout.splitlines() == [
        "LEVEL  FROM      TO  ROUND TRIP  BANDWIDTH",
        "zone   (within)        0.200 ms",
        "zone   a         b      2.00 ms   1 Gbit/s",
    ]


def test_a_file_declares_it_anew(okube: Okube, cluster: Cluster, manager: Manager, tmp_path: Path) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text("cluster: lab\ntopology:\n  racks:\n    between: {latency: 300ms, bandwidth: 10G}\n")
    okube("net", "topology", "-f", str(file))
    assert manager.received[-1].json() == {"racks": {"between": {"latency": "300ms", "bandwidth": "10G"}}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cluster: lab\n", "has no key topology"),
        ("topology:\n  zones:\n    within: {latency: -3ms}\n", "cluster.yaml:3: topology.zones.within.latency: '-3ms'"),
        ("topology:\n  zones: {}\n  halls: {}\n", "cluster.yaml:3: topology.halls: unknown key"),
    ],
)
def test_a_file_that_declares_what_cannot_be_changes_nothing(
    okube: Okube, manager: Manager, tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_text(text)
    result = okube("net", "topology", "-f", str(file))
    assert result.exit_code == 2
    assert said in result.stderr
    assert manager.received == []
