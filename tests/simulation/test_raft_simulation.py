"""Three members under faults: what is acknowledged is never lost, for every seed."""

import os
import re
import subprocess
import sys

import pytest

from tests.simulation.__main__ import SIMULATOR
from tests.simulation.command import run_command
from tests.simulation.raft_run import simulate
from tests.simulation.sabotage import QUICKLY_FOUND, Sabotage, no_sync_barrier

SECONDS = 4.0


@pytest.mark.parametrize("seed", range(1, 51))
def test_nothing_acknowledged_is_lost_and_work_goes_on_when_faults_end(seed: int) -> None:
    report = simulate(seed, duration_s=SECONDS)
    assert report.violations == []
    assert report.counts["acknowledged"] > 20


@pytest.mark.parametrize("size", [1, 2, 5])
def test_it_holds_for_other_sizes_too(size: int) -> None:
    assert simulate(1000 + size, duration_s=SECONDS, size=size).violations == []


def test_a_seed_replays_exactly() -> None:
    assert simulate(7, duration_s=SECONDS) == simulate(7, duration_s=SECONDS)


def test_a_seed_replays_exactly_in_another_process_with_other_hashes() -> None:
    command = [sys.executable, "-m", "tests.simulation", "--seeds", "2", "--first", "5", "--jobs", "1", "--trace"]
    traces = []
    for hash_seed in ("1", "2", "77777"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
        traces.append([line for line in done.stdout.splitlines() if line.startswith("seed ")])
    assert len(traces[0]) == 2
    assert traces[0] == traces[1] == traces[2]


def test_a_fault_that_is_left_out_leaves_the_others_as_they_are() -> None:
    whole = simulate(11, duration_s=SECONDS)
    assert len(whole.happened) > 4
    some = whole.happened[::2]
    assert simulate(11, duration_s=SECONDS, only=some).happened == some
    assert simulate(11, duration_s=SECONDS, only=whole.happened) == whole


def test_a_story_with_the_log_in_it_is_of_the_same_run() -> None:
    told = simulate(7, duration_s=SECONDS, told=True)
    plain = simulate(7, duration_s=SECONDS)
    assert told.trace == plain.trace
    assert any("this manager leads" in line or "following m" in line for line in told.story)


def test_a_seed_that_fails_is_told_with_the_faults_that_it_takes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    no_sync_barrier(monkeypatch)
    seed = next(seed for seed in range(1, 60) if simulate(seed).violations)
    assert run_command(SIMULATOR, usage="", arguments=["--first", str(seed), "--seeds", "1", "--jobs", "0"]) == 1
    told = capsys.readouterr().out
    found = re.search(rf"seed {seed} fails with (\d+) of its (\d+) faults", told)
    assert found is not None
    assert int(found[1]) < int(found[2])
    assert "VIOLATION" in told
    assert f"all of it: python -m tests.simulation --first {seed} --only " in told
    assert "proposals acknowledged: " in told
    assert not told.splitlines()[-1].endswith("violations: 0")


@pytest.mark.parametrize("sabotage", QUICKLY_FOUND, ids=lambda sabotage: sabotage.__name__)
def test_without_its_guard_a_seed_fails(sabotage: Sabotage, monkeypatch: pytest.MonkeyPatch) -> None:
    sabotage(monkeypatch)
    assert any(simulate(seed).violations for seed in range(1, 60))
