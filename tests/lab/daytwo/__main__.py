"""What an operator does in a year, on fresh hosts of the lab, with the time that each takes.

``python -m tests.lab.daytwo`` prints a table and, as its last line, one JSON object of seconds; with ``--write`` it
brings the table of ``docs/operations.md`` up to date. Needs root and what ``make lab`` installs.
"""

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path

from tests.lab.daytwo.day import Day
from tests.lab.daytwo.year import YEAR

_PAGE = Path(__file__).parents[3] / "docs/operations.md"
_BEGIN, _END = "<!-- what a year takes: begin -->", "<!-- what a year takes: end -->"
_BEFORE = "## A cluster over several machines"
_SECTION = """## What a year takes

On hosts of [the lab](lab.md), all of which share one machine, by `python -m tests.lab.daytwo --write`:

"""


def main() -> None:
    """Run all of it, or the chapters that are named."""
    parser = argparse.ArgumentParser("python -m tests.lab.daytwo", description=__doc__)
    parser.add_argument("--runtime", choices=("docker", "process"), default="docker")
    parser.add_argument("--bundle", type=Path, help="a bundle of this checkout; else one is made")
    parser.add_argument(
        "--software", type=Path, help="releases that machines have already; saves time, and times say less"
    )
    parser.add_argument("--write", action="store_true", help="bring docs/operations.md up to date")
    parser.add_argument("--until", choices=[chapter.__name__ for chapter in YEAR], help="stop after this chapter")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended before its end"))
    with (
        tempfile.TemporaryDirectory(prefix="okube-daytwo-") as folder,
        Day(Path(folder), options.runtime, options.bundle, options.software) as day,
    ):
        for chapter in YEAR:
            chapter(day)
            if chapter.__name__ == options.until:
                break
    if options.write:
        _write(day)
    print("\n".join(day.table()))
    print(json.dumps(day.figures()))


def _write(day: Day) -> None:
    """Put the table into its section, which is made where there is none yet."""
    page = _PAGE.read_text()
    if _BEGIN not in page:
        page = page.replace(_BEFORE, f"{_SECTION}{_BEGIN}\n{_END}\n\n{_BEFORE}", 1)
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    _PAGE.write_text("\n".join([f"{before}{_BEGIN}", *day.table(), f"{_END}{after}"]))


if __name__ == "__main__":
    main()
