"""``python -m tests.simulation --seeds N [--first S]``: the log and its members, in many seeds, under faults."""

import logging
import sys
from collections.abc import Collection

from tests.simulation.command import Simulator, run_command
from tests.simulation.raft_run import simulate
from tests.simulation.report import Report

__all__ = ["SIMULATOR"]


def _run(seed: int) -> Report:
    _keep_quiet(logging.CRITICAL + 1)
    return simulate(seed)


def _retell(seed: int, only: Collection[int] | None) -> Report:
    _keep_quiet(logging.INFO)
    return simulate(seed, only=only, told=True)


def _keep_quiet(level: int) -> None:
    for name in ("okube", "pysyncobj"):
        logging.getLogger(name).propagate = False
    logging.getLogger("okube").setLevel(level)


SIMULATOR = Simulator("tests.simulation", _run, _retell)

if __name__ == "__main__":
    sys.exit(run_command(SIMULATOR, usage=__doc__ or ""))
