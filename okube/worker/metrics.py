"""What an agent tells a Prometheus server: its tasks, its engine, its talk with the managers."""

import inspect
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from okube.model.commands import TaskReport
from okube.model.errors import Unreachable
from okube.model.wire import Papers
from okube.seams.clock import Clock
from okube.worker.calls import ManagerCalls
from okube.worker.runtime.base import Runtime, RuntimeUnavailable

__all__ = ["AgentMetrics"]

_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0)
_STATES = ("scheduled", "running", "completed", "failed")
_NOT_TIMED = frozenset({"start", "close", "stop"})  # to stop takes as long as the container likes


class AgentMetrics:
    """The instruments of one agent, in a registry of its own."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        registry = self.registry = CollectorRegistry()
        self.engine_answers = Gauge(
            "okube_agent_engine_answers", "Whether the engine answered the last call: 1 or 0.", registry=registry
        )
        self.engine_seconds = Histogram(
            "okube_agent_engine_call_seconds",
            "Time of a call to the engine.",
            ["call"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self.engine_failures = Counter(
            "okube_agent_engine_failures_total", "Calls that the engine did not answer.", registry=registry
        )
        self.heartbeats = Counter(
            "okube_agent_heartbeats_total", "Heartbeats, by outcome: answered, failed.", ["outcome"], registry=registry
        )
        for outcome in ("answered", "failed"):
            self.heartbeats.labels(outcome)

    def tell_papers(self, papers: Callable[[], Papers]) -> None:
        """Show when the agent's certificate ends, whenever somebody asks."""
        name, text = "okube_agent_certificate_end_timestamp_seconds", "When the agent's certificate ends."
        Gauge(name, text, registry=self.registry).set_function(lambda: papers().ends_ms / 1000)

    def tell_tasks(self, reports: Callable[[], Iterable[TaskReport]]) -> None:
        """Show the tasks as ``reports`` has them whenever somebody asks."""
        self.registry.register(_Tasks(reports))

    def of_runtime(self, runtime: Runtime) -> Runtime:
        """The same runtime; its calls are timed."""
        return cast("Runtime", _Timed(runtime, self._time_engine))

    def of_calls(self, calls: ManagerCalls) -> ManagerCalls:
        """The same calls to managers; heartbeats are counted."""
        return cast("ManagerCalls", _Timed(calls, self._count_heartbeat))

    async def _time_engine(self, name: str, call: Any) -> Any:
        if name in _NOT_TIMED:
            return await call
        began = self._clock.monotonic()
        try:
            answer = await call
        except RuntimeUnavailable:
            self.engine_answers.set(0)
            self.engine_failures.inc()
            raise
        finally:
            self.engine_seconds.labels(name).observe(self._clock.monotonic() - began)
        self.engine_answers.set(1)
        return answer

    async def _count_heartbeat(self, name: str, call: Any) -> Any:
        if name != "heartbeat":
            return await call
        try:
            answer = await call
        except Unreachable:
            self.heartbeats.labels("failed").inc()
            raise
        self.heartbeats.labels("answered").inc()
        return answer


class _Timed:
    """Stands for something; each of its calls that is awaited goes through ``around``."""

    def __init__(self, of: object, around: Callable[[str, Any], Any]) -> None:
        self._of = of
        self._around = around

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._of, name)
        if not inspect.iscoroutinefunction(found):
            return found
        return lambda *args, **kwargs: self._around(name, found(*args, **kwargs))


class _Tasks(Collector):
    """Tasks that the node holds, by state, and how often their containers were started again."""

    def __init__(self, reports: Callable[[], Iterable[TaskReport]]) -> None:
        self._reports = reports

    def collect(self) -> Iterator[Metric]:
        """All of it, now."""
        reports = list(self._reports())
        counts: Tally[str] = Tally(report.state for report in reports)
        tasks = GaugeMetricFamily("okube_agent_tasks", "Tasks that the node holds, by state.", labels=["state"])
        for state in _STATES:
            tasks.add_metric([state], counts[state])
        yield tasks
        ready = sum(report.ready for report in reports)
        yield GaugeMetricFamily("okube_agent_tasks_ready", "Tasks that serve.", value=ready)
        restarts = sum(report.restarts for report in reports)
        text = "How often the containers of these tasks were started again."
        yield GaugeMetricFamily("okube_agent_task_restarts", text, value=restarts)
