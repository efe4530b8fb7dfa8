"""``python -m tests.mutants [NAME …]``: switch off guards, all or those named; the exit code is 1 if one survives."""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from tests.mutants.catalogue import MUTANTS
from tests.mutants.hunt import Finding, hunt
from tests.mutants.table import write


def main() -> int:
    """A line each, as they are found."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="as in the table")
    parser.add_argument("--seeds", type=int, default=2000, help="run so many before one counts as unnoticed")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="write the table into docs/reliability.md")
    asked = parser.parse_args()
    names = asked.names or [mutant.name for mutant in MUTANTS]
    began = time.monotonic()
    with ProcessPoolExecutor(asked.jobs) as pool:
        findings = list(map(_told, pool.map(hunt, names, [asked.seeds] * len(names))))
    survivors = [finding.name for finding in findings if not finding.noticed]
    took_s = time.monotonic() - began
    print(f"{len(findings)} guards switched off in {took_s:.0f} s, unnoticed: {', '.join(survivors) or 'none'}")
    if asked.write:
        write(findings)
    return 1 if survivors else 0


def _told(finding: Finding) -> Finding:
    what = "UNNOTICED" if not finding.noticed else f"seed {finding.seeds}" if finding.seeds else "its test"
    print(f"{finding.name}: {what}: {finding.showed.splitlines()[0] if finding.showed else ''}"[:180], flush=True)
    return finding


if __name__ == "__main__":
    sys.exit(main())
