"""``python -m tests.simulation --seeds N [--first S]``: many seeds, and a line that says what they showed.

With ``--sabotage`` the guards are switched off one at a time, and the seed that notices is named.
"""

import argparse
import logging
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.simulation.raft_run import Report, simulate
from tests.simulation.sabotage import SABOTAGES


def main() -> int:
    """Run seeds on all cores; the exit code is 1 if any showed a violation."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--trace", action="store_true", help="print the digest of each seed's trace")
    parser.add_argument("--sabotage", action="store_true", help="switch off each guard and look for a seed that fails")
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.seeds)
    logging.disable(logging.CRITICAL)
    if asked.sabotage:
        return _sabotage(seeds)
    began = time.monotonic()
    totals: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    with ProcessPoolExecutor(asked.jobs) as pool:
        for report in pool.map(_run, seeds):
            _count(report, totals, faults)
            for violation in report.violations:
                print(f"seed {report.seed}: {violation}")
            if asked.trace:
                print(f"seed {report.seed}: {report.trace}")
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(faults.items()))
    print(
        f"{asked.seeds} seeds, {sum(faults.values())} faults ({kinds}), {totals['leaders']} leaders, "
        f"{totals['acknowledged']} writes acknowledged, {totals['reads']} reads, "
        f"{time.monotonic() - began:.0f} s, {totals['violations']} violations"
    )
    return 1 if totals["violations"] else 0


def _sabotage(seeds: range) -> int:
    """A line a guard; the exit code is 1 if no seed noticed that one was off."""
    unnoticed = 0
    for sabotage in SABOTAGES:
        with pytest.MonkeyPatch.context() as patch:
            sabotage(patch)
            found = next((report for report in map(_run, seeds) if report.violations), None)
        unnoticed += found is None
        noticed = "no seed noticed" if found is None else f"seed {found.seed}: {found.violations[0]:.100}"
        print(f"{sabotage.__name__}: {noticed}", flush=True)
    print(f"{len(SABOTAGES)} guards switched off, {unnoticed} unnoticed in {len(seeds)} seeds")
    return 1 if unnoticed else 0


def _run(seed: int) -> Report:
    logging.disable(logging.NOTSET)
    logging.getLogger("okube").setLevel(logging.CRITICAL + 1)
    logging.getLogger("pysyncobj").propagate = False
    return simulate(seed)


def _count(report: Report, totals: Counter[str], faults: Counter[str]) -> None:
    faults.update(report.faults)
    totals.update(
        leaders=report.leaders,
        acknowledged=report.acknowledged,
        reads=report.reads,
        violations=len(report.violations),
    )


if __name__ == "__main__":
    sys.exit(main())
