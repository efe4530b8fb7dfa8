"""Three managers, three agents and their clients under faults: a service ends with what it asks for, for every seed."""

import os
import subprocess
import sys

import pytest

from tests.simulation.whole.run import simulate_whole
from tests.simulation.whole.sabotage import QUICKLY_FOUND, Sabotage


@pytest.mark.parametrize("seed", range(1, 25))
def test_services_end_with_what_was_acknowledged_and_nothing_runs_twice(seed: int) -> None:
    report = simulate_whole(seed)
    assert report.violations == [], "\n".join(report.story[-200:])
    assert report.counts["acknowledged"] > 10


def test_a_seed_replays_exactly_in_another_process_with_other_hashes() -> None:
    command = [sys.executable, "-m", "tests.simulation.whole", "--seeds", "1", "--first", "3", "--jobs", "1", "--trace"]
    traces = []
    for hash_seed in ("1", "2", "77777"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120)
        traces.append([line for line in done.stdout.splitlines() if line.startswith("seed ")])
    assert len(traces[0]) == 1
    assert traces[0] == traces[1] == traces[2]


@pytest.mark.parametrize("sabotage", QUICKLY_FOUND, ids=lambda sabotage: sabotage.__name__)
def test_carelessness_is_noticed(sabotage: Sabotage, monkeypatch: pytest.MonkeyPatch) -> None:
    sabotage(monkeypatch)
    assert any(simulate_whole(seed).violations for seed in range(1, 20))
