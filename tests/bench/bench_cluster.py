"""The cluster against plain Docker: ``make bench``; a table for people, and as its last line one JSON object.

Everything runs in one go on one machine, in turns with what it is compared with, so that the ratios mean something
where the machine's own speed wavers. Times are medians; containers run when the engine's event says so.
"""

import json
import time
from collections.abc import Callable

from tests.bench.footprint import Footprint, footprint
from tests.bench.losses import failovers, node_losses
from tests.bench.site import Site, site
from tests.bench.starts import bursts, commands, single_starts

__all__ = ["main"]

_AIMS = {
    "run_ratio": 1.2,
    "burst50_ratio": 1.05,
    "failover_kill_s": 1.0,
    "node_loss_s": 5.0,
    "manager_rss_mb": 90.0,
    "manager_cpu_pct": 2.0,
    "worker_rss_mb": 90.0,
    "worker_cpu_pct": 2.0,
    "ps_s": 0.25,
}
_TITLES = {
    "run_ratio": "`okube run` of 1 until it runs / `docker run -d`",
    "run_command_ratio": "the same, until the commands end",
    "run_s": "`okube run` of 1 until it runs, s",
    "run_command_s": "the same, until the command ends, s",
    "docker_run_s": "`docker run -d` until it runs, s",
    "burst50_ratio": "`okube run --replicas 50` / 50 `docker run`, 8 at once",
    "burst50_s": "`okube run --replicas 50` until all run, s",
    "docker_burst50_s": "50 `docker run -d`, 8 at once, until all run, s",
    "failover_kill_s": "kill -9 of the leader until the next write, s",
    "failover_kill_worst_s": "the slowest of these, s",
    "node_loss_s": "node killed until its replacement runs (down after 3), s",
    "node_loss_worst_s": "the slowest of these, s",
    "manager_rss_mb": "the largest manager, idle, MB",
    "manager_cpu_pct": "the busiest manager, idle, % of a core",
    "worker_rss_mb": "the largest agent, idle, MB",
    "worker_cpu_pct": "the busiest agent, idle, % of a core",
    "ps_s": "`okube ps`, s",
}


def main() -> None:
    """Measure, and print."""
    figures: dict[str, float] = {}
    processes: list[Footprint] = []
    with site(_say) as place:

        def idle(place: Site) -> dict[str, float]:
            rows, found = footprint(place, seconds=20)
            processes.extend(rows)
            return found

        steps: list[tuple[str, Callable[[Site], dict[str, float]]]] = [
            ("single starts, in turns with docker", lambda place: single_starts(place, pairs=15)),
            ("idle processes", idle),
            ("okube ps", lambda place: commands(place, rounds=15)),
            ("bursts, in turns with docker", lambda place: bursts(place, pairs=2)),
            ("nodes lost", lambda place: node_losses(place, rounds=3)),
            ("leaders killed", lambda place: failovers(place, rounds=5)),
        ]
        for title, measure in steps:
            began = time.monotonic()
            figures |= measure(place)
            _say(f"{title}: measured in {time.monotonic() - began:.1f} s")
    _print_table(figures, processes)
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


def _print_table(figures: dict[str, float], processes: list[Footprint]) -> None:
    print(f"\n{'':58} {'figure':>8} {'aim':>6}")
    for name, title in _TITLES.items():
        aim = f"{_AIMS[name]:g}" if name in _AIMS else ""
        print(f"{title:58} {figures[name]:8.3f} {aim:>6}")
    print()
    for row in processes:
        print(f"{'idle: ' + row.name:58} {row.rss_mb:5.1f} MB {row.cpu_pct:5.2f} %")


def _say(line: str) -> None:
    print(f"==> {line}", flush=True)


if __name__ == "__main__":
    main()
