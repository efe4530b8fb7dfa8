"""What a member is and knows, as the rest of a manager sees it."""

import asyncio

import msgspec

from okube.raft.core import Role
from okube.raft.driver import Driver
from okube.raft.lives import Lives
from okube.raft.members import Membership
from okube.raft.sideline import Sideline
from okube.seams.clock import Clock

__all__ = ["PeerStatus", "Standing"]


class PeerStatus(msgspec.Struct, frozen=True):
    """What a member knows of another one; only the leader knows more than whether there is a link."""

    connected: bool
    match_index: int | None
    heard_s: float | None
    """Seconds since the leader last had an answer from it."""


class Standing:
    """Answers from the present life of a member; while its disk is full, from what it hears at the side."""

    def __init__(self, *, name: str, instance: str, knows: int, lives: Lives, clock: Clock) -> None:
        self.name = name
        self.instance = instance
        self._knows = knows
        self._lives = lives
        self._clock = clock

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

    async def wait_applied(self, index: int) -> None:
        """Return when ``index`` is applied here."""
        if self.applied_index < index:
            await self._driver.waits.add(index)

    async def wait_leadership_change(self, timeout_s: float) -> None:
        """Return when role, term, leader or readiness changes, or after ``timeout_s``."""
        await self._driver.leadership.changes.next(timeout_s)

    @property
    def _driver(self) -> Driver:
        return self._lives.driver

    @property
    def _sideline(self) -> Sideline | None:
        return self._lives.sideline
