"""Python as a server under load wants it: what the interpreter does by itself, it does less or more often."""

import gc
import sys

__all__ = ["tune"]

_COLLECT_AFTER = (10_000, 20, 50)
_SWITCH_S = 0.0005


def tune() -> None:
    """Call it once, when all that stays is there.

    Cycles are looked for less often than usual, and never among what is there by now: almost nothing here is garbage
    in cycles, and looking for it took a fifth of the time of a manager under load.

    A thread that waits for the interpreter gets it within half a millisecond instead of five. The thread that syncs
    the journal needs it two or three times for each sync, while the loop is busy with what comes next.
    """
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
    sys.setswitchinterval(_SWITCH_S)
