"""A registry as the text that Prometheus reads."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

__all__ = ["exposition"]


class _WithoutBirthdays(Collector):
    """A registry without the times at which each counter was made, which double the text and tell nobody anything."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            kept = Metric(metric.name, metric.documentation, metric.type, metric.unit)
            kept.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield kept


def exposition(registry: CollectorRegistry) -> bytes:
    """The text format of all metrics now."""
    return generate_latest(_WithoutBirthdays(registry))
