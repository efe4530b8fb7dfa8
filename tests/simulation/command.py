"""The command line of both simulators: many seeds on all cores, and for each that fails, a story that can be read."""

import argparse
import shlex
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from tests.lab.raft.report import write_section
from tests.simulation.figures import Figures
from tests.simulation.report import Report
from tests.simulation.shrink import shrink_faults

__all__ = ["Simulator", "run_command"]


_BETWEEN_WORDS = 250  # seeds, some minutes of work: who waits sees that it goes on


class Simulator(NamedTuple):
    """``run(seed)``: as ever; ``retell(seed, only)``: with these of its faults, and the log in its story."""

    module: str
    run: Callable[[int], Report]
    retell: Callable[[int, Collection[int] | None], Report]


def run_command(simulator: Simulator, *, usage: str, arguments: Sequence[str] | None = None) -> int:
    """Run seeds; the exit code is 1 if any showed a violation."""
    asked = _parser(simulator, usage).parse_args(arguments)
    if asked.only is not None or asked.story:
        return _tell(simulator, asked.first, asked.only, whole=asked.story, lines=asked.lines)
    began = time.monotonic()
    figures = Figures()
    failed: list[Report] = []
    for number, report in enumerate(_reports(simulator, range(asked.first, asked.first + asked.seeds), asked.jobs), 1):
        figures.add(report)
        if number % _BETWEEN_WORDS == 0 and number < asked.seeds:
            print(f"{time.monotonic() - began:.0f} s: {figures.summary()}", file=sys.stderr, flush=True)
        if asked.trace:
            print(f"seed {report.seed}: {report.trace}", flush=True)
        if report.violations:
            failed.append(report)
            print(f"seed {report.seed} FAILS: {report.violations[0]}", flush=True)
    took_s = time.monotonic() - began
    for report in failed[: asked.stories]:
        _explain(simulator, report, asked.lines)
    told = figures.told(took_s)
    print(f"{simulator.module}\n{told}", flush=True)
    if asked.write:
        write_section(simulator.module, f"```\n{told}\n```")
    return 1 if failed else 0


def _reports(simulator: Simulator, seeds: range, jobs: int) -> Iterator[Report]:
    if jobs == 0:
        yield from map(simulator.run, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(simulator.run, seeds)


def _explain(simulator: Simulator, report: Report, lines: int) -> None:
    """With as few faults as it takes."""

    def fails(numbers: Sequence[int]) -> bool:
        return bool(simulator.retell(report.seed, numbers).violations)

    # What fails without a fault is no matter of faults, and what fails only by chance is told as it was.
    needed = shrink_faults(report.happened, fails) if fails(report.happened) else report.happened
    print(f"\nseed {report.seed} fails with {len(needed)} of its {len(report.happened)} faults:")
    _tell(simulator, report.seed, needed, whole=False, lines=lines)
    again = [simulator.module, "--first", str(report.seed), "--only", ",".join(map(str, needed)), "--story"]
    print(f"all of it: python -m {shlex.join(again)}\n", flush=True)


def _tell(simulator: Simulator, seed: int, only: Collection[int] | None, *, whole: bool, lines: int) -> int:
    report = simulator.retell(seed, only)
    story = report.story if whole else _before_the_violation(report.story, lines)
    print("\n".join(story))
    print(f"seed {seed}: {len(report.violations)} violations, trace {report.trace}")
    return 1 if report.violations else 0


def _before_the_violation(story: list[str], lines: int) -> list[str]:
    first = next((number for number, line in enumerate(story) if "VIOLATION" in line), len(story))
    return story[max(0, first - lines) : first + 1]


def _parser(simulator: Simulator, usage: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m {simulator.module}", description=usage, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="processes beside this one; 0: this one alone")
    parser.add_argument("--trace", action="store_true", help="print the digest of each seed's story")
    parser.add_argument(
        "--stories", type=int, default=1, help="of how many seeds that fail the story is shrunk and told"
    )
    parser.add_argument("--lines", type=int, default=60, help="how much of a story before its violation")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/reliability.md")
    parser.add_argument("--only", type=_numbers, help="one seed (--first) with these of its faults")
    parser.add_argument("--story", action="store_true", help="one seed (--first), and all of its story")
    return parser


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",") if number]
