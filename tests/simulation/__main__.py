"""``python -m tests.simulation --seeds N [--first S]``: the log and its members, in many seeds, under faults.

In every third seed members come and go.
"""

import logging
import sys
from collections.abc import Collection

from tests.simulation.command import Simulator, run_command
from tests.simulation.membership_run import simulate_members
from tests.simulation.raft_run import simulate
from tests.simulation.report import Report

__all__ = ["SIMULATOR"]


def _run(seed: int) -> Report:
    _keep_quiet(logging.CRITICAL + 1)
    return simulate_members(seed) if seed % 3 == 0 else simulate(seed)


def _retell(seed: int, only: Collection[int] | None) -> Report:
    _keep_quiet(logging.INFO)
    return simulate_members(seed, only=only, told=True) if seed % 3 == 0 else simulate(seed, only=only, told=True)


def _keep_quiet(level: int) -> None:
    for name in ("okube", "pysyncobj"):
        logging.getLogger(name).propagate = False
    logging.getLogger("okube").setLevel(level)


SIMULATOR = Simulator("tests.simulation", _run, _retell)

if __name__ == "__main__":
    sys.exit(run_command(SIMULATOR, usage=__doc__ or ""))
