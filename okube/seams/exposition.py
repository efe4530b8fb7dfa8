"""A registry as the text that Prometheus reads."""

import asyncio
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

__all__ = ["exposition"]


class _One(Collector):
    """One metric without the times at which its counters were made, which double the text and tell nobody anything."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterator[Metric]:
        metric = self._metric
        kept = Metric(metric.name, metric.documentation, metric.type, metric.unit)
        kept.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
        yield kept


async def exposition(registry: CollectorRegistry) -> bytes:
    """The text format of all metrics now; the loop goes on between one metric and the next."""
    parts = []
    for metric in registry.collect():
        parts.append(generate_latest(_One(metric)))
        await asyncio.sleep(0)
    return b"".join(parts)
