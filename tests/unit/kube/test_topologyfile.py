from pathlib import Path

import pytest

from okube.kube.machines import USUAL_COSTS, Machines
from okube.kube.topologyfile import read_topology
from okube.model.errors import BadFile, InvalidInput
from okube.scheduler.declared import Cost, Level, Place


def a_file(folder: Path, text: str) -> Path:
    path = folder / "topology.yaml"
    path.write_text(text)
    return path


def test_a_pair_counts_for_the_way_back_too(tmp_path: Path) -> None:
    told = read_topology(
        a_file(
            tmp_path,
            """
topology:
  regions:
    pairs:
      - {from: eu, to: us, latency: 80ms, bandwidth: 1G}
      - {from: eu, to: asia, latency: 150ms}
      - {from: asia, to: eu, latency: 170ms}
  zones: {within: {latency: 0.5ms}, between: {latency: 2ms}}
""",
        )
    )

    assert told.costs is not None
    assert dict(told.costs[Level.REGION].pairs) == {
        ("eu", "us"): Cost(0.080, 10**9),
        ("us", "eu"): Cost(0.080, 10**9),
        ("eu", "asia"): Cost(0.150),
        ("asia", "eu"): Cost(0.170),
    }
    assert told.costs[Level.ZONE].between.latency_s == 0.002
    assert Level.RACK not in told.costs


def test_a_file_that_only_places_nodes_leaves_the_usual_costs(tmp_path: Path) -> None:
    told = read_topology(a_file(tmp_path, "nodes:\n  n1: {region: eu, zone: a}\n  n2: {region: eu, zone: a}\n"))

    assert told.places == {"n1": Place("eu", "a"), "n2": Place("eu", "a")}
    within_a_zone = USUAL_COSTS[Level.ZONE].within.latency_s
    assert Machines(told.costs, told.places).view.topology.latency_from(0)[1] == within_a_zone


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("zones: {within: {latency: -1ms}}", "is not a time"),
        ("zones: {within: {latency: .nan}}", "is not a time"),
        ("zones: {within: {latency: .inf}}", "is not a time"),
        ("zones: {within: {latency: 2h}}", "too long for a round trip"),
        ("zones: {within: {bandwidth: 0}}", "carries nothing"),
        ("zones: {pairs: [{from: a, to: b}]}", "neither a latency nor a bandwidth"),
        ("zones: {pairs: [{from: a, to: b, latency: 1ms}, {from: a, to: b, latency: 2ms}]}", "given twice"),
        ("zone: {}", "did you mean 'zones'?"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_topology(a_file(tmp_path, f"topology:\n  {line}\n"))

    assert said in caught.value.detail
    assert "topology.yaml:2: topology." in caught.value.detail


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="holds no documents"):
        read_topology(a_file(tmp_path, ""))
