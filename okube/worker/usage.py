"""What each task of a node uses: measured when somebody asks, and never else."""

import asyncio

from okube.model.wire import TaskUsage
from okube.seams.clock import Clock
from okube.worker.runtime.accounting import Consumption
from okube.worker.runtime.base import Runtime

__all__ = ["TaskMeter"]

_SHORTEST_S = 0.5  # between two looks whose difference says something
_LONGEST_S = 30.0  # an average over more than that is no news
_INTERVAL_S = 0.25  # where there is no earlier look to compare with

_Look = tuple[float, dict[str, tuple[str, Consumption]]]


class TaskMeter:
    """Compares what tasks have used now with what they had used when somebody asked before."""

    def __init__(self, runtime: Runtime, clock: Clock) -> None:
        self._runtime = runtime
        self._clock = clock
        self._before: _Look | None = None
        self._answer: list[TaskUsage] = []
        self._turn = asyncio.Lock()

    async def read(self) -> list[TaskUsage]:
        """Running tasks with cores (an average since the last look) and bytes; raises RuntimeUnavailable."""
        async with self._turn:  # those who ask at the same time share a look
            age_s = None if self._before is None else self._clock.monotonic() - self._before[0]
            if age_s is not None and age_s < _SHORTEST_S:
                return self._answer
            if self._before is None or age_s is None or age_s > _LONGEST_S:
                self._before = await self._look()
                await asyncio.sleep(_INTERVAL_S)
            now = await self._look()
            self._answer = _compare(self._before, now)
            self._before = now
            return self._answer

    async def _look(self) -> _Look:
        consumed = await self._runtime.usage()
        return self._clock.monotonic(), consumed


def _compare(before: _Look, now: _Look) -> list[TaskUsage]:
    seconds = max(now[0] - before[0], 1e-3)
    usages = []
    for container_id, (task_id, consumed) in sorted(now[1].items()):
        known = before[1].get(container_id)
        earlier_s = 0.0 if known is None else known[1].cpu_s  # one that is new began within the interval
        cpus = max(0.0, consumed.cpu_s - earlier_s) / seconds
        usages.append(TaskUsage(task_id, round(cpus, 3), consumed.memory))
    return usages
