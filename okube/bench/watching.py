"""Looks at the managers again and again while something happens: their loops, their processors, nodes that are down."""

import time
from collections.abc import Mapping

import msgspec
import psutil

from okube.bench.lags import Lags, lags_between, lags_in
from okube.bench.site import Site
from okube.model.errors import Unreachable

__all__ = ["Reading", "Seen", "read", "seen_between"]


class Reading(msgspec.Struct, frozen=True):
    """One manager at one moment: the clock (s), the processor time that it has used (s), and what it tells."""

    at_s: float
    cpu_s: float
    rss_bytes: int
    lags: Lags
    samples: Mapping[str, float]


class Seen(msgspec.Struct, frozen=True):
    """One manager between two moments."""

    cpu_share: float  # of one core
    rss_mb: float
    lag_p50_ms: float
    lag_p99_ms: float
    heartbeats_s: float  # taken as leader


def read(site: Site) -> dict[str, Reading]:
    """All managers that live and answer, by name."""
    found: dict[str, Reading] = {}
    for name in site.managers:
        running = site.running(name)
        if running is None:
            continue
        try:
            process = psutil.Process(running.pid)
            times, memory = process.cpu_times(), process.memory_info()
            samples = site.metrics(name)
        except (Unreachable, psutil.NoSuchProcess):
            continue
        cpu_s = times.user + times.system
        found[name] = Reading(time.monotonic(), cpu_s, memory.rss, lags_in(samples), samples)
    return found


def seen_between(before: Reading, after: Reading) -> Seen:
    """What one process did meanwhile."""
    lags, seconds = lags_between(before.lags, after.lags), max(after.at_s - before.at_s, 1e-9)
    beats = "okube_agents_heartbeats_total"
    return Seen(
        cpu_share=(after.cpu_s - before.cpu_s) / seconds,
        rss_mb=after.rss_bytes / (1 << 20),
        lag_p50_ms=1000 * lags.quantile_s(0.5),
        lag_p99_ms=1000 * lags.quantile_s(0.99),
        heartbeats_s=(after.samples.get(beats, 0.0) - before.samples.get(beats, 0.0)) / seconds,
    )
