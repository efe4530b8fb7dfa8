"""Writes under load, in turns: one system, then the other, at each width, so that a machine's own moods hit both."""

from collections.abc import Callable, Sequence
from statistics import median

import msgspec

from tests.bench.raft.load import Figures, run_load
from tests.bench.raft.system import System
from tests.lab.hosts import Hosts

__all__ = ["Case", "Row", "cases", "measure"]

_WARM_UP_S = 2.0


class Case(msgspec.Struct, frozen=True):
    """So many connections at once, so many changes in each request."""

    connections: int
    changes: int


class Row(msgspec.Struct, frozen=True):
    """The medians of some rounds."""

    system: str
    case: Case
    requests_s: float
    changes_s: float
    p50_ms: float
    p99_ms: float
    cpu_s_per_1000_changes: float


def cases(widths: Sequence[int]) -> list[Case]:
    return [Case(width, changes) for changes in (1, 10) for width in widths]


def measure(
    systems: Sequence[System],
    hosts: Hosts,
    *,
    widths: Sequence[int],
    rounds: int,
    seconds: float,
    say: Callable[[str], None],
) -> list[Row]:
    """Each case ``rounds`` times with each system, the systems in turns."""
    for system in systems:
        run_load(system, hosts, run="warm-up", connections=16, changes=10, seconds=_WARM_UP_S)
    found: dict[tuple[str, Case], list[Figures]] = {}
    for number in range(rounds):
        for case in cases(widths):
            for system in systems:
                run = f"{number}-{case.connections}-{case.changes}"
                figures = run_load(
                    system, hosts, run=run, connections=case.connections, changes=case.changes, seconds=seconds
                )
                found.setdefault((system.name, case), []).append(figures)
        say(f"writes under load: round {number + 1} of {rounds}")
    return [_row(name, case, figures) for (name, case), figures in found.items()]


def _row(system: str, case: Case, figures: list[Figures]) -> Row:
    return Row(
        system=system,
        case=case,
        requests_s=median(each.requests_s for each in figures),
        changes_s=median(each.changes_s for each in figures),
        p50_ms=median(each.p50_ms for each in figures),
        p99_ms=median(each.p99_ms for each in figures),
        cpu_s_per_1000_changes=median(each.cpu_s_per_1000_changes for each in figures),
    )
