"""Switches a guard off and looks for what notices it."""

import os
import subprocess
import sys
from collections.abc import Callable

import msgspec
import pytest

from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Mutant
from tests.simulation.__main__ import SIMULATOR as RAFT
from tests.simulation.report import Report
from tests.simulation.whole.__main__ import SIMULATOR as WHOLE

__all__ = ["Finding", "hunt"]

_SIMULATORS: dict[str, Callable[[int], Report]] = {"raft": RAFT.run, "whole": WHOLE.run}


class Finding(msgspec.Struct, frozen=True):
    """``seeds``: how many were run, the one that failed included; 0 where a test is named. ``showed`` is one line."""

    name: str
    noticed: bool
    seeds: int
    showed: str


def hunt(name: str, most_seeds: int) -> Finding:
    """Run up to so many seeds, or the test."""
    mutant = next(mutant for mutant in MUTANTS if mutant.name == name)
    simulator = _SIMULATORS.get(mutant.noticed_by)
    return _by_test(mutant) if simulator is None else _by_seeds(mutant, simulator, most_seeds)


def _by_seeds(mutant: Mutant, simulate: Callable[[int], Report], most_seeds: int) -> Finding:
    with pytest.MonkeyPatch.context() as patch:
        mutant.sabotage(patch)
        for seed in range(1, most_seeds + 1):
            violations = simulate(seed).violations
            if violations:
                return Finding(mutant.name, True, seed, violations[0])
    return Finding(mutant.name, False, most_seeds, "")


def _by_test(mutant: Mutant) -> Finding:
    """In a process of its own, because test modules keep what they have imported."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "-p", "tests.mutants.plugin", mutant.noticed_by],
        env={**os.environ, "OKUBE_MUTANT": mutant.name},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    # 1 is: tests ran, and one failed. Anything else is a name that is wrong, or an error of ours.
    lines = [line for line in done.stdout.splitlines() if line.startswith("E  ")]
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{mutant.name}: {done.stdout}{done.stderr}")
    return Finding(mutant.name, done.returncode == 1, 0, lines[0][1:].strip() if lines else "")
