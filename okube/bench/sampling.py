"""Where a process spends its time: its stack, looked at every few milliseconds in which it works."""

import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TypeVar

__all__ = ["sampled"]

T = TypeVar("T")
_EVERY_S = 0.004


def sampled(work: Callable[[], T], report: Path) -> T:
    """What ``work`` returns; ``report`` gets a line for each function: of a thousand samples, in it and above it.

    Only the main thread is looked at, and only it may call this.
    """
    inside: Counter[str] = Counter()
    above: Counter[str] = Counter()

    def look(_: int, frame: FrameType | None) -> None:
        seen: dict[str, None] = {}
        if frame is not None:
            inside[_name(frame)] += 1
        while frame is not None:
            seen[_name(frame)] = None
            frame = frame.f_back
        above.update(seen.keys())

    signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, _EVERY_S, _EVERY_S)
    try:
        return work()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        total = max(1, inside.total())
        lines = (f"{1000 * inside[n] / total:7.1f} {1000 * above[n] / total:7.1f}  {n}" for n in above)
        report.write_text("\n".join(sorted(lines, reverse=True)) + "\n")


def _name(frame: FrameType) -> str:
    code = frame.f_code
    return f"{'/'.join(Path(code.co_filename).parts[-2:])}:{code.co_qualname}"
