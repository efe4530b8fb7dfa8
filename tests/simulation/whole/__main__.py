"""``python -m tests.simulation.whole --seeds N [--first S]``: many seeds; a seed that fails prints its story.

With ``--sabotage`` what managers and agents are careful about is switched off, one thing at a time, and the seed that
notices is named.
"""

import argparse
import logging
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.simulation.whole.sabotage import SABOTAGES
from tests.simulation.whole.world import LOGGERS, WholeReport, simulate_whole


def main() -> int:
    """Run seeds on all cores; the exit code is 1 if any showed a violation."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.whole", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--trace", action="store_true", help="print the digest of each seed's story")
    parser.add_argument("--story", action="store_true", help="print the whole story of each seed")
    parser.add_argument("--lines", type=int, default=60, help="how much of the story of a seed that fails")
    parser.add_argument("--sabotage", action="store_true", help="show what the simulator notices")
    asked = parser.parse_args()
    if asked.sabotage:
        return _sabotage(asked)
    began = time.monotonic()
    totals: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    slowest = 0.0
    with ProcessPoolExecutor(asked.jobs) as pool:
        for report in pool.map(_run, range(asked.first, asked.first + asked.seeds)):
            faults.update(report.faults)
            totals.update(report.counts)
            totals["violations"] += len(report.violations)
            slowest = max(slowest, report.settled_s)
            _show(report, asked)
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(faults.items()))
    print(
        f"{asked.seeds} seeds, {sum(faults.values())} faults ({kinds}), {totals['epochs']} epochs, "
        f"{totals['acknowledged']} writes acknowledged, {totals['unknown']} repeated, {totals['reads']} reads, "
        f"{totals['dispatches']} assignments, {totals['lines']} lines watched ({totals['anew']} times anew), "
        f"{totals['starts']} containers started, settled within {slowest:.1f} s, "
        f"{time.monotonic() - began:.0f} s, {totals['violations']} violations"
    )
    return 1 if totals["violations"] else 0


def _show(report: WholeReport, asked: argparse.Namespace) -> None:
    if asked.trace:
        print(f"seed {report.seed}: {report.trace}")
    if asked.story:
        print("\n".join(report.events))
    if not report.violations:
        return
    first = next(number for number, event in enumerate(report.events) if "VIOLATION" in event)
    if asked.lines and not asked.story:
        print("\n".join(report.events[max(0, first - asked.lines) : first + 1]))
    for violation in report.violations:
        print(f"seed {report.seed}: {violation}")


def _sabotage(asked: argparse.Namespace) -> int:
    unnoticed = 0
    for sabotage in SABOTAGES:
        with pytest.MonkeyPatch.context() as patch:
            sabotage(patch)
            reports = map(_run, range(asked.first, asked.first + asked.seeds))
            found = next((report for report in reports if report.violations), None)
        unnoticed += found is None
        what = "not noticed" if found is None else f"seed {found.seed}: {found.violations[0]}"
        print(f"{sabotage.__name__}: {what}", flush=True)
    return 1 if unnoticed else 0


def _run(seed: int) -> WholeReport:
    for name in LOGGERS:
        logging.getLogger(name).propagate = False
    return simulate_whole(seed)


if __name__ == "__main__":
    sys.exit(main())
