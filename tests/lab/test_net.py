"""Hosts in three zones behind a switch that delays: what agents measure and compute of it is what the switch does."""

import itertools
import math
import statistics
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.lab.cluster import Cluster
from tests.lab.mesh import Mesh

_WORKERS = 6
_ROUND_TRIPS_MS = {("a", "b"): 10.0, ("a", "c"): 30.0, ("b", "c"): 24.0}  # a triangle: no way round is shorter
_MOST_WRONG = 0.2


def _zone(worker: str) -> str:
    return "abc"[(int(worker.removeprefix("w")) - 1) // 2]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    names = [f"w{number}" for number in range(1, _WORKERS + 1)]
    mesh = Mesh(["m1", *names])
    try:
        for (one, other), milliseconds in _ROUND_TRIPS_MS.items():
            here, there = (",".join(name for name in names if _zone(name) == zone) for zone in (one, other))
            mesh.shape(here, there, delay_ms=milliseconds / 2)
        made = Cluster(tmp_path_factory.mktemp("net"), runtime="process", managers=1, workers=_WORKERS, mesh=mesh)
        for worker in made.described["workers"]:
            worker["zone"] = _zone(worker["name"])
        made.config.write_text(yaml.safe_dump(made.described, sort_keys=False))
        try:
            made.up()
            yield made
        finally:
            made.destroy()
    finally:
        mesh.destroy()


def test_round_trips_between_zones_are_found_within_a_fifth(cluster: Cluster) -> None:
    began = time.monotonic()
    cluster.wait(lambda: _percentile(_wrong(cluster), 95) <= _MOST_WRONG, "the nodes know where they are", seconds=120)
    took_s = time.monotonic() - began
    wrong = _wrong(cluster)
    print(
        f"{len(wrong)} pairs between zones: off by {statistics.median(wrong):.1%} at the median, "
        f"{_percentile(wrong, 95):.1%} at the 95th percentile, {took_s:.0f} s after the start"
    )
    found = {(zone["from"], zone["to"]): zone["latency"] for zone in cluster.json("net")["zones"]}
    for zones, milliseconds in _ROUND_TRIPS_MS.items():
        assert found[zones] == pytest.approx(milliseconds / 1000, rel=_MOST_WRONG)
    assert max(found[zone, zone] for zone in "abc") < 0.005


def _wrong(cluster: Cluster) -> list[float]:
    """How far what coordinates tell of each pair between zones is from what the switch does, as a share of that."""
    shares = []
    for here, there in itertools.combinations(cluster.json("net")["nodes"], 2):
        zones = (here["zone"], there["zone"])
        if zones in _ROUND_TRIPS_MS:
            true_s = _ROUND_TRIPS_MS[zones] / 1000
            shares.append(
                math.inf if None in (here["height"], there["height"]) else abs(_told(here, there) / true_s - 1)
            )
    return shares


def _told(here: dict[str, Any], there: dict[str, Any]) -> float:
    return math.dist(here["coordinate"], there["coordinate"]) + float(here["height"]) + float(there["height"])


def _percentile(shares: list[float], percent: int) -> float:
    return sorted(shares)[(len(shares) * percent - 1) // 100]
