"""Okube's replicated log against etcd: ``make bench-raft``; tables, and as its last line one JSON object.

Three members each, on hosts (network namespaces) of their own on this machine, TLS, every write synced to disk before
it is acknowledged, in one run and in turns. A write is a small change to one service (Okube, through its whole API,
with a key that makes it safe to repeat) or one put of the same size (etcd's JSON gateway); bulk is ten of these in one
request.
"""

import argparse
import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from statistics import median

from tests.bench.raft import failover, throughput
from tests.bench.raft.etcd import Etcd
from tests.bench.raft.load import HOST, spread_addresses
from tests.bench.raft.okube import Okube
from tests.bench.raft.system import MEMBERS, System
from tests.lab.hosts import Hosts

__all__ = ["main"]

_SYSTEMS: dict[str, Callable[[Hosts], System]] = {"okube": Okube, "etcd": Etcd}
_PARTS = ("throughput", "failover")
_TOOLS = ("wrk", "etcd", "ip", "nsenter", "iptables")


def main() -> None:
    """Measure what the command line names (all of it, unless told otherwise), and print."""
    options = _options()
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        raise SystemExit(
            f"{', '.join(missing)} not found: apt-get install --no-install-recommends wrk etcd-server iptables"
        )
    with _places(options.systems) as (hosts, systems):
        _say(f"fdatasync of 4 KiB where the members keep their logs: {_sync_ms():.2f} ms (median)")
        rows: list[throughput.Row] = []
        if "throughput" in options.parts:
            how = {"widths": options.widths, "rounds": options.rounds, "seconds": options.seconds}
            rows = throughput.measure(systems, hosts, **how, say=_say)
            _print_rows(rows)
        pauses: list[failover.Pauses] = []
        if "failover" in options.parts:
            for system in systems:
                rounds = options.failovers if system.name == "okube" else max(1, options.failovers // 4)
                pauses += failover.measure(system, hosts, rounds=rounds, say=_say)
            _print_pauses(pauses)
    print(json.dumps({name: round(value, 3) for name, value in _figures(rows, pauses).items()}))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_raft", description="Okube's log against etcd.")
    parser.add_argument("--parts", nargs="+", choices=_PARTS, default=_PARTS)
    parser.add_argument("--systems", nargs="+", choices=_SYSTEMS, default=tuple(_SYSTEMS))
    parser.add_argument("--widths", nargs="+", type=int, default=(1, 16, 256), help="connections at once")
    parser.add_argument("--rounds", type=int, default=3, help="how often each load runs; medians are shown")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each load runs")
    parser.add_argument("--failovers", type=int, default=20, help="rounds of each fault; a quarter of it for etcd")
    return parser.parse_args()


@contextlib.contextmanager
def _places(names: Sequence[str]) -> Iterator[tuple[Hosts, list[System]]]:
    with contextlib.ExitStack() as stack:
        hosts = Hosts([*MEMBERS, HOST])
        stack.callback(hosts.destroy)
        spread_addresses(hosts)
        systems: list[System] = []
        for name in names:
            began = time.monotonic()
            system = _SYSTEMS[name](hosts)
            stack.callback(system.destroy)
            systems.append(system)
            _say(f"{name}: {len(MEMBERS)} members serve after {time.monotonic() - began:.1f} s")
        yield hosts, systems


def _figures(rows: list[throughput.Row], pauses: list[failover.Pauses]) -> dict[str, float]:
    """The names of the last line, which stay; what was not measured is not in it."""
    by_case = {(row.system, row.case.connections, row.case.changes): row for row in rows}
    by_fault = {(each.system, each.fault): each for each in pauses}
    figures: dict[str, float] = {}
    for width in (1, 16, 256):
        if ("okube", width, 1) in by_case:
            figures[f"writes_s_{width}"] = by_case["okube", width, 1].requests_s
    for name, key in (("bulk_changes_s_256", ("okube", 256, 10)), ("etcd_bulk_changes_s_256", ("etcd", 256, 10))):
        if key in by_case:
            figures[name] = by_case[key].changes_s
    if ("etcd", 256, 1) in by_case:
        figures["etcd_writes_s_256"] = by_case["etcd", 256, 1].requests_s
    if ("okube", 16, 1) in by_case:
        figures["write_p99_16_ms"] = by_case["okube", 16, 1].p99_ms
    if ("okube", "kill") in by_fault:
        figures["failover_kill_s"] = by_fault["okube", "kill"].median_s
        figures["failover_kill_worst_s"] = by_fault["okube", "kill"].worst_s
        figures["failover_stop_s"] = by_fault["okube", "stop"].median_s
        figures["failover_cut_s"] = by_fault["okube", "cut"].median_s
    return figures


def _print_rows(rows: list[throughput.Row]) -> None:
    print(
        f"\n{'writes':8} {'conns':>5} {'in one':>6} {'requests/s':>11} {'changes/s':>10} {'p50 ms':>8} {'p99 ms':>8} "
        f"{'CPU s per 1000 changes':>23}"
    )
    for row in sorted(rows, key=lambda row: (row.case.changes, row.case.connections, row.system)):
        print(
            f"{row.system:8} {row.case.connections:5} {row.case.changes:6} {row.requests_s:11,.0f} "
            f"{row.changes_s:10,.0f} {row.p50_ms:8.1f} {row.p99_ms:8.1f} {row.cpu_s_per_1000_changes:23.2f}"
        )


def _print_pauses(pauses: list[failover.Pauses]) -> None:
    print(f"\n{'no write acknowledged after':28} {'system':8} {'rounds':>6} {'median s':>9} {'worst s':>8}")
    titles = {"kill": "kill -9 of the leader", "stop": "SIGSTOP of the leader", "cut": "its links are cut"}
    for each in pauses:
        print(f"{titles[each.fault]:28} {each.system:8} {len(each.seconds):6} {each.median_s:9.2f} {each.worst_s:8.2f}")
    print()


def _sync_ms() -> float:
    took = []
    with tempfile.NamedTemporaryFile(prefix="okube-bench-") as file:
        for _ in range(50):
            os.write(file.fileno(), bytes(4096))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    return 1000 * median(took)


def _say(line: str) -> None:
    print(f"==> {line}", flush=True)


if __name__ == "__main__":
    main()
