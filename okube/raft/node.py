"""One member of the cluster's Raft group, as the rest of a manager sees it: propose, read, watch, ask."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from pysyncobj.config import FAIL_REASON

from okube.model.versions import COMMAND_VERSION
from okube.raft.changes import joined, left, readdressed
from okube.raft.config import RaftConfig
from okube.raft.core import Role
from okube.raft.driver import Driver
from okube.raft.errors import (
    ApplyFailed,
    Conflict,
    LeaderStays,
    NoQuorum,
    NotFound,
    NotLeader,
    OutcomeUnknown,
    ProposalTooLarge,
    Sidelined,
)
from okube.raft.frames import TakeOver
from okube.raft.leadership import LeadershipListener
from okube.raft.listeners import Listeners
from okube.raft.lives import Lives
from okube.raft.machine import StateMachine
from okube.raft.members import Known, Member, Membership
from okube.raft.reads import Unconfirmed
from okube.raft.sideline import Sideline
from okube.raft.storage import Storage, bootstrap
from okube.seams.clock import Clock
from okube.seams.disk import Disk
from okube.seams.transport import PeerTransport

__all__ = ["PeerStatus", "RaftNode"]


class PeerStatus(msgspec.Struct, frozen=True):
    """What a member knows of another one; only the leader knows more than whether there is a link."""

    connected: bool
    match_index: int | None
    heard_s: float | None
    """Seconds since the leader last had an answer from it."""


class RaftNode:
    """A member. It runs on the event loop that ``start`` is called on, from then to ``stop``; it is started once.

    While its disk is full it takes no part (``is_sidelined``). When it cannot go on (a sync failed, logs contradict
    each other) it takes part no longer and ``fatal`` is done; the process must end then. ``knows`` is the command
    version that it tells the others.
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
        self.name = name
        self.instance = instance
        self.config = config
        self._machine = machine
        self._transport = transport
        self._clock = clock
        self._rng = rng
        self._knows = knows
        self._listeners = Listeners()
        self._listeners.leadership.append(self._leadership_changed)
        if on_leadership is not None:
            self._listeners.leadership.append(on_leadership)
        self._proposals: dict[int, asyncio.Future[list[Any]]] = {}
        self._lives = Lives(
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

    # What it is.

    @property
    def _driver(self) -> Driver:
        return self._lives.driver

    @property
    def _sideline(self) -> Sideline | None:
        return self._lives.sideline

    @property
    def fatal(self) -> "asyncio.Future[Exception]":
        """Done when this member cannot go on; the result says why."""
        return self._lives.fatal

    @property
    def is_started(self) -> bool:
        """Whether ``start`` has got so far that it is a member."""
        return self._lives.started is not None

    @property
    def is_sidelined(self) -> bool:
        """Whether its disk is full: it takes no part, and its state falls behind."""
        return self._sideline is not None

    @property
    def role(self) -> Role:
        """Leader, candidate or follower; they compare with these words."""
        return self._driver.engine.role if self._driver.running else Role.FOLLOWER

    @property
    def term(self) -> int:
        """The highest term seen."""
        return max(self._driver.engine.term, 0 if self._sideline is None else self._sideline.term)

    @property
    def leader(self) -> str | None:
        """Who leads, as far as this member knows."""
        return self._driver.leader if self._sideline is None else self._sideline.leader

    @property
    def is_ready_leader(self) -> bool:
        """Whether it leads and has applied an entry of its own term: only then may it act as the leader."""
        return self._driver.is_ready_leader

    @property
    def hands_over(self) -> bool:
        """Whether it is handing the lead over, and so proposes nothing for a moment."""
        return self._driver.running and self._driver.engine.hands_over_to is not None

    @property
    def cluster_id(self) -> str:
        """The cluster that it belongs to."""
        return self._driver.journal.cluster_id

    @property
    def members(self) -> Membership:
        """All members, this one included, as of the end of its log."""
        return self._driver.journal.members

    @property
    def members_index(self) -> int:
        """The entry as of which these are the members; committed or not."""
        return self._driver.journal.members_index

    @property
    def votes(self) -> bool:
        """Whether it counts for majorities; a new member learns first."""
        return self._driver.engine.votes

    def knows(self, name: str, instance: str = "") -> bool:
        """Whether there is a member of that name, and of that instance if it is given, as far as this one knows."""
        if name == self.name:
            return instance in ("", self.instance)
        known = self._driver.instance_of(name)
        return known is not None and instance in ("", known)

    @property
    def commit_index(self) -> int:
        """Entries up to here are committed."""
        return self._driver.engine.commit_index

    @property
    def applied_index(self) -> int:
        """Entries up to here are applied."""
        return self._driver.engine.applied_index

    @property
    def last_index(self) -> int:
        """Where its log ends."""
        return self._driver.journal.last_index

    @property
    def last_term(self) -> int:
        """The term of the last entry of its log: of two logs the one with the later has more."""
        return self._driver.journal.last_term

    @property
    def base_index(self) -> int:
        """Its log begins after this entry; a snapshot has what came before."""
        return self._driver.journal.base_index

    @property
    def log_bytes(self) -> int:
        """The size of the entries that its log holds."""
        return self._driver.journal.log_bytes

    @property
    def has_quorum(self) -> bool:
        """Whether it leads, or hears a leader."""
        if self._sideline is not None:
            return self._sideline.leader is not None
        return self._driver.running and self._driver.engine.hears_leader(self._clock.monotonic())

    @property
    def last_contact_s(self) -> float:
        """How old its knowledge may be: seconds since a follower last heard its leader; 0 for a leader."""
        if self._sideline is not None:
            return self._clock.monotonic() - self._sideline.since
        engine = self._driver.engine
        if self._driver.running and engine.is_leader:
            return 0.0
        return self._clock.monotonic() - engine.heard_leader_at

    @property
    def apply_failures(self) -> int:
        """How often the state machine raised."""
        return self._driver.apply_failures

    @property
    def last_sync_s(self) -> float:
        """How long the last sync of the journal took."""
        return self._driver.upkeep.last_sync_s

    def peer_status(self) -> dict[str, PeerStatus]:
        """The other members by name."""
        if self._sideline is not None:
            up = self._sideline.up
            return {peer: PeerStatus(peer in up, None, None) for peer in self._driver.peers}
        engine, now = self._driver.engine, self._clock.monotonic()
        status = {}
        for peer in [member.name for member in self.members if member.name != self.name]:
            heard_at = engine.heard_at(peer)
            match_index = engine.match_index(peer) if engine.is_leader else None
            heard_s = None if heard_at is None else now - heard_at
            status[peer] = PeerStatus(engine.is_connected(peer), match_index, heard_s)
        return status

    def known_versions(self) -> dict[str, int | None]:
        """The command version that each member knows, this one included; None where it is not linked, or silent."""
        told = self._driver.reception.told
        return {m.name: self._knows if m.name == self.name else told.get(m.name) for m in self.members}

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

    async def wait_applied(self, index: int) -> None:
        """Return when ``index`` is applied here."""
        if self.applied_index < index:
            await self._driver.waits.add(index)

    async def wait_leadership_change(self, timeout_s: float) -> None:
        """Return when role, term, leader or readiness changes, or after ``timeout_s``."""
        await self._driver.leadership.changes.next(timeout_s)

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
        future: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        index = driver.engine.append(payload, lambda result, reason: self._resolve(index, result, reason))
        self._proposals[index] = future
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

    async def add_member(self, new: Member, *, timeout_s: float) -> Known:
        """Have a new member, which learns and then votes by itself; the membership that holds now, committed.

        Adding again what is there and learns still (same name and addresses) changes nothing, and keeps its instance.

        Raises:
            NotLeader: this member does not lead.
            Conflict: it cannot be a member now; the sentence says why.
            OutcomeUnknown: it may or may not be one.
        """

        def join(members: Membership) -> Membership:
            same = (new.name, new.raft_address, new.api_address, False)
            there = any((m.name, m.raft_address, m.api_address, m.voter) == same for m in members)
            return members if there else joined(members, new)

        return await self._change_members(join, timeout_s)

    async def remove_member(self, name: str, *, instance: str | None = None, timeout_s: float) -> Known:
        """Have a member no longer; it hears of it and stops. The membership that holds now, committed.

        Raises:
            NotLeader: this member does not lead.
            NotFound: there is no such member.
            LeaderStays: it is this one, which leads.
            Conflict: it must stay, or is another instance; the sentence says why.
            OutcomeUnknown: it may or may not be one still.
        """

        def leave(members: Membership) -> Membership:
            staying = left(members, name, instance, answering=self._driver.engine.answering(self._clock.monotonic()))
            if name == self.name:
                raise LeaderStays(name)
            return staying

        try:
            return await self._change_members(leave, timeout_s)
        except LeaderStays:
            # Of two who each have another member removed, one may ask the leader for the other while this one waits:
            # else they could have the lead go back and forth between the two for ever.
            await asyncio.sleep(self._rng.uniform(0, self.config.heartbeat_s))
            raise

    async def readdress_member(self, name: str, *, raft_address: str, api_address: str, timeout_s: float) -> Known:
        """Have a member reached elsewhere; it stays what it is. The membership that holds now, committed.

        Raises:
            NotLeader: this member does not lead.
            NotFound: there is no such member.
            Conflict: an address is another one's.
            OutcomeUnknown: it may or may not have happened.
        """

        def move(members: Membership) -> Membership:
            return readdressed(members, name, raft_address=raft_address, api_address=api_address)

        return await self._change_members(move, timeout_s)

    async def _change_members(self, change: Callable[[Membership], Membership], timeout_s: float) -> Known:
        try:
            async with asyncio.timeout(timeout_s):
                while self.role == Role.LEADER and not self._driver.engine.may_change_members:
                    await self.wait_leadership_change(self.config.heartbeat_s)  # the change before is under way
                driver = self._driver
                if self.role != Role.LEADER:
                    raise NotLeader(self.leader)
                members = change(self.members)
                index = driver.journal.members_index
                if members is not self.members:
                    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
                    index = driver.engine.change_members(members, lambda _, reason: self._resolve(index, None, reason))
                    self._proposals[index] = future
                    driver.appended()
                    await future
                return Known(index, members)
        except TimeoutError:
            message = f"no majority confirmed the change of the managers within {timeout_s:g} s; it may still happen"
            raise OutcomeUnknown(message) from None

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

    def _resolve(self, index: int, result: Any, reason: int) -> None:
        """Pysyncobj calls this when the index is applied; it must not raise, or the entry is applied again."""
        future = self._proposals.pop(index, None)
        if future is None or future.done():
            return
        if reason != FAIL_REASON.SUCCESS:
            future.set_exception(OutcomeUnknown("the leader changed before the write was confirmed"))
        elif isinstance(result, ApplyFailed):
            future.set_exception(result)
        else:
            future.set_result(result)

    def _leadership_changed(self, term: int | None) -> None:
        if term is not None:
            return
        proposals, self._proposals = self._proposals, {}
        for future in proposals.values():
            if not future.done():
                future.set_exception(OutcomeUnknown("leadership was lost before the write was confirmed"))
