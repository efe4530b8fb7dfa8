"""What managers and agents cost while nothing happens."""

import time

import msgspec
import psutil

from tests.bench.site import Site

__all__ = ["Footprint", "footprint"]


class Footprint(msgspec.Struct, frozen=True):
    """One idle process: its resident memory (MB of 1,000,000 bytes) and its share of one core (%)."""

    name: str
    rss_mb: float
    cpu_pct: float


def footprint(site: Site, *, seconds: float) -> tuple[list[Footprint], dict[str, float]]:
    """Each process over some idle seconds; the figures are those of the most expensive manager and worker."""
    names = [*site.cluster.managers, *site.cluster.workers]
    processes = {name: psutil.Process(site.cluster.pid(name)) for name in names}
    before = {name: _cpu_s(process) for name, process in processes.items()}
    began = time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - began
    rows = [
        Footprint(name, process.memory_info().rss / 1e6, 100 * (_cpu_s(process) - before[name]) / passed)
        for name, process in processes.items()
    ]
    managers = [row for row in rows if row.name in site.cluster.managers]
    workers = [row for row in rows if row.name in site.cluster.workers]
    return rows, {
        "manager_rss_mb": max(row.rss_mb for row in managers),
        "manager_cpu_pct": max(row.cpu_pct for row in managers),
        "worker_rss_mb": max(row.rss_mb for row in workers),
        "worker_cpu_pct": max(row.cpu_pct for row in workers),
    }


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
