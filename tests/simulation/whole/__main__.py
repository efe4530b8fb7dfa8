"""``python -m tests.simulation.whole --seeds N [--first S]``: whole clusters, in many seeds, under faults."""

import logging
import sys
from collections.abc import Collection

from tests.simulation.command import Simulator, run_command
from tests.simulation.report import Report
from tests.simulation.whole.run import LOGGERS, simulate_whole

__all__ = ["SIMULATOR"]


def _run(seed: int) -> Report:
    return _retell(seed, None)


def _retell(seed: int, only: Collection[int] | None) -> Report:
    for name in LOGGERS:
        logging.getLogger(name).propagate = False
    return simulate_whole(seed, only=only)


SIMULATOR = Simulator("tests.simulation.whole", _run, _retell)

if __name__ == "__main__":
    sys.exit(run_command(SIMULATOR, usage=__doc__ or ""))
