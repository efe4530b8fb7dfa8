"""Snapshots between members: who is being sent one, and the one that is being received and installed."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Protocol

from okube.raft.config import RaftConfig
from okube.raft.frames import Appended, Body, SnapshotPiece, SnapshotReceived
from okube.raft.snapshot import Snapshot, SnapshotDamaged, SnapshotStore, checksum_in_parts, unpack_in_parts
from okube.raft.transfer import Arrived, Incoming, Outgoing
from okube.seams.turns import in_turns

__all__ = ["SnapshotExchange", "SnapshotHost"]

logger = logging.getLogger(__name__)


class SnapshotHost(Protocol):
    """What the exchange needs from around it."""

    @property
    def applied_index(self) -> int:
        """What the state machine has."""

    @property
    def held_index(self) -> int:
        """What is applied, and in the log or covered by a snapshot."""

    def send(self, peer: str, body: Body) -> None:
        """Send a frame of the current term now."""

    def promise(self, peer: str, body: Body) -> None:
        """Send a frame of the current term once all of the journal so far is durable."""

    def restoring(self, snapshot: Snapshot) -> Iterable[bool]:
        """Replace the state, in parts; True comes when it is replaced, and ``installed`` must follow at once."""

    def installed(self, snapshot: Snapshot) -> None:
        """The state is that of a snapshot that is durable: the log follows."""

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something that ends with the member."""


class SnapshotExchange:
    """Both ends, at one member."""

    def __init__(self, host: SnapshotHost, store: SnapshotStore, config: RaftConfig) -> None:
        self._host = host
        self._store = store
        self._config = config
        self._outgoing: dict[str, Outgoing] = {}
        self._wanting: list[str] = []
        self._incoming = Incoming()
        self._installing: SnapshotReceived | None = None
        self._now: Callable[[], float] = asyncio.get_running_loop().time

    def wanted(self, peer: str) -> None:
        """The log does not reach back to this follower; called as often as it is noticed."""
        outgoing = self._outgoing.get(peer)
        if outgoing is not None and self._now() - outgoing.moved_at < 4 * self._config.election_s:
            return
        if not self._wanting:
            self._host.spawn(self._begin())
        if peer not in self._wanting:
            self._wanting.append(peer)

    def lost(self, peer: str) -> None:
        """The link is down; a follower that still needs the snapshot asks again, and goes on where it was."""
        self._outgoing.pop(peer, None)

    def received(self, peer: str, body: SnapshotReceived) -> None:
        """A follower says how much it has."""
        outgoing = self._outgoing.get(peer)
        piece = outgoing.after(body, self._now()) if outgoing is not None else None
        if piece is not None:
            self._host.send(peer, piece)

    def receive(self, sender: str, piece: SnapshotPiece) -> None:
        """A piece from the leader."""
        if piece.index <= self._host.held_index:
            self._host.promise(sender, Appended(piece.index + 1, success=True, reset=False))
            return
        if self._installing is not None:
            self._host.send(sender, self._installing)
            return
        received = self._incoming.add(sender, piece)
        arrived = self._incoming.take()
        if arrived is not None:
            self._installing = received
            self._host.spawn(self._install(sender, arrived))
        elif received.offset >= piece.total_bytes:
            received = SnapshotReceived(piece.index, piece.last_term, 0)  # it was complete and damaged
        self._host.send(sender, received)

    async def _begin(self) -> None:
        snapshot = await self._store.newest()
        checksum = 0 if snapshot is None else await in_turns(checksum_in_parts(snapshot.file))
        wanting, self._wanting = self._wanting, []
        if snapshot is None:
            return
        for peer in wanting:
            logger.info("%s is behind the log and is sent the snapshot at %d", peer, snapshot.head.index)
            self._outgoing[peer] = Outgoing(snapshot, checksum, self._config.snapshot_chunk_bytes, self._now())
            self._host.send(peer, self._outgoing[peer].piece(0))

    async def _install(self, sender: str, arrived: Arrived) -> None:
        """Check it, make it durable, take it, acknowledge it; others get their turn between the parts of each."""
        try:
            snapshot = await in_turns(unpack_in_parts(arrived.file))
            if (snapshot.head.index, snapshot.head.term) != (arrived.last_index, arrived.last_term):
                raise SnapshotDamaged("it is not the one that was announced")
        except SnapshotDamaged as damage:
            logger.warning("the snapshot from %s is not usable and is asked for again: %s", sender, damage)
            self._installing = None
            self._host.send(sender, SnapshotReceived(arrived.last_index, arrived.last_term, 0))
            return
        await self._store.write(arrived.last_index, snapshot.pieces())
        await self._take(snapshot)
        logger.info("installed the snapshot at %d from %s (%d bytes)", arrived.last_index, sender, len(snapshot.file))
        self._installing = None
        self._host.promise(sender, Appended(arrived.last_index + 1, success=True, reset=False))

    async def _take(self, snapshot: Snapshot) -> None:
        """Restore the state, unless the log has brought it further meanwhile: it must never go back."""
        index = snapshot.head.index
        if self._host.held_index < index <= self._host.applied_index:
            self._host.installed(snapshot)  # a full disk cost the end of the log, and the state is ahead of it
            return
        is_replaced = False
        parts = iter(self._host.restoring(snapshot))
        while is_replaced or self._host.applied_index < index:
            part = next(parts, None)
            if part is None:
                return
            if part:
                is_replaced = True
                self._host.installed(snapshot)
            await asyncio.sleep(0)
