"""Sees what becomes of containers: follows the engine's news, and looks at everything in case some got lost."""

import asyncio
import logging
from typing import Protocol

from okube.worker.observed import Observed
from okube.worker.runtime.base import Container, Runtime, RuntimeUnavailable
from okube.worker.steps import Steps

__all__ = ["Lookout", "Watcher"]

logger = logging.getLogger(__name__)

FULL_LOOK_S = 7.0
INSPECTS_AT_ONCE = 16  # more news than this at a time is seen with one look at everything
NEWS_RETRY_S = 1.0
PING_EVERY_S = 2.0
_FIRST_RETRY_S, _LONGEST_RETRY_S = 0.5, 5.0


class Watcher(Protocol):
    """Who is told; the runner."""

    def is_underway(self, task_id: str) -> bool:
        """Whether a step of the task is being taken, so that nothing seen from outside counts."""

    def expected_containers(self) -> set[str]:
        """Ids of containers that should be there."""

    def saw(self, tasks: set[str]) -> None:
        """These tasks' containers may have changed."""

    def saw_everything(self) -> None:
        """All containers are known."""

    def engine_is_lost(self, error: Exception) -> None:
        """The engine has not answered twice in a row; nothing is known about containers."""


class Lookout:
    """The eyes of the agent.

    ``answers`` is whether the engine answered when it was asked last; ``trouble`` says what is wrong where it has not
    done so twice in a row, and is empty else.
    """

    def __init__(self, runtime: Runtime, observed: Observed, steps: Steps, watcher: Watcher) -> None:
        self.answers = False
        self.trouble = ""
        self._runtime = runtime
        self._observed = observed
        self._steps = steps
        self._watcher = watcher
        self._suspects: set[str] = set()
        self._suspicion = asyncio.Event()
        self._look_now = asyncio.Event()
        self._started = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_changes(), name="changes of containers")
            group.create_task(self._inspect_suspects(), name="inspect containers")
            group.create_task(self._look_at_everything(), name="look at all containers")
            group.create_task(self._ask_for_signs_of_life(), name="signs of life of the engine")

    def engine_failed(self) -> None:
        """A step found the engine silent: nothing more is begun before a look at everything."""
        self.answers = False
        self._look_now.set()

    def step_ended(self, task_id: str) -> None:
        """News that came during a step is looked into now."""
        if task_id in self._suspects:
            self._suspicion.set()

    async def _follow_changes(self) -> None:
        await self._started.wait()
        while True:
            try:
                async for task_id in self._runtime.changes():
                    self._suspects.add(task_id)
                    self._suspicion.set()
            except RuntimeUnavailable as error:
                logger.debug("No news from the container engine: %s", error.detail)
            except Exception:  # the rim: the slow look goes on without news
                logger.exception("The news of the container engine broke off")
            await asyncio.sleep(NEWS_RETRY_S)
            self._look_now.set()  # what happened meanwhile was not told

    async def _inspect_suspects(self) -> None:
        while True:
            await self._suspicion.wait()
            self._suspicion.clear()
            suspects = {task_id for task_id in self._suspects if not self._watcher.is_underway(task_id)}
            self._suspects -= suspects
            known = [(task_id, c.id) for task_id in sorted(suspects) for c in self._observed.of(task_id)]
            if len(known) > INSPECTS_AT_ONCE:
                self._look_now.set()
                continue
            looks = await asyncio.gather(*(self._steps.look(*pair) for pair in known), return_exceptions=True)
            if any(isinstance(look, BaseException) for look in looks):
                self._look_now.set()
            self._watcher.saw(suspects)

    async def _look_at_everything(self) -> None:
        failures = 0
        while True:
            self._look_now.clear()
            try:
                await self._look()
            except Exception as error:  # the rim: an engine that answers nonsense is as good as a silent one
                failures += 1
                self._note_failure(error, failures)
                await asyncio.sleep(min(_FIRST_RETRY_S * 2 ** min(failures - 1, 10), _LONGEST_RETRY_S))
            else:
                failures = 0
                await self._until_next_look()

    async def _ask_for_signs_of_life(self) -> None:
        """A call to an engine that hangs is waited for long; whether it hangs is known much sooner."""
        await self._started.wait()
        failures = 0
        while True:
            await asyncio.sleep(PING_EVERY_S)
            try:
                await self._runtime.ping()
                failures = 0
            except RuntimeUnavailable as error:
                failures += 1
                if failures == 2 and not self.trouble:
                    logger.error("The container engine gives no sign of life, tasks stay as they are: %s", error)
                if failures >= 2:
                    self._lose_engine(error)
                    self._look_now.set()

    async def _until_next_look(self) -> None:
        try:
            async with asyncio.timeout(FULL_LOOK_S):
                await self._look_now.wait()
        except TimeoutError:
            return

    async def _look(self) -> None:
        if not self._started.is_set():
            await self._runtime.start()
            self._started.set()
        moment = self._observed.moment()
        containers = await self._runtime.list()
        containers += await self._missed({container.id for container in containers})
        self._observed.replace(containers, moment, trusted=lambda task_id: not self._watcher.is_underway(task_id))
        if not self.answers:
            logger.info("The container engine answers: %d containers of this node", len(containers))
        self.answers = True
        self.trouble = ""
        self._watcher.saw_everything()

    async def _missed(self, listed: set[str]) -> list[Container]:
        """Containers that should be there and were not listed: none is believed gone before it was asked for."""
        missing = sorted(self._watcher.expected_containers() - listed)
        found = [await self._runtime.inspect(container_id) for container_id in missing]
        return [container for container in found if container is not None]

    def _note_failure(self, error: Exception, failures: int) -> None:
        self.answers = False
        if failures == 2:
            trace = None if isinstance(error, RuntimeUnavailable) else error
            logger.error("The container engine does not answer, tasks stay as they are: %s", error, exc_info=trace)
        if failures >= 2:
            self._lose_engine(error)

    def _lose_engine(self, error: Exception) -> None:
        self.answers = False
        self.trouble = str(error)
        self._watcher.engine_is_lost(error)
