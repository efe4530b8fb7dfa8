"""The numbers of the Raft layer, with the reasons for their defaults."""

import msgspec

__all__ = ["RaftConfig"]

MIB = 1024 * 1024


class RaftConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Times in milliseconds, sizes in bytes."""

    election_ms: int = 500
    """A follower that hears nothing for 1 to 2 times this (random) asks for votes."""

    heartbeat_ms: int = 0
    """How often the leader speaks when there is nothing to say; 0: a fifth of ``election_ms``."""

    tick_ms: int = 20
    """How often that is looked at which has no moment at which it is due; what has one, as elections and heartbeats
    do, is looked at then, and messages and proposals are handled at once."""

    leader_fallback_ms: int = 0
    """A leader without a majority steps down after this, at most 1000; 0: nine tenths of the longest time-out of a
    follower, so that a leader whose links stall for a moment stays, and one that is cut off has given up soon after the
    others have another one."""

    max_proposal_bytes: int = MIB
    append_batch_bytes: int = 2 * MIB
    """Entries sent in one frame; above ``max_proposal_bytes``, or pysyncobj cuts entries into pieces that it cannot
    put together again. More would hold up heartbeats on slow links."""

    window_bytes: int = 4 * MIB
    """Entries on their way to one follower; it is sent no more before it acknowledges."""

    compact_entries: int = 5_000
    """A snapshot is made when the log holds more entries than this above the tail, and more than one for each KiB of
    the snapshot before: a large state is not written again for every few changes of it."""
    compact_bytes: int = 16 * MIB
    """The same, in bytes; and more than the snapshot before has."""
    tail_entries: int = 5_000
    """Entries kept below a snapshot, so that a follower that was away for a moment needs no snapshot."""
    tail_bytes: int = 8 * MIB
    """The same, in bytes; the smaller of the two counts."""

    room_bytes: int = 8 * MIB
    """A member whose disk was full takes part again when there is room for this much."""

    snapshot_chunk_bytes: int = 256 * 1024
    apply_budget_ms: int = 10
    """How long entries are applied in one turn of the loop; the rest waits for the next."""

    def __post_init__(self) -> None:
        if self.append_batch_bytes <= self.max_proposal_bytes:
            raise ValueError("append_batch_bytes must be above max_proposal_bytes")
        if self.election_ms < 3 * self.tick_ms:
            raise ValueError("election_ms must be at least three ticks")
        if 3 * self.heartbeat_s >= self.election_s:
            raise ValueError("heartbeat_ms must be below a third of election_ms")

    @property
    def election_s(self) -> float:
        """The shortest election time-out."""
        return self.election_ms / 1000

    @property
    def heartbeat_s(self) -> float:
        """The time between two heartbeats; always below a third of the election time-out."""
        return (self.heartbeat_ms or self.election_ms / 5) / 1000

    @property
    def leader_fallback_s(self) -> float:
        """How long a leader leads without hearing from a majority."""
        return min(self.leader_fallback_ms or 1.8 * self.election_ms, 1000) / 1000
