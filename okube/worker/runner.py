"""Keeps the containers of this machine as the assignment has them: looks, plans, stores, acts; again and again.

The decisions are the planner's (``reconcile.py``). What is decided here is only when to look and in which order things
are done: memory is stored before the step that follows from it, a task has one step under way at most, and nothing is
planned while the engine does not answer.
"""

import asyncio
import logging
from collections.abc import Callable

import msgspec

from okube.model.commands import TaskReport
from okube.model.task import ENDED
from okube.model.wire import AssignedTask
from okube.seams.clock import Clock
from okube.worker.actions import Action, Renew, Restart, Start
from okube.worker.assignments import Holdings
from okube.worker.lookout import Lookout
from okube.worker.memory import TaskMemory
from okube.worker.observed import Observed
from okube.worker.outbox import Outbox
from okube.worker.reconcile import Plan, could_not_start, plan
from okube.worker.runtime.base import Container, Runtime, RuntimeFailure, RuntimeUnavailable
from okube.worker.secrets import NotGiven, Secrets
from okube.worker.steps import Interruptible, Steps
from okube.worker.store import Store

__all__ = ["Runner"]

logger = logging.getLogger(__name__)

PATIENCE_S = 1.0  # an image that takes longer to bring is told of
_SAVE_AGAIN_S = 1.0
_RETRY_MS = (500, 8_000)  # after a step that failed in a way nobody foresaw: the first wait, the longest


class _Underway:
    """One step that is being taken."""

    def __init__(self, action: Action) -> None:
        self.action = action
        self.interruptible = Interruptible()
        self.task: asyncio.Task[None] | None = None
        self.patience: asyncio.TimerHandle | None = None


class Runner:
    """The loops of one agent around its runtime.

    Args:
        runtime: started by the first look, and again until it works.
        store: where memories go before steps are taken.
        clock: the calendar.
        outbox: where it is noted how each task stands.
        secrets: what lies ready for tasks.
    """

    def __init__(self, *, runtime: Runtime, store: Store, clock: Clock, outbox: Outbox, secrets: Secrets) -> None:
        self._secrets = secrets
        self._store = store
        self._clock = clock
        self._outbox = outbox
        self._memories: dict[str, TaskMemory] = {}
        self._unsaved = False
        self._holdings = Holdings()
        self._observed = Observed()
        self._steps = Steps(runtime, self._observed, self._remember_run, secrets)
        self._lookout = Lookout(runtime, self._observed, self._steps, self)
        self._underway: dict[str, _Underway] = {}
        self._dirty: set[str] = set()
        self._wakes: dict[str, int] = {}
        self._held_off: dict[str, tuple[int, int]] = {}  # failures in a row, and when to try again
        self._winding_down = False
        self._wake = asyncio.Event()

    @property
    def engine_trouble(self) -> str:
        """What is wrong with the engine; empty while it answers."""
        return self._lookout.trouble

    def remember(self, memories: dict[str, TaskMemory]) -> None:
        """What was stored by the agent before this one."""
        self._memories = dict(memories)

    def hold(self, holdings: Holdings) -> None:
        """This is what the node should hold from now on; the caller has stored it."""
        before, self._holdings = self._holdings, holdings
        changed = {
            task_id
            for task_id in before.tasks.keys() | holdings.tasks.keys()
            if before.tasks.get(task_id) != holdings.tasks.get(task_id)
        }
        for task_id in changed:
            self._held_off.pop(task_id, None)
        self._dirty |= changed | (before.ended ^ holdings.ended)
        if not before.assigned:
            self._dirty |= self._observed.tasks() | self._memories.keys()
        self._outbox.keep_only(holdings.tasks)
        self._wake.set()

    def has_ended(self, task_id: str) -> bool:
        """Whether no more output will come of the task: it has ended for good, or is not held."""
        memory = self._memories.get(task_id)
        return task_id not in self._holdings.tasks or (memory is not None and memory.ending is not None)

    def container(self, task_id: str) -> Container | None:
        """The task's container as it was seen last."""
        containers = self._observed.of(task_id)
        return containers[0] if containers else None

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._lookout.run(), name="lookout")
            while True:
                await self._until_something_is_due()
                await self._pass(group)

    async def wind_down(self, timeout_s: float) -> None:
        """Begin nothing more; wait for what must not be torn apart, and ``timeout_s`` at most."""
        self._winding_down = True
        self._interrupt(lambda underway: True)
        starts = [u.task for u in self._underway.values() if isinstance(u.action, Start | Restart) and u.task]
        if not starts:
            return
        _, late = await asyncio.wait(starts, timeout=timeout_s)
        if late:
            logger.warning("%d starts did not end in time; the next start of this agent takes them up", len(late))

    # Planning.

    async def _until_something_is_due(self) -> None:
        timeout_s: float | None = None
        wakes = [at_ms for task_id, at_ms in self._wakes.items() if task_id not in self._underway]
        if wakes and self._lookout.answers and not self._winding_down:
            timeout_s = max(0.0, (min(wakes) - self._clock.time_ms()) / 1000)
        try:
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _pass(self, group: asyncio.TaskGroup) -> None:
        """Plan what changed or is due, store what follows, begin the steps."""
        self._wake.clear()
        self._interrupt(lambda underway: not self._is_wanted(underway))
        if not self._lookout.answers or self._winding_down:
            return
        tasks = self._due()
        containers = {task_id: self._observed.of(task_id) for task_id in tasks}
        steps = plan(self._holdings, containers, self._memories, self._clock.time_ms(), tasks=sorted(tasks))
        self._dirty -= tasks
        for task_id, step in steps.items():
            self._keep(task_id, step.memory)
            self._sleep_until(task_id, step.wake_ms)
        if self._unsaved and (trouble := await self._try_to_save()):
            self._tell_what_is_seen(steps, trouble)
            self._dirty |= tasks
            self._wake.set()
            return
        for task_id, step in steps.items():
            if step.report is not None and task_id in self._holdings.tasks:
                self._outbox.put(step.report)
            if step.action is not None and task_id not in self._underway:
                self._begin(group, task_id, step.action)
            elif task_id in self._secrets.laid and self._needs_nothing(task_id):
                group.create_task(self._secrets.drop(task_id), name=f"task {task_id}: secrets")

    def _needs_nothing(self, task_id: str) -> bool:
        """Whether nothing of the task runs or will run here any more."""
        memory = self._memories.get(task_id)
        if task_id in self._holdings.tasks and (memory is None or memory.ending is None):
            return False
        return all(container.state != "running" for container in self._observed.of(task_id))

    def _due(self) -> set[str]:
        now_ms = self._clock.time_ms()
        tasks = self._dirty | {task_id for task_id, at_ms in self._wakes.items() if at_ms <= now_ms}
        waiting = {task_id for task_id, (_, at_ms) in self._held_off.items() if at_ms > now_ms}
        return tasks - self._underway.keys() - waiting

    def _keep(self, task_id: str, memory: TaskMemory | None) -> None:
        if memory is None:
            self._unsaved |= self._memories.pop(task_id, None) is not None
            self._held_off.pop(task_id, None)
        elif self._memories.get(task_id) != memory:
            self._memories[task_id] = memory
            self._unsaved = True

    def _sleep_until(self, task_id: str, wake_ms: int | None) -> None:
        if wake_ms is None:
            self._wakes.pop(task_id, None)
        else:
            self._wakes[task_id] = wake_ms

    async def _try_to_save(self) -> str:
        """What is in the way; empty when it is stored."""
        try:
            await self._save()
        except OSError as error:
            logger.error("Cannot store what this agent remembers (%s): it starts and stops nothing until it can", error)
            await asyncio.sleep(_SAVE_AGAIN_S)
            return str(error)
        return ""

    def _tell_what_is_seen(self, steps: Plan, trouble: str) -> None:
        """What runs and what does not is told also while nothing can be stored; how a task ended for good is not."""
        for task_id, step in steps.items():
            report, known = step.report, self._outbox.of(task_id)
            if report is None or task_id not in self._holdings.tasks or report.ready:
                continue
            if report.state in ENDED:
                report = report if known is None else msgspec.structs.replace(known, ready=False)
            if report.state not in ENDED:
                message = (
                    f"does not run; its agent starts and stops nothing, for it cannot store what it does: {trouble}"
                )
                self._outbox.put(msgspec.structs.replace(report, message=message))

    async def _save(self) -> None:
        self._unsaved = False
        try:
            await self._store.save_memories(self._memories)
        except OSError:
            self._unsaved = True
            raise

    async def _remember_run(self, task_id: str, container_id: str) -> None:
        memory = self._memories.get(task_id, TaskMemory())
        self._keep(task_id, msgspec.structs.replace(memory, container_id=container_id))
        await self._save()

    def _remember_mounted(self, task: AssignedTask) -> None:
        memory = self._memories.get(task.id)
        if memory is not None:
            self._keep(task.id, msgspec.structs.replace(memory, mounted=task.mounted))

    # Steps.

    def _begin(self, group: asyncio.TaskGroup, task_id: str, action: Action) -> None:
        underway = _Underway(action)
        self._underway[task_id] = underway
        underway.task = group.create_task(self._take(task_id, underway), name=f"task {task_id}")
        if isinstance(action, Start):
            loop = asyncio.get_running_loop()
            underway.patience = loop.call_later(PATIENCE_S, self._tell_of_slow_image, action.task, underway)

    def _tell_of_slow_image(self, task: AssignedTask, underway: _Underway) -> None:
        if underway.interruptible.now and task.id in self._holdings.tasks:
            self._tell(task.id, f"bringing image {task.spec.image}")

    async def _take(self, task_id: str, underway: _Underway) -> None:
        """One step, and what follows from how it went."""
        try:
            await self._steps.take(underway.action, underway.interruptible)
            self._held_off.pop(task_id, None)
            if isinstance(underway.action, Renew):
                self._remember_mounted(underway.action.task)
        except RuntimeFailure as failure:
            logger.warning("Task %s cannot start (%s): %s", task_id, failure.reason, failure.detail)
            memory = self._memories.get(task_id, TaskMemory())
            self._keep(task_id, could_not_start(memory, failure, self._clock.time_ms()))
        except RuntimeUnavailable as error:
            logger.warning("The container engine does not answer: %s", error.detail)
            self._lookout.engine_failed()
            self._hold_off(task_id)
        except NotGiven as error:
            logger.warning("Task %s %s", task_id, error.detail)
            self._tell(task_id, error.detail)
            self._hold_off(task_id)
        except OSError as error:
            logger.error("Cannot store what this agent remembers of task %s (%s): check its disk", task_id, error)
            self._hold_off(task_id)
        except Exception:  # the rim: one task's trouble is not the agent's
            logger.exception("Task %s: a step failed in a way that nobody foresaw", task_id)
            self._hold_off(task_id)
        finally:
            del self._underway[task_id]
            if underway.patience is not None:
                underway.patience.cancel()
            self._lookout.step_ended(task_id)
            self._dirty.add(task_id)
            self._wake.set()

    def _hold_off(self, task_id: str) -> None:
        failures = self._held_off.get(task_id, (0, 0))[0] + 1
        first_ms, longest_ms = _RETRY_MS
        wait_ms = min(first_ms << min(failures - 1, 10), longest_ms)
        self._held_off[task_id] = (failures, self._clock.time_ms() + wait_ms)
        self._wakes[task_id] = self._clock.time_ms() + wait_ms
        logger.info("Task %s: the next attempt comes in %d ms", task_id, wait_ms)

    def _is_wanted(self, underway: _Underway) -> bool:
        action = underway.action
        if not isinstance(action, Start):
            return True
        task = self._holdings.tasks.get(action.task.id)
        return task is not None and task.desired == "run"

    def _interrupt(self, chosen: Callable[[_Underway], bool]) -> None:
        """Give up steps that have touched nothing yet."""
        for underway in self._underway.values():
            if underway.interruptible.now and underway.task is not None and chosen(underway):
                underway.task.cancel()

    # What the lookout asks and tells.

    def is_underway(self, task_id: str) -> bool:
        """Whether a step of the task is being taken."""
        return task_id in self._underway

    def expected_containers(self) -> set[str]:
        """Ids of containers that should be there: those seen before, and those that were told to run."""
        expected = {c.id for containers in self._observed.by_task().values() for c in containers}
        for task_id in self._holdings.tasks:
            memory = self._memories.get(task_id)
            if memory is not None and memory.container_id is not None and memory.ending is None:
                expected.add(memory.container_id)
        return expected

    def saw(self, tasks: set[str]) -> None:
        """These tasks' containers may have changed."""
        self._dirty |= tasks
        self._wake.set()

    def saw_everything(self) -> None:
        """All containers are known: everything is planned anew."""
        self.saw(self._observed.tasks() | self._holdings.tasks.keys() | self._memories.keys() | self._secrets.laid)

    def engine_is_lost(self, error: Exception) -> None:
        """Nothing is known about containers, so nothing is decided about tasks; people are told."""
        for task_id in self._holdings.tasks:
            self._tell(task_id, f"the container engine of this node does not answer: {error}")

    def _tell(self, task_id: str, message: str) -> None:
        """A task stands as before, and there is something that people should know."""
        report = self._outbox.of(task_id)
        if report is None and self._memories.get(task_id, TaskMemory()).container_id is None:
            report = TaskReport(id=task_id, state="scheduled")
        if report is not None and report.state in ("scheduled", "running"):
            self._outbox.put(msgspec.structs.replace(report, message=message))
