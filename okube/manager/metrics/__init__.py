"""What a manager tells a Prometheus server: what it counts as things happen, and what stands when it is asked."""

from okube.manager.metrics.instruments import Metrics

__all__ = ["Metrics"]
