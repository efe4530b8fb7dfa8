"""Hosts in three zones behind a switch that delays: what agents measure is what it does, and apps gain by it."""

import contextlib
import itertools
import json
import math
import socket
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab import tiers
from tests.lab.cluster import Cluster
from tests.lab.mesh import Mesh

_WORKERS = 6
_ROUND_TRIPS_MS = {("a", "b"): 10.0, ("a", "c"): 30.0, ("b", "c"): 24.0}  # a triangle: no way round is shorter
_MOST_WRONG = 0.2
_TIERS: dict[str, list[str]] = {"db": [], "api": ["db"], "web": ["api"]}
_REQUESTS = 20


def _zone(worker: str) -> str:
    return "abc"[(int(worker.removeprefix("w")) - 1) % 3]


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


def test_an_app_of_three_tiers_stays_in_one_zone_by_network_and_answers_sooner_than_spread(cluster: Cluster) -> None:
    cluster.wait(lambda: _percentile(_wrong(cluster), 95) <= _MOST_WRONG, "the nodes know where they are", seconds=120)

    near, near_zones = _answers(cluster, "near", "network", 18080)
    far, far_zones = _answers(cluster, "far", "spread", 18090)

    print(
        f"a request through web, api and db: {near * 1000:.1f} ms at the median by network, in zones "
        f"{', '.join(sorted(near_zones))}; {far * 1000:.1f} ms by spread, in zones {', '.join(sorted(far_zones))}"
    )
    assert len(near_zones) == 1
    assert len(far_zones) > 1
    assert near < far


def _answers(cluster: Cluster, app: str, policy: str, port: int) -> tuple[float, set[str]]:
    """The median seconds of requests to an app that was placed by a policy, and the zones that it is in."""
    ports = {tier: port + number for number, tier in enumerate(_TIERS)}
    peers, file = cluster.folder / f"{app}-peers.json", cluster.folder / f"{app}.yaml"
    documents = [_tier(app, tier, ports[tier], peers) for tier in _TIERS]
    file.write_text(yaml.safe_dump_all(documents, sort_keys=False))
    cluster.ok("scheduler", "set", policy)
    cluster.ok("apply", "-f", str(file))
    where = {tier: [task["node"] for task in cluster.ready(f"{app}-{tier}")] for tier in _TIERS}
    hosts = {worker["name"]: worker["host"] for worker in cluster.described["workers"]}
    addresses = {tier: [(hosts[node], ports[tier]) for node in nodes] for tier, nodes in where.items()}
    peers.write_text(json.dumps(addresses))
    for each in itertools.chain.from_iterable(addresses.values()):
        cluster.wait(lambda each=each: _listens(*each), f"{app} answers")  # type: ignore[misc]  # bound for the loop
    took = []
    for host, at in itertools.islice(itertools.cycle(addresses["web"]), _REQUESTS):
        began = time.perf_counter()
        assert tiers.ask(host, at) == b"?\n"
        took.append(time.perf_counter() - began)
    return statistics.median(took), {_zone(node) for nodes in where.values() for node in nodes}


def _tier(app: str, tier: str, port: int, peers: Path) -> dict[str, Any]:
    below = _TIERS[tier]
    return {
        "kind": "Service",
        "name": f"{app}-{tier}",
        "app": app,
        "image": "host",
        "replicas": 1 if tier == "db" else 2,
        "max_per_node": 1,
        "command": [sys.executable, str(Path(tiers.__file__)), str(port), str(peers), *below],
        "resources": {"cpus": 0.5},
        "depends_on": [{"service": f"{app}-{each}", "traffic": "10M"} for each in below],
    }


def _listens(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


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
