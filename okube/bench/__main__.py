"""``make bench-fleet``: the figures of record, a step a line, and on the last line all of them as JSON."""

import json
import sys
from collections.abc import Callable

from okube.bench.fleet import FleetOptions, bench_fleet
from okube.bench.million import MillionOptions, bench_million

__all__ = ["PARTS", "main"]

Echo = Callable[[str], None]
_WATCHED_S = 300.0


def _fleet(echo: Echo) -> dict[str, float]:
    return bench_fleet(FleetOptions(seconds=_WATCHED_S), echo)


def _million(echo: Echo) -> dict[str, float]:
    return bench_million(MillionOptions(), echo)


PARTS: tuple[Callable[[Echo], dict[str, float]], ...] = (_fleet, _million)
"""What is measured, one after the other; each part answers figures by name."""


def main() -> None:
    """Measure and print."""
    figures: dict[str, float] = {}
    for part in PARTS:
        figures |= part(_say)
    _say(json.dumps({name: round(value, 3) for name, value in figures.items()}))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
