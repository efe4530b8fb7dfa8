"""The agent's side of its talk with the managers: it registers, gives signs of life, and reports until confirmed."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

import msgspec

from okube.model.epoch import Epoch
from okube.model.errors import Unreachable
from okube.model.wire import (
    Heartbeat,
    HeartbeatAnswer,
    NetworkReport,
    NodeCondition,
    Papers,
    Probing,
    Registration,
    Usage,
)
from okube.worker.assignments import Holdings
from okube.worker.calls import ManagerCalls
from okube.worker.outbox import Outbox

__all__ = ["ABSENCE_S", "Ear", "Heart", "Renewing", "Surveying"]

logger = logging.getLogger(__name__)
Answer = TypeVar("Answer")

ABSENCE_S = 60.0
COALESCE_S = 0.02
REPORTS_AT_ONCE = 500
REFUSED_RETRY_S = 3.0
_EARLIEST = 0.9  # of the interval, so that agents do not keep in step
_LEAST_PAUSE = 0.2  # of the interval, where answers take long


class Ear(Protocol):
    """Who listens to what managers tell in their answers."""

    @property
    def holdings(self) -> Holdings:
        """What the node holds now."""

    async def observe_epoch(self, epoch: Epoch) -> None:
        """A manager named this epoch; raises OSError when it cannot be stored."""

    async def learn_managers(self, managers: Sequence[str]) -> None:
        """A manager named all managers; raises OSError when it cannot be stored."""

    async def learn_address(self, address: str) -> None:
        """This node is reached at this address from now on; raises OSError when it cannot be stored."""

    async def learn_left(self, instances: Sequence[str]) -> None:
        """These were managers, and are none any more; raises OSError when it cannot be stored."""


class Renewing(Protocol):
    """The agent's certificate, as the managers should know it."""

    @property
    def papers(self) -> Papers:
        """What the agent shows now."""

    def expect(self, mark: str) -> None:
        """What it should show; empty where that is not known."""


class Surveying(Protocol):
    """The agent's knowledge of the network."""

    def report(self) -> NetworkReport:
        """What is known now, and what was measured since the last one that was confirmed."""

    def confirm(self, report: NetworkReport) -> None:
        """A manager has heard it."""

    def take(self, probing: Probing | None) -> None:
        """What a manager wants measured next; None: nothing new."""


class Heart:
    """Registers, then beats: every ``heartbeat_s``, and at once when there is something to report.

    The first report after some quiet goes out by itself; those that follow within 20 ms of an answer go together.

    Args:
        registration: who the agent is.
        calls: to the managers.
        ear: told of epochs and managers.
        outbox: what there is to report.
        usage: what the machine uses now.
        conditions: what is wrong with it now; None while nobody has looked.
        rng: spreads the retries of many agents.
        heartbeat_s: until a manager names another interval.
        renewing: the agent's certificate, told with each heartbeat.
        surveying: what the agent knows of the network.
    """

    def __init__(
        self,
        *,
        registration: Registration,
        calls: ManagerCalls,
        ear: Ear,
        outbox: Outbox,
        usage: Callable[[], Usage],
        conditions: Callable[[], tuple[NodeCondition, ...] | None],
        rng: random.Random,
        heartbeat_s: float,
        renewing: Renewing | None = None,
        surveying: Surveying | None = None,
    ) -> None:
        self._run = f"{rng.getrandbits(64):016x}"
        self._sequence = 0
        self._registration = msgspec.structs.replace(registration, run=self._run)
        self._calls = calls
        self._ear = ear
        self._outbox = outbox
        self._usage = usage
        self._conditions = conditions
        self._renewing = renewing
        self._surveying = surveying
        self._rng = rng
        self._heartbeat_s = heartbeat_s
        self._registered = False
        self._epoch: Epoch | None = None  # of the last answer
        self._refusal = ""
        self._silent = False

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            if not self._registered:
                await asyncio.sleep(await self._register())
            else:
                await self._beat_and_wait()

    async def say_goodbye(self, timeout_s: float) -> None:
        """Announce a stop in order, with what is left to report; silence is not waited out."""
        if not self._registered:
            return
        try:
            async with asyncio.timeout(timeout_s):
                await self._beat(absence_s=ABSENCE_S)
        except (Unreachable, TimeoutError):
            logger.warning("No manager heard that this agent stops: its node will be taken for down")

    async def _register(self) -> float:
        """Try to register; answers how long to wait before the next step."""
        answer = await self._heard(self._calls.register(self._registration))
        if answer is None:
            return self._retry_s()
        if not answer.accepted:
            if answer.message != self._refusal:
                logger.error("The cluster refuses this node: %s", answer.message)
            self._refusal = answer.message
            return REFUSED_RETRY_S * self._rng.uniform(0.8, 1.2)
        self._refusal = ""
        self._registered = True
        self._heartbeat_s = answer.heartbeat_ms / 1000
        self._outbox.send_all_again()
        logger.info("Node %s takes part, epoch %s", self._registration.node, answer.epoch)
        await self._listen(answer.epoch, answer.managers, answer.address)
        return 0.0

    async def _beat_and_wait(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        answered = await self._heard(self._beat())
        if answered is None:
            await asyncio.sleep(self._retry_s())
            return
        if not self._registered:
            return
        # From one beat to the next and not from its answer: those that are answered together would beat together then.
        due = began + self._heartbeat_s * self._rng.uniform(_EARLIEST, 1.0)
        earliest = loop.time() + COALESCE_S
        try:
            async with asyncio.timeout_at(max(due, loop.time() + _LEAST_PAUSE * self._heartbeat_s)):
                await self._outbox.changed.wait()
        except TimeoutError:
            return
        await asyncio.sleep(max(0.0, earliest - loop.time()))

    async def _beat(self, absence_s: float = 0.0) -> HeartbeatAnswer:
        batch = self._outbox.batch(REPORTS_AT_ONCE)
        holdings = self._ear.holdings
        self._sequence += 1
        network = None if self._surveying is None else self._surveying.report()
        answer = await self._calls.heartbeat(
            Heartbeat(
                node=self._registration.node,
                instance=self._registration.instance,
                epoch=holdings.epoch,
                revision=holdings.revision,
                reports=batch,
                usage=self._usage(),
                absence_s=absence_s,
                run=self._run,
                sequence=self._sequence,
                conditions=self._conditions(),
                papers=None if self._renewing is None else self._renewing.papers,
                network=network,
            )
        )
        if not answer.known:
            logger.warning("The cluster does not know node %s: registering again", self._registration.node)
            self._registered = False
            return answer
        self._heartbeat_s = answer.heartbeat_ms / 1000
        self._outbox.confirm(batch)
        if self._renewing is not None:
            self._renewing.expect(answer.mark)
        if self._surveying is not None and network is not None:
            self._surveying.confirm(network)
            self._surveying.take(answer.probing)
        await self._listen(answer.epoch, answer.managers, answer.address, answer.left_managers)
        return answer

    async def _listen(self, epoch: Epoch, managers: tuple[str, ...], address: str, left: tuple[str, ...] = ()) -> None:
        """Take in what every answer carries."""
        if self._epoch is not None and epoch > self._epoch:
            logger.info("Epoch %s: another leader; reporting all tasks again", epoch)
            self._outbox.send_all_again()
        self._epoch = epoch if self._epoch is None else max(epoch, self._epoch)
        try:
            await self._ear.observe_epoch(epoch)
            await self._ear.learn_managers(managers)
            await self._ear.learn_address(address)
            await self._ear.learn_left(left)
        except OSError as error:
            logger.error("Cannot store what a manager said (%s): check the disk of the agent's state", error)

    async def _heard(self, call: Awaitable[Answer]) -> Answer | None:
        """An answer, or None; silence is logged once, and so is its end."""
        try:
            answer = await call
        except Unreachable as error:
            if not self._silent:
                logger.warning("%s; containers go on, trying again", error)
            self._silent = True
            return None
        if self._silent:
            logger.info("A manager answers again")
        self._silent = False
        return answer

    def _retry_s(self) -> float:
        return self._heartbeat_s * self._rng.uniform(0.5, 1.0)
