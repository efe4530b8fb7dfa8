"""The inside of a running member: its parts put together, and what they ask of each other."""

import asyncio
import logging
import random
from collections.abc import Collection, Coroutine, Iterable
from typing import Any

from okube.model.errors import UnknownVersion
from okube.raft.acquaintances import Acquaintances
from okube.raft.compaction import Compactor
from okube.raft.config import RaftConfig
from okube.raft.engine import Engine
from okube.raft.errors import ApplyFailed, NoQuorum, Removed
from okube.raft.exchange import SnapshotExchange
from okube.raft.frames import Body, encode_frame
from okube.raft.leadership import Leadership
from okube.raft.listeners import Listeners
from okube.raft.machine import StateMachine
from okube.raft.members import Member
from okube.raft.outbox import Outbox
from okube.raft.reads import ReadIndex
from okube.raft.reception import Reception
from okube.raft.slowness import SyncWatch
from okube.raft.snapshot import Snapshot
from okube.raft.storage import Storage
from okube.raft.turns import Turns
from okube.raft.upkeep import Upkeep
from okube.raft.waits import AppliedWaits
from okube.seams.clock import Clock
from okube.seams.disk import NoRoom
from okube.seams.transport import PeerTransport

__all__ = ["Driver"]

logger = logging.getLogger(__name__)

HAND_OVER_AGAIN_S = 10.0


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
        listeners: Listeners,
        knows: int,
    ) -> None:
        self._member = member
        self._config = config
        self._machine = machine
        self._transport = transport
        self._clock = clock
        self._listeners = listeners
        self._handed_over = False
        self._knows = knows
        self._loop = asyncio.get_running_loop()
        self._tasks: dict[asyncio.Task[None], None] = {}  # in order, unlike a set
        self._settled: tuple[int, int, object] | None = None
        self._encoded: tuple[int, Body | None, bytes] = (0, None, b"")
        self._running = False
        self._stopped = False
        self._repeat_reads_at = 0.0
        self._slowness = SyncWatch(slow_s=config.election_s / 2, enough_s=4 * config.election_s)
        self._hand_over_from = 0.0
        self.apply_failures = 0
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
        self.leadership = Leadership(self.engine, listeners.leadership)
        self._outbox = Outbox(journal, self._transmit, now=clock.monotonic, repeat_s=config.heartbeat_s)
        self._exchange = SnapshotExchange(self, storage.snapshots, config)
        compactor = Compactor(journal=journal, store=storage.snapshots, config=config, snapshot=machine.snapshot)
        self.turns = Turns(self, engine=self.engine, config=config, clock=clock)
        self.upkeep = Upkeep(
            self,
            journal=journal,
            compactor=compactor,
            slowness=self._slowness,
            clock=clock,
            listeners=listeners.synced,
        )
        self.reception = Reception(
            self,
            name=member.name,
            engine=self.engine,
            acquaintances=self._acquaintances,
            reads=self.reads,
            exchange=self._exchange,
            transport=transport,
            listeners=listeners.told,
        )
        self._applied_seen = applied_index
        self._leader_seen: str | None = None

    # Life.

    async def start(self) -> None:
        """Begin to take part."""
        self._running = True
        self._transport.bind(self.reception)
        self.meet()
        await self._transport.start()
        self.spawn(self.upkeep.run())
        self.turns.begin()

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
        self.turns.wake()

    def appended(self) -> None:
        """Something was appended: have it synced, and turn the engine soon."""
        self.upkeep.sync_soon()
        self.wake()

    def _task_done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.pop(task, None)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self.die(error)

    def _end(self) -> None:
        self._running = False
        self.turns.end()
        self._outbox.clear()
        self.leadership.end()
        self.waits.fail(NoQuorum("this manager takes part no longer"))
        self.reads.leadership_changed()

    def die(self, error: Exception) -> None:
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

    def ticked(self, now: float) -> None:
        """The engine has looked at its timers: see to what else is due now and then."""
        if self.engine.is_leader and now >= self._repeat_reads_at:
            self._repeat_reads_at = now + self._config.heartbeat_s
            self.reads.repeat()
        if self.engine.is_ready_leader and self._slowness.is_too_much(now) and now >= self._hand_over_from:
            self._let_a_faster_one_lead(now)

    def taken(self) -> None:
        """A frame was handed to the engine: follow up what that changed."""
        if self.engine.standing != self._settled:
            self.settle()
        elif self.journal.wants_sync:
            self.upkeep.sync_soon()  # for all else the turn that follows is soon enough

    def synced(self) -> None:
        """More of the journal is durable: what was promised with it leaves, and more may be committed."""
        self._outbox.flush(self.engine.term)
        if self.engine.is_leader:
            self.wake()

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

    def settle(self) -> None:
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
            self.meet()
        self.upkeep.look()

    def _tell_of_leader(self, before: str | None, leader: str | None) -> None:
        """What a follower makes of it; who leads tells that itself."""
        if leader not in (None, self._member.name):
            logger.info("following %s in term %d", leader, self.engine.term)
        elif leader is None and before not in (None, self._member.name):
            logger.warning("no word from %s, which led: asking the other managers for an election", before)

    def meet(self) -> None:
        """Have links to all that this member knows, and to nobody else."""
        self._transport.set_card(self._acquaintances.card)
        self._transport.set_peers([member.peer for member in self._acquaintances.members.values()])

    def _tell_resumed(self) -> None:
        """A leader that gave up handing over takes proposals again."""
        before, self._handed_over = self._handed_over, self.engine.hands_over_to is not None
        if before and not self._handed_over and self.engine.is_leader:
            for listener in self._listeners.resumed:
                listener()

    def _tell_applied(self) -> None:
        applied = self.engine.applied_index
        if applied == self._applied_seen:
            return
        self._applied_seen = applied
        self.waits.applied(applied)
        for listener in self._listeners.applied:
            listener(applied)

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
        return self.reception.understands(peer, kind)

    def tell_commit(self) -> None:
        """Tell followers of a commit now: one of them waits for it."""
        self.turns.tell_commit()

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
        self.settle()
        self.wake()

    def _transmit(self, peer: str, term: int, body: Body) -> None:
        if not self._running:
            return
        if self._encoded[:2] != (term, body):  # most goes to one follower after the other
            frame = encode_frame(self._member.name, self._member.instance, term, body, self._knows)
            self._encoded = (term, body, frame)
        self._transport.send(peer, self._encoded[2])
