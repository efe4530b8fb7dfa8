"""The inside of a running member: turns the engine when something happened, syncs the journal, hands frames about."""

import asyncio
import logging
import random
from collections.abc import Callable, Collection, Coroutine, Iterable
from typing import Any

from okube.model.errors import UnknownVersion
from okube.raft.acquaintances import Acquaintances
from okube.raft.compaction import Compactor
from okube.raft.complaints import Complaints
from okube.raft.config import RaftConfig
from okube.raft.engine import Engine
from okube.raft.errors import ApplyFailed, NoQuorum, Removed
from okube.raft.exchange import SnapshotExchange
from okube.raft.frames import (
    FRAMES_SINCE,
    Body,
    Confirm,
    Confirmed,
    Frame,
    MalformedFrame,
    ReadAt,
    ReadRequest,
    SnapshotPiece,
    SnapshotReceived,
    decode_frame,
    encode_frame,
)
from okube.raft.leadership import Leadership, LeadershipListener
from okube.raft.machine import StateMachine
from okube.raft.members import Member
from okube.raft.outbox import Outbox
from okube.raft.reads import ReadIndex
from okube.raft.slowness import SyncWatch
from okube.raft.snapshot import Snapshot
from okube.raft.storage import Storage
from okube.raft.waits import AppliedWaits
from okube.seams.clock import Clock
from okube.seams.disk import NoRoom
from okube.seams.transport import PeerTransport

__all__ = ["Driver"]

logger = logging.getLogger(__name__)

COMPACT_AGAIN_S = 10.0
HAND_OVER_AGAIN_S = 10.0


_TELL_S = 0.005
"""For so long a commit waits for the next entries, which tell it for nothing; a read that needs it does not wait."""

_LATE_S = 0.001
"""Timers are set so much later than what is due then: one that rings a moment early is set anew for nothing."""


class Driver:
    """One life of a member, from ``start`` to ``stop`` or to the first error that it must not survive."""

    def __init__(
        self,
        *,
        member: Member,
        storage: Storage,
        applied_index: int,
        config: RaftConfig,
        machine: StateMachine,
        transport: PeerTransport,
        clock: Clock,
        rng: random.Random,
        leadership_listeners: list[LeadershipListener],
        applied_listeners: list[Callable[[int], None]],
        synced_listeners: list[Callable[[float], None]],
        resumed_listeners: list[Callable[[], None]],
        knows: int,
        told_listeners: list[Callable[[], None]],
    ) -> None:
        self._member = member
        self._config = config
        self._machine = machine
        self._transport = transport
        self._clock = clock
        self._applied_listeners = applied_listeners
        self._synced_listeners = synced_listeners
        self._resumed_listeners = resumed_listeners
        self._handed_over = False
        self._knows = knows
        self._told_listeners = told_listeners
        self.told: dict[str, int] = {}
        """The command version that each linked member has said it knows."""
        self._loop = asyncio.get_running_loop()
        self._tasks: dict[asyncio.Task[None], None] = {}  # in order, unlike a set
        self._dirty = asyncio.Event()
        self._turn_soon: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._telling: asyncio.TimerHandle | None = None
        self._telling_index = 0
        self._settled: tuple[int, int, object] | None = None
        self._encoded: tuple[int, Body | None, bytes] = (0, None, b"")
        self._running = False
        self._stopped = False
        self._compacting = False
        self._compact_from = 0.0
        self._repeat_reads_at = 0.0
        self._slowness = SyncWatch(slow_s=config.election_s / 2, enough_s=4 * config.election_s)
        self._hand_over_from = 0.0
        self.apply_failures = 0
        self.last_sync_s = 0.0
        self.fatal: asyncio.Future[Exception] = self._loop.create_future()
        self.journal = journal = storage.journal
        self._acquaintances = Acquaintances(member.name, member.instance, journal)
        self.engine = Engine(
            name=member.name,
            journal=journal,
            applied_index=applied_index,
            config=config,
            rng=rng,
            host=self,
        )
        self.waits = AppliedWaits()
        self.reads = ReadIndex(self)
        self.leadership = Leadership(self.engine, leadership_listeners)
        self._complaints = Complaints(logger)
        self._outbox = Outbox(journal, self._transmit, now=clock.monotonic, repeat_s=config.heartbeat_s)
        self._exchange = SnapshotExchange(self, storage.snapshots, config)
        self._compactor = Compactor(journal=journal, store=storage.snapshots, config=config, snapshot=machine.snapshot)
        self._applied_seen = applied_index
        self._leader_seen: str | None = None

    # Life.

    async def start(self) -> None:
        """Begin to take part."""
        self._running = True
        self._transport.bind(self)
        self._meet()
        await self._transport.start()
        self.spawn(self._keep_synced())
        self._on_timer()

    async def stop(self) -> None:
        """Stop taking part, and wait until nothing of it runs any more."""
        if self._stopped:
            return
        self._stopped = True
        self._end()
        await self._transport.stop()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self.journal.close()

    @property
    def running(self) -> bool:
        """Whether it takes part."""
        return self._running

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something that ends with the member; an error of it ends the member."""
        task = self._loop.create_task(work)
        self._tasks[task] = None
        task.add_done_callback(self._task_done)

    def wake(self) -> None:
        """Turn the engine soon: something was proposed, received, or synced."""
        if self._turn_soon is None and self._running:
            self._turn_soon = self._loop.call_soon(self._turn)

    def appended(self) -> None:
        """Something was appended: have it synced, and turn the engine soon."""
        self._dirty.set()
        self.wake()

    def _task_done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.pop(task, None)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._die(error)

    def _end(self) -> None:
        self._running = False
        for handle in (self._timer, self._turn_soon, self._telling):
            if handle is not None:
                handle.cancel()
        self._outbox.clear()
        self.leadership.end()
        self.waits.fail(NoQuorum("this manager takes part no longer"))
        self.reads.leadership_changed()

    def _die(self, error: Exception) -> None:
        """The outermost rim: what went wrong here may have left the engine half changed, so it must not go on."""
        if not self._running:
            return
        if isinstance(error, OSError | Removed | UnknownVersion):  # what a disk refuses, say, is no defect of ours
            if not isinstance(error, NoRoom):  # of which is told by whoever waits for room
                logger.critical("%s cannot go on in term %d: %s", self._member.name, self.engine.term, error)
        else:
            logger.critical("%s cannot go on in term %d", self._member.name, self.engine.term, exc_info=error)
        self._end()
        self.fatal.set_result(error)

    # Turns.

    def _on_timer(self) -> None:
        self._timer = None
        self._turn()

    def _set_timer(self) -> None:
        """Turn the engine again when its next time-out is due, and not before: a member that is idle sleeps."""
        now = self._clock.monotonic()
        tick_s = self._config.tick_ms / 1000
        due_s = self.engine.quiet_until(now) - now
        wait_s = tick_s if due_s <= 0 else min(max(due_s, tick_s / 8), self._config.election_s / 2) + _LATE_S
        if self._timer is not None:
            if self._timer_at <= now + wait_s:
                return  # it looks again then
            self._timer.cancel()
        self._timer_at = now + wait_s
        self._timer = self._loop.call_later(wait_s, self._on_timer)

    def _turn(self) -> None:
        if self._turn_soon is not None:
            self._turn_soon.cancel()
            self._turn_soon = None
        try:
            self._turn_engine()
        except Exception as error:
            self._die(error)
        if self._running:
            self._set_timer()

    def _turn_engine(self) -> None:
        now = self._clock.monotonic()
        self.engine.tick(now)
        if self.engine.is_leader and now >= self._repeat_reads_at:
            self._repeat_reads_at = now + self._config.heartbeat_s
            self.reads.repeat()
        if self.engine.is_ready_leader and self._slowness.is_too_much(now) and now >= self._hand_over_from:
            self._let_a_faster_one_lead(now)
        self._tell_soon()
        self._settle()
        if self.engine.has_more_to_apply:
            self.wake()

    def _tell_soon(self) -> None:
        """Have followers told of a commit, unless the entries that follow do so: else that is half of all messages."""
        if self._telling is None and self.engine.has_commit_to_tell:
            self._telling_index = self.engine.commit_index
            self._telling = self._loop.call_later(_TELL_S, self._tell_late)

    def _tell_late(self) -> None:
        self._telling = None
        if self.engine.has_to_tell(self._telling_index):
            self.tell_commit()
        else:
            self._tell_soon()

    def tell_commit(self) -> None:
        """Tell followers now: one of them waits for it."""
        try:
            self.engine.tell_commit()
        except Exception as error:
            self._die(error)

    def _let_a_faster_one_lead(self, now: float) -> None:
        """Hand over to a member that has durably what is not durable here; if there is none, stay."""
        successor = self.engine.successor(now) if self.engine.hands_over_to is None else None
        if successor is None or self.engine.match_index(successor) <= self.journal.synced_index:
            return
        slow_for_s = self._slowness.slow_for_s(now)
        logger.warning(
            "the disk is slow (syncs of the log took %.1f s in a row): %s should lead", slow_for_s, successor
        )
        self._hand_over_from = now + HAND_OVER_AGAIN_S
        self.engine.hand_over(successor, now + 2 * self._config.election_s)

    def _settle(self) -> None:
        """After anything that changed the engine: tell who waits, and have the journal synced."""
        self._settled = self.engine.standing
        self._tell_applied()
        if self.engine.leader != self._leader_seen:
            self._tell_of_leader(self._leader_seen, self.engine.leader)
            self._leader_seen = self.engine.leader
            self.reads.leadership_changed()
        self.leadership.look()
        self._tell_resumed()
        if self._acquaintances.refresh(self.engine.commit_index):
            self._meet()
        if self.journal.wants_sync:
            self._dirty.set()
        if not self._compacting and self._compactor.is_due(self.engine.applied_index):
            self._compact_soon()

    def _tell_of_leader(self, before: str | None, leader: str | None) -> None:
        """What a follower makes of it; who leads tells that itself."""
        if leader not in (None, self._member.name):
            logger.info("following %s in term %d", leader, self.engine.term)
        elif leader is None and before not in (None, self._member.name):
            logger.warning("no word from %s, which led: asking the other managers for an election", before)

    def _meet(self) -> None:
        """Have links to all that this member knows, and to nobody else."""
        self._transport.set_card(self._acquaintances.card)
        self._transport.set_peers([member.peer for member in self._acquaintances.members.values()])

    def _tell_resumed(self) -> None:
        """A leader that gave up handing over takes proposals again."""
        before, self._handed_over = self._handed_over, self.engine.hands_over_to is not None
        if before and not self._handed_over and self.engine.is_leader:
            for listener in self._resumed_listeners:
                listener()

    def _tell_applied(self) -> None:
        applied = self.engine.applied_index
        if applied == self._applied_seen:
            return
        self._applied_seen = applied
        self.waits.applied(applied)
        for listener in self._applied_listeners:
            listener(applied)

    def _compact_soon(self) -> None:
        if self._clock.monotonic() >= self._compact_from:
            self._compacting = True
            self.spawn(self._compact())

    async def _compact(self) -> None:
        try:
            await self._compactor.run(self.engine.applied_index)
        except NoRoom:
            self._compact_later()
        finally:
            self._dirty.set()
            self._compacting = False

    def _compact_later(self) -> None:
        now = self._clock.monotonic()
        if now < self._compact_from:
            return
        self._compact_from = now + COMPACT_AGAIN_S
        logger.warning(
            "the disk has no room to make the log small; it grows until there is some (tried again in %d s)",
            COMPACT_AGAIN_S,
        )

    async def _keep_synced(self) -> None:
        """One sync at a time; what is appended meanwhile is covered by the next. An error of one is final."""
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            while self.journal.wants_sync:
                began = self._clock.monotonic()
                self._slowness.began(began)
                abandoned = self.journal.abandoned
                await self.journal.sync()
                if self.journal.abandoned > abandoned:
                    self._compact_later()
                ended = self._clock.monotonic()
                self._slowness.ended(ended)
                self.last_sync_s = ended - began
                for listener in self._synced_listeners:
                    listener(self.last_sync_s)
                self._outbox.flush(self.engine.term)
                if self.engine.is_leader:  # which may commit now
                    self.wake()

    # Frames.

    def peer_greeted(self, peer: str, instance: str, card: bytes) -> str | None:
        """Whether a manager is let in; its card may say that we were removed, or who else is a member by now."""
        if not self._running:
            return "this manager has ended"
        removed = self._acquaintances.hear(card)
        if removed is not None:
            self._die(Removed(self._member.name, removed.index))
            return "this manager was removed from the cluster"
        if self._acquaintances.refresh(self.engine.commit_index):
            self._meet()
        return self._acquaintances.objection(peer, instance)

    def peer_up(self, peer: str) -> None:
        """A link came up."""
        if self._running and peer in self._acquaintances.members:
            self.engine.connected(peer)
            self.reads.found(peer)
            self.wake()

    def peer_down(self, peer: str, *, closed: bool = True) -> None:
        """A link is gone, or a new one is refused."""
        if self._running:
            self.told.pop(peer, None)  # it may come back as another Okube
            self.reads.lost(peer)
            self._exchange.lost(peer)
            self.engine.disconnected(peer, closed=closed)
            self.wake()

    def peer_frame(self, peer: str, instance: str, data: bytes) -> None:
        """Handle a frame of a member; anything else is dropped, and costs its sender the link."""
        if not self._running:
            return
        try:
            frame = self._checked(peer, instance, data)
        except MalformedFrame as problem:
            self._complaints.say(peer, "dropped the link to %s: %s", peer, problem)
            self._transport.drop(peer)
            return
        try:
            if self.told.get(peer) != frame.knows:
                self._tell_of_version(peer, frame.knows)
            self._dispatch(peer, frame)
            if self.engine.standing != self._settled:
                self._settle()
            elif self.journal.wants_sync:
                self._dirty.set()  # for all else the turn that follows is soon enough
        except Exception as error:
            self._die(error)
            return
        self.wake()

    def _checked(self, peer: str, instance: str, data: bytes) -> Frame:
        objection = self._acquaintances.objection(peer, instance)
        if objection is not None:
            raise MalformedFrame(objection)
        frame = decode_frame(data)
        if (frame.sender, frame.instance) != (peer, instance):
            raise MalformedFrame(f"a frame that says it is from {frame.sender} ({frame.instance})")
        return frame

    def _tell_of_version(self, peer: str, knows: int) -> None:
        self.told[peer] = knows
        for listener in self._told_listeners:
            listener()

    def _dispatch(self, peer: str, frame: Frame) -> None:
        body = frame.body
        self.engine.receive(peer, frame.term, body)
        of_this_term = frame.term == self.engine.term
        match body:
            case ReadRequest() | ReadAt():
                self.reads.receive(peer, body)
            case Confirm() | Confirmed() if of_this_term:
                self.reads.receive(peer, body)
            case SnapshotPiece() if of_this_term and not self.engine.is_leader:
                self._exchange.receive(peer, body)
            case SnapshotReceived() if of_this_term and self.engine.is_leader:
                self._exchange.received(peer, body)

    # What the engine, the reads and the snapshots ask of it.

    @property
    def is_ready_leader(self) -> bool:
        """Whether this member leads and knows all that is committed."""
        return self._running and self.engine.is_ready_leader

    @property
    def leader(self) -> str | None:
        """Who leads, as far as is known."""
        return self.engine.leader if self._running else None

    @property
    def commit_index(self) -> int:
        """Entries up to here are committed."""
        return self.engine.commit_index

    @property
    def applied_index(self) -> int:
        """Entries up to here are applied."""
        return self.engine.applied_index

    @property
    def held_index(self) -> int:
        """Entries up to here are applied, and in the log or in a snapshot: a full disk may cost the end of the log."""
        return min(self.engine.applied_index, self.journal.last_index)

    @property
    def peers(self) -> Collection[str]:
        """All others that there may be a link to."""
        return self._acquaintances.members.keys()

    def instance_of(self, peer: str) -> str | None:
        """The instance that another one has, as far as this one knows or heard; None for who is no member."""
        member = self._acquaintances.members.get(peer)
        return None if member is None else member.instance

    @property
    def other_voters(self) -> Collection[str]:
        """The other members that count for a majority."""
        return self.engine.other_voters

    def send(self, peer: str, body: Body) -> None:
        """Send a frame of the current term now."""
        self._transmit(peer, self.engine.term, body)

    def understands(self, peer: str, kind: type[Body]) -> bool:
        """Whether a member knows such frames, as it has said itself."""
        return self.told.get(peer, 1) >= FRAMES_SINCE.get(kind, 1)

    def promise(self, peer: str, body: Body) -> None:
        """Send a frame of the current term once all of the journal so far is durable."""
        self._outbox.send(peer, self.engine.term, body)

    def apply(self, index: int, term: int, payload: bytes) -> Any:
        """Apply an entry. The state machine must not raise; if it does, it does so everywhere, and life goes on.

        Raises:
            UnknownVersion: the entry is of a newer Okube.
        """
        try:
            return self._machine.apply(index, term, payload)
        except UnknownVersion:
            raise  # the others apply it: this member must end, or its state would be another from here on
        except Exception as error:
            self.apply_failures += 1
            logger.exception("the state machine raised on entry %d of term %d", index, term)
            return ApplyFailed(
                f"entry {index} could not be applied ({type(error).__name__}); this is a defect of Okube"
            )

    def needs_snapshot(self, peer: str) -> None:
        """A follower is behind the log."""
        self._exchange.wanted(peer)

    def restoring(self, snapshot: Snapshot) -> Iterable[bool]:
        """Replace the state, in parts."""
        return self._machine.restoring(snapshot.state)

    def installed(self, snapshot: Snapshot) -> None:
        """The state is that of a snapshot that is durable: the log follows."""
        head = snapshot.head
        if self.journal.term_at(head.index) != head.term:
            self.journal.restart_at(head.index, head.term, head.members)
        self.engine.installed(head.index)
        self._settle()
        self.wake()

    def _transmit(self, peer: str, term: int, body: Body) -> None:
        if not self._running:
            return
        if self._encoded[:2] != (term, body):  # most goes to one follower after the other
            frame = encode_frame(self._member.name, self._member.instance, term, body, self._knows)
            self._encoded = (term, body, frame)
        self._transport.send(peer, self._encoded[2])
