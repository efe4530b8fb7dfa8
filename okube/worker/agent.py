"""One worker agent without its sockets: what it holds, the loops around its runtime, its talk with the managers."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

from okube.model.epoch import Epoch
from okube.model.errors import Conflict, NotFound
from okube.model.exec import ExecRequest
from okube.model.versions import COMMAND_VERSION
from okube.model.wire import Assignment, AssignmentAnswer, LogLine, NodeUsage, Registration, Usage
from okube.seams.clock import Clock
from okube.worker.assignments import Holdings, raise_fence, take
from okube.worker.calls import ManagerCalls
from okube.worker.capacity import Capacity
from okube.worker.conditions import Checkup, MachineState
from okube.worker.heartbeat import Heart, Renewing
from okube.worker.logs import task_logs
from okube.worker.outbox import Outbox
from okube.worker.probes import Survey
from okube.worker.runner import Runner
from okube.worker.runtime.base import ExecSession, Runtime
from okube.worker.secretplace import NoPlace
from okube.worker.secrets import Secrets
from okube.worker.settings import WorkerSettings
from okube.worker.store import Store
from okube.worker.usage import TaskMeter

__all__ = ["Agent"]

logger = logging.getLogger(__name__)

_WIND_DOWN_S = 5.0
_GOODBYE_S = 3.0


def _nowhere() -> Path:
    raise NoPlace("this agent was told of no file system in memory")


class Agent:
    """Obeys assignments and says how it goes. Call ``load`` once, then ``run``; ``accept`` takes what managers send.

    Args:
        settings: who it is.
        clock: time.
        rng: chance.
        runtime: not yet started.
        calls: to the managers.
        store: what survived the last run.
        capacity: what its machine has.
        usage: what its machine uses now.
        machine: what its machine has, whatever of it is offered.
        look: the state of its machine.
        living: ids of the clusters that have a living agent on the machine.
        software: its version of Okube.
        secrets: what tasks are given; without it, none that is given anything can run.
        renewing: its certificate.
        survey: its knowledge of the network; without it, nothing is measured.
    """

    def __init__(
        self,
        *,
        settings: WorkerSettings,
        clock: Clock,
        rng: random.Random,
        runtime: Runtime,
        calls: ManagerCalls,
        store: Store,
        capacity: Capacity,
        usage: Callable[[], Usage],
        machine: Callable[[], Capacity] | None = None,
        look: Callable[[], Awaitable[MachineState]],
        living: Callable[[], Awaitable[set[str]]],
        software: str = "",
        secrets: Secrets | None = None,
        renewing: Renewing | None = None,
        survey: Survey | None = None,
    ) -> None:
        self._settings = settings
        self._calls = calls
        self._runtime = runtime
        self._store = store
        self._holdings = Holdings()
        self._managers: tuple[str, ...] = ()
        self.address = settings.address  # where it is reached: as its file says, or the cluster
        self.readdressed = asyncio.Event()
        self.left_managers: frozenset[str] = frozenset()
        """Instances of managers that are none any more: their certificates count for nothing here."""
        self.managers_left = asyncio.Event()
        self._fence_unsaved = False
        self._leaves = False
        self._lock = asyncio.Lock()
        self._usage = usage
        self._whole = machine or (lambda: capacity)
        self._meter = TaskMeter(runtime, clock)
        outbox = Outbox()
        self.reports = outbox.all
        self._secrets = secrets or Secrets(calls, _nowhere)
        self.runner = Runner(runtime=runtime, store=store, clock=clock, outbox=outbox, secrets=self._secrets)
        self._checkup = Checkup(
            runtime,
            engine_trouble=lambda: self.runner.engine_trouble,
            look=look,
            living=living,
        )
        self._heart = Heart(
            registration=_registration(settings, capacity, runtime.name, software),
            calls=calls,
            ear=self,
            outbox=outbox,
            usage=usage,
            conditions=lambda: self._checkup.told,
            rng=rng,
            heartbeat_s=settings.heartbeat_s,
            renewing=renewing,
            surveying=survey,
        )
        self._survey = survey

    @property
    def holdings(self) -> Holdings:
        """What the node holds now."""
        return self._holdings

    @property
    def obeys(self) -> Epoch:
        """The highest epoch that it has heard of: it obeys nothing older."""
        return max(self._holdings.fence or Epoch(), self._holdings.epoch)

    async def load(self) -> None:
        """Take up what was stored; raises OSError when it cannot be read."""
        stored = await self._store.load()
        self._holdings = stored.holdings
        self._managers = stored.managers
        self.address = stored.address or self.address
        self.left_managers = frozenset(stored.left_managers)
        self._calls.learn(stored.managers)
        await self._secrets.load()
        self.runner.remember(stored.memories)
        self.runner.hold(stored.holdings)
        logger.info(
            "Node %s holds %d tasks, epoch %s, revision %d",
            self._settings.name,
            len(stored.holdings.tasks),
            stored.holdings.epoch,
            stored.holdings.revision,
        )

    def leave(self) -> None:
        """Announce no absence at the end: the containers are removed next, so its node is soon taken for down."""
        self._leaves = True

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set; then announce an absence, and leave all containers running."""
        async with asyncio.TaskGroup() as group:
            runner = group.create_task(self.runner.run(), name="runner")
            heart = group.create_task(self._heart.run(), name="heartbeat")
            beside = [group.create_task(self._checkup.run(), name="condition of the node")]
            if self._survey is not None:
                beside.append(group.create_task(self._survey.run(), name="survey of the network"))
            await stop.wait()
            if self._leaves:
                logger.info("Node %s leaves; its containers are removed next", self._settings.name)
            else:
                logger.info("Node %s stops in order; its containers go on", self._settings.name)
            heart.cancel()
            await asyncio.wait([heart])
            await self.runner.wind_down(_WIND_DOWN_S)
            if not self._leaves:
                await self._heart.say_goodbye(_GOODBYE_S)
            runner.cancel()
            for each in beside:
                each.cancel()

    async def accept(self, assignment: Assignment) -> AssignmentAnswer:
        """Obey an assignment, or refuse it; what is obeyed is stored when this returns."""
        async with self._lock:
            taken = take(self._holdings, assignment, node=self._settings.name, instance=self._settings.instance)
            if not taken.answer.accepted:
                logger.warning("Refused an assignment: %s", taken.answer.message)
            if taken.holdings is self._holdings:
                return taken.answer
            try:
                await self._store.save_assignment(taken.holdings)
            except OSError as error:
                return self._not_stored(assignment, error)
            self._holdings = taken.holdings
            self._fence_unsaved = False
            self.runner.hold(taken.holdings)
            return taken.answer

    def logs(self, task_id: str, *, follow: bool, tail: int | None, since_ms: int | None) -> AsyncIterator[LogLine]:
        """A task's output, oldest first; raises NotFound, RuntimeUnavailable."""
        return task_logs(self._runtime, self.runner, task_id, follow=follow, tail=tail, since_ms=since_ms)

    async def exec(self, task_id: str, request: ExecRequest) -> ExecSession:
        """Run a command beside a task's own.

        Raises:
            NotFound: there is no container of this task here.
            Conflict: it does not run now.
            CannotExec: there is no such command, or it is no program.
            RuntimeUnavailable: the engine does not answer.
        """
        container = self.runner.container(task_id)
        if container is None:
            raise NotFound(f"node {self._settings.name} has no container of task {task_id}: not yet, or not any more")
        if container.state != "running":
            raise Conflict(f"task {task_id} does not run now; see its state with okube ps")
        return await self._runtime.exec(container.id, request)

    async def measure(self) -> NodeUsage:
        """What the machine and its tasks use now; raises RuntimeUnavailable."""
        used, machine = self._usage(), self._whole()
        return NodeUsage(
            cpus=used.cpus,
            memory=used.memory,
            disk=used.disk,
            cores=machine.cores,
            memory_total=machine.memory,
            disk_total=machine.disk,
            tasks=await self._meter.read(),
        )

    async def observe_epoch(self, epoch: Epoch) -> None:
        """After contact with an epoch nothing older is obeyed; raises OSError when that cannot be stored."""
        async with self._lock:
            raised = raise_fence(self._holdings, epoch)
            self._fence_unsaved |= raised.fence != self._holdings.fence
            self._holdings = raised
            if self._fence_unsaved and raised.fence is not None:
                await self._store.save_fence(raised.fence)
                self._fence_unsaved = False

    async def learn_managers(self, managers: Sequence[str]) -> None:
        """Remember where managers are, beside those of the settings; raises OSError when it cannot be stored."""
        if not managers or tuple(managers) == self._managers:
            return
        self._managers = tuple(managers)
        self._calls.learn(self._managers)
        await self._store.save_managers(self._managers)

    async def learn_left(self, instances: Sequence[str]) -> None:
        """Answer these no more, also after a restart; raises OSError when it cannot be stored.

        An empty list is what a manager tells that is of an earlier version: it takes nothing back.
        """
        if not instances or self.left_managers == frozenset(instances):
            return
        self.left_managers = frozenset(instances)
        self.managers_left.set()
        await self._store.save_left_managers(tuple(sorted(self.left_managers)))

    async def learn_address(self, address: str) -> None:
        """Be reached there from now on, also after a restart; raises OSError when it cannot be stored."""
        if not address or address == self.address:
            return
        logger.info("Node %s is reached at %s from now on, says a manager", self._settings.name, address)
        self.address = address
        self.readdressed.set()
        await self._store.save_address(address)

    def _not_stored(self, assignment: Assignment, error: OSError) -> AssignmentAnswer:
        """Nothing is obeyed that is not stored; the fence goes up all the same."""
        logger.error("Cannot store revision %d of epoch %s: %s", assignment.revision, assignment.epoch, error)
        self._holdings = raise_fence(self._holdings, assignment.epoch)
        self._fence_unsaved = True
        return AssignmentAnswer(
            self._holdings.epoch,
            self._holdings.revision,
            accepted=False,
            message=f"node {self._settings.name} cannot store its assignment ({error}): check the disk of its state",
        )


def _registration(settings: WorkerSettings, capacity: Capacity, runtime: str, software: str) -> Registration:
    return Registration(
        node=settings.name,
        instance=settings.instance,
        address=settings.address,
        labels=settings.labels,
        zone=settings.zone,
        cores=capacity.cores,
        memory=capacity.memory,
        disk=capacity.disk,
        runtime=runtime,
        software=software,
        machine_id=settings.machine_id,
        knows=COMMAND_VERSION,
        region=settings.region,
        rack=settings.rack,
        named=settings.named,
        platform=settings.platform,
    )
