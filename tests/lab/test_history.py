"""What a cluster keeps of what is over is bounded: thousands of services later it is as large as before."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from okube.model.event import KEPT_EVENTS
from okube.state.requests import KEPT_NUMBER
from tests.lab.cluster import Cluster
from tests.lab.history import Churn, Figures, table

_RUNS = int(os.environ.get("OKUBE_HISTORY_RUNS", "200"))  # `make soak` makes ten thousand
_SAMPLES = 20
_MB = 1_000_000


@pytest.fixture
def churn(tmp_path: Path) -> Iterator[Churn]:
    cluster = Cluster(
        tmp_path, runtime="process", capacity={"cores": 64, "memory": "64G", "disk": "500G"}, node_down_after="12s"
    )
    made = None
    try:
        cluster.up()
        made = Churn(cluster)
        yield made
    finally:
        if made is not None:
            made.close()
        cluster.destroy()


def test_thousands_of_services_later_nothing_is_left_of_them_but_bounded_history(churn: Churn) -> None:
    reaches_bounds = _RUNS >= 5000
    if reaches_bounds:
        churn.fill_requests(KEPT_NUMBER)
    samples = [churn.figures()]
    for number in range(_SAMPLES):
        count = _RUNS // _SAMPLES
        if number % 10 == 9:
            churn.single(count)
        else:
            churn.bulk(count)
        samples.append(churn.figures())
    print("", *table(samples), sep="\n")
    first, middle, last = samples[1], samples[len(samples) // 2], samples[-1]
    assert (last.rows["tasks"], last.rows["services"], last.rows["nodes"]) == (0, 0, 3)
    assert last.rows["requests"] <= KEPT_NUMBER
    assert last.rows["events"] <= KEPT_EVENTS
    assert (last.agent_files, last.agent_bytes // 1000) == (first.agent_files, first.agent_bytes // 1000)
    assert last.raft_bytes < 64 * _MB
    assert last.log_bytes < 36 * _MB
    if reaches_bounds:
        _hold_flat(first, middle, last)
    else:  # history fills up meanwhile: what a run leaves in memory is what its history may have
        assert last.manager_rss - first.manager_rss < 10 * _MB + 20_000 * _RUNS
        assert last.agent_rss - first.agent_rss < 5 * _MB


def _hold_flat(first: Figures, middle: Figures, last: Figures) -> None:
    """The second half adds less than a fraction of what the first half did, where that was anything at all."""

    def added(before: int, after: int) -> int:
        return after - before

    for what in ("manager_rss", "agent_rss"):
        bound = added(getattr(first, what), getattr(middle, what)) / 2
        grown = added(getattr(middle, what), getattr(last, what))
        assert grown <= max(bound, 3 * _MB), (what, grown, bound)
    assert last.raft_bytes <= 2 * max(middle.raft_bytes, _MB)  # it goes up and down with each compaction
