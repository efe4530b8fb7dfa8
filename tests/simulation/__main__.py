"""``python -m tests.simulation --seeds N [--first S]``: many seeds, and a line that says what they showed."""

import argparse
import logging
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.raft_run import Report, simulate


def main() -> int:
    """Run seeds on all cores; the exit code is 1 if any showed a violation."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--trace", action="store_true", help="print the digest of each seed's trace")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    began = time.monotonic()
    totals: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    with ProcessPoolExecutor(asked.jobs) as pool:
        for report in pool.map(_run, range(asked.first, asked.first + asked.seeds)):
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
