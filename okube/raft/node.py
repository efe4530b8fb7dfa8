"""One member of the cluster's Raft group, as the rest of a manager sees it: propose, read, watch, ask."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from okube.model.versions import COMMAND_VERSION
from okube.raft.config import RaftConfig
from okube.raft.driver import Driver
from okube.raft.errors import Conflict, NoQuorum, NotFound, NotLeader, OutcomeUnknown, ProposalTooLarge, Sidelined
from okube.raft.frames import TakeOver
from okube.raft.leadership import LeadershipListener
from okube.raft.listeners import Listeners
from okube.raft.lives import Lives
from okube.raft.machine import StateMachine
from okube.raft.members import Member
from okube.raft.membership import MembershipChanges
from okube.raft.proposals import Proposals
from okube.raft.reads import Unconfirmed
from okube.raft.standing import Standing
from okube.raft.storage import Storage, bootstrap
from okube.seams.clock import Clock
from okube.seams.disk import Disk
from okube.seams.transport import PeerTransport

__all__ = ["RaftNode"]


class RaftNode(Standing):
    """A member. It runs on the event loop that ``start`` is called on, from then to ``stop``; it is started once.

    While its disk is full it takes no part (``is_sidelined``). When it cannot go on (a sync failed, logs contradict
    each other) it takes part no longer and ``fatal`` is done; the process must end then. ``knows`` is the command
    version that it tells the others. ``membership`` has members come and go.
    """

    bootstrap = staticmethod(bootstrap)

    def __init__(
        self,
        *,
        name: str,
        instance: str,
        directory: str | Path,
        config: RaftConfig,
        machine: StateMachine,
        transport: PeerTransport,
        disk: Disk,
        clock: Clock,
        rng: random.Random,
        on_leadership: LeadershipListener | None = None,
        knows: int = COMMAND_VERSION,
    ) -> None:
        self.config = config
        self._machine = machine
        self._transport = transport
        self._rng = rng
        self._proposals = Proposals()
        self._listeners = Listeners()
        self._listeners.leadership.append(self._proposals.leadership_changed)
        if on_leadership is not None:
            self._listeners.leadership.append(on_leadership)
        lives = Lives(
            name=name,
            instance=instance,
            directory=Path(directory),
            config=config,
            machine=machine,
            transport=transport,
            disk=disk,
            clock=clock,
            make_driver=self._make_driver,
        )
        super().__init__(name=name, instance=instance, knows=knows, lives=lives, clock=clock)
        self.membership = MembershipChanges(
            self, lives=lives, proposals=self._proposals, config=config, clock=clock, rng=rng
        )

    async def start(self) -> None:
        """Open the directory, restore the state and begin to take part.

        Raises:
            NotBootstrapped: the directory holds no cluster, or one that this member is not in.
            JournalDamaged: what it holds cannot be trusted.
            DirectoryInUse: another process has it.
        """
        await self._lives.start()

    async def stop(self) -> None:
        """Stop taking part; what is in flight ends with ``OutcomeUnknown`` or ``NoQuorum``."""
        await self._lives.stop()

    def _make_driver(self, member: Member, storage: Storage, applied_index: int) -> Driver:
        return Driver(
            member=member,
            storage=storage,
            applied_index=applied_index,
            config=self.config,
            machine=self._machine,
            transport=self._transport,
            clock=self._clock,
            rng=self._rng,
            listeners=self._listeners,
            knows=self._knows,
        )

    # What can be watched.

    def subscribe_leadership(self, listener: LeadershipListener) -> None:
        """Call ``listener(term)`` when this member may act as leader (now, if it may), ``listener(None)`` when not."""
        self._listeners.leadership.append(listener)
        if self.is_started and self.is_ready_leader:
            listener(self.term)

    def subscribe_applied(self, listener: Callable[[int], None]) -> None:
        """Call ``listener(index)`` after entries up to ``index`` were applied, once for each turn of the loop."""
        self._listeners.applied.append(listener)

    def subscribe_synced(self, listener: Callable[[float], None]) -> None:
        """Call ``listener(seconds)`` after each sync of the journal, with the time that it took."""
        self._listeners.synced.append(listener)

    def subscribe_resumed(self, listener: Callable[[], None]) -> None:
        """Call ``listener()`` when this leader tried in vain to hand over, and takes proposals again."""
        self._listeners.resumed.append(listener)

    def subscribe_told(self, listener: Callable[[], None]) -> None:
        """Call ``listener()`` when a member says that it knows another command version than before."""
        self._listeners.told.append(listener)

    # What it does.

    async def propose(self, payload: bytes, *, timeout_s: float) -> list[Any]:
        """Have a payload committed and applied here; what ``apply`` returned.

        Raises:
            NotLeader: this member does not lead; nothing was proposed.
            OutcomeUnknown: it was proposed, and may or may not be committed.
            ProposalTooLarge: it is above ``max_proposal_bytes``.
            ApplyFailed: the state machine raised on it, on every member.
        """
        try:
            async with asyncio.timeout(timeout_s):
                return await self.propose_soon(payload)
        except TimeoutError:
            message = f"no majority confirmed the write within {timeout_s:g} s; it may still happen"
            raise OutcomeUnknown(message) from None

    def propose_soon(self, payload: bytes) -> "asyncio.Future[list[Any]]":
        """As ``propose``, without a deadline; the future fails with ``OutcomeUnknown`` when leadership is lost."""
        if len(payload) > self.config.max_proposal_bytes:
            raise ProposalTooLarge(len(payload), self.config.max_proposal_bytes)
        driver = self._driver
        if not driver.running or not driver.engine.is_leader:
            raise NotLeader(self.leader)
        if driver.engine.hands_over_to is not None:
            raise NotLeader(driver.engine.hands_over_to)
        _, future = self._proposals.add(lambda told: driver.engine.append(payload, told))
        driver.appended()
        return future

    async def read_barrier(self, *, timeout_s: float) -> int:
        """Return when the state here is at least as new as anything acknowledged before the call; the index of that.

        Raises:
            Sidelined: this member's disk is full, and so its state falls behind; the leader can be asked.
            NoQuorum: no leader confirmed itself in time.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    if self._sideline is not None:
                        raise Sidelined(
                            f"the disk of {self.name} is full, and it does not keep up: ask another manager"
                        )
                    try:
                        index = await self._driver.reads.get()
                        await self.wait_applied(index)
                    except (Unconfirmed, NoQuorum):
                        await self.wait_leadership_change(self.config.heartbeat_s)
                        continue
                    return index
        except TimeoutError:
            message = f"no leader was confirmed by a majority of the managers within {timeout_s:g} s"
            raise NoQuorum(message) from None

    async def transfer_leadership(self, to: str | None = None, *, timeout_s: float) -> str:
        """Have another member lead: ``to``, or the one that has most of the log. Returns who leads then.

        Until that one leads nothing can be proposed; what was proposed before is committed first.

        Raises:
            NotLeader: this member does not lead.
            NotFound: there is no member of that name.
            Conflict: no other member answers, or that one is of an older Okube, or the lead is being handed to another.
            NoQuorum: it did not take over in time; this member goes on leading.
        """
        driver = self._driver
        if not self.is_ready_leader:
            raise NotLeader(self.leader)
        chosen = to or driver.engine.successor(self._clock.monotonic())
        if chosen == self.name:
            return chosen
        if chosen is None:
            raise Conflict("no other manager answers, so none can take over")
        if chosen not in driver.peers:
            raise NotFound(f"there is no manager {chosen}")
        if not driver.understands(chosen, TakeOver):
            raise Conflict(f"{chosen} runs an older Okube, which cannot be told to take over: upgrade it first")
        if driver.engine.hands_over_to not in (None, chosen):
            raise Conflict(f"{self.name} is handing over to {driver.engine.hands_over_to}")
        term = self.term
        driver.engine.hand_over(chosen, self._clock.monotonic() + timeout_s)
        driver.wake()
        while driver.running and self.term == term and driver.engine.hands_over_to is not None:
            await self.wait_leadership_change(self.config.heartbeat_s)
        if self.is_ready_leader and self.term == term:
            raise NoQuorum(f"{chosen} did not take over within {timeout_s:g} s; {self.name} goes on leading")
        if self.leader is None:
            await self.wait_leadership_change(self.config.election_s)
        return self.leader or chosen
