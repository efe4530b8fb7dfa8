"""What an agent tells Prometheus: its engine's calls, its heartbeats and its tasks."""

from typing import Any, cast

import pytest

from okube.model.commands import TaskReport
from okube.model.errors import Unreachable
from okube.seams.clock import SystemClock
from okube.seams.exposition import exposition
from okube.worker.calls import ManagerCalls
from okube.worker.metrics import AgentMetrics
from okube.worker.runtime.base import Runtime, RuntimeUnavailable


class Engine:
    """Answers, or does not."""

    name = "docker"
    answers = True

    async def list(self) -> list[Any]:
        if not self.answers:
            raise RuntimeUnavailable("the engine does not answer")
        return []

    def changes(self) -> str:
        return "an iterator"


class Managers:
    """Never there."""

    async def heartbeat(self, heartbeat: object) -> None:
        raise Unreachable("no manager answers")


def _value(metrics: AgentMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


async def test_calls_to_the_engine_are_timed_and_its_silence_shows() -> None:
    metrics, engine = AgentMetrics(SystemClock()), Engine()
    runtime = metrics.of_runtime(cast("Runtime", engine))
    assert await runtime.list() == []
    assert (runtime.name, _value(metrics, "okube_agent_engine_answers")) == ("docker", 1)
    assert cast("Any", runtime).changes() == "an iterator"
    engine.answers = False
    with pytest.raises(RuntimeUnavailable):
        await runtime.list()
    assert _value(metrics, "okube_agent_engine_answers") == 0
    assert _value(metrics, "okube_agent_engine_failures_total") == 1
    assert _value(metrics, "okube_agent_engine_call_seconds_count", call="list") == 2


async def test_heartbeats_that_nobody_answers_are_counted() -> None:
    metrics = AgentMetrics(SystemClock())
    calls = metrics.of_calls(cast("ManagerCalls", Managers()))
    with pytest.raises(Unreachable):
        await calls.heartbeat(cast("Any", None))
    assert _value(metrics, "okube_agent_heartbeats_total", outcome="failed") == 1


async def test_tasks_are_shown_by_state_as_they_stand_when_somebody_asks() -> None:
    metrics = AgentMetrics(SystemClock())
    reports: list[TaskReport] = []
    metrics.tell_tasks(lambda: reports)
    reports.append(TaskReport("t1", "running", ready=True, restarts=3))
    assert _value(metrics, "okube_agent_tasks", state="running") == 1
    assert _value(metrics, "okube_agent_task_restarts") == 3
    assert b"_created" not in await exposition(metrics.registry)
