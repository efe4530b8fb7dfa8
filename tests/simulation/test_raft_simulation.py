"""Three members under faults: what is acknowledged is never lost, for every seed."""

import os
import subprocess
import sys

import pytest

from tests.simulation.raft_run import simulate
from tests.simulation.sabotage import QUICKLY_FOUND, Sabotage

SECONDS = 4.0


@pytest.mark.parametrize("seed", range(1, 51))
def test_nothing_acknowledged_is_lost_and_work_goes_on_when_faults_end(seed: int) -> None:
    report = simulate(seed, duration_s=SECONDS)
    assert report.violations == []
    assert report.acknowledged > 20


@pytest.mark.parametrize("size", [1, 2, 5])
def test_it_holds_for_other_sizes_too(size: int) -> None:
    assert simulate(1000 + size, duration_s=SECONDS, size=size).violations == []


def test_a_seed_replays_exactly() -> None:
    assert simulate(7, duration_s=SECONDS) == simulate(7, duration_s=SECONDS)


def test_a_seed_replays_exactly_in_another_process_with_other_hashes() -> None:
    command = [sys.executable, "-m", "tests.simulation", "--seeds", "2", "--first", "5", "--jobs", "1", "--trace"]
    traces = []
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
        traces.append([line for line in done.stdout.splitlines() if line.startswith("seed ")])
    assert len(traces[0]) == 2
    assert traces[0] == traces[1]


@pytest.mark.parametrize("sabotage", QUICKLY_FOUND, ids=lambda sabotage: sabotage.__name__)
def test_without_its_guard_a_seed_fails(sabotage: Sabotage, monkeypatch: pytest.MonkeyPatch) -> None:
    sabotage(monkeypatch)
    assert any(simulate(seed).violations for seed in range(1, 60))
