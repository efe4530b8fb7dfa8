"""Snapshots between members: who is being sent one, and the one that is being received and installed."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from okube.raft.config import RaftConfig
from okube.raft.frames import Appended, Body, SnapshotPiece, SnapshotReceived
from okube.raft.snapshot import Snapshot, SnapshotStore
from okube.raft.transfer import Incoming, Outgoing

__all__ = ["SnapshotExchange", "SnapshotHost"]

logger = logging.getLogger(__name__)


class SnapshotHost(Protocol):
    """What the exchange needs from around it."""

    @property
    def held_index(self) -> int:
        """What is applied, and in the log or covered by a snapshot."""

    def send(self, peer: str, body: Body) -> None:
        """Send a frame of the current term now."""

    def promise(self, peer: str, body: Body) -> None:
        """Send a frame of the current term once all of the journal so far is durable."""

    def install(self, snapshot: Snapshot) -> None:
        """Replace state and log by a snapshot that is durable."""

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
        snapshot = self._incoming.take()
        if snapshot is not None:
            self._installing = received
            self._host.spawn(self._install(sender, snapshot))
        elif received.offset >= piece.total_bytes:
            received = SnapshotReceived(piece.index, piece.last_term, 0)  # it was complete and damaged
        self._host.send(sender, received)

    async def _begin(self) -> None:
        snapshot = await self._store.newest()
        wanting, self._wanting = self._wanting, []
        if snapshot is None:
            return
        for peer in wanting:
            logger.info("%s is behind the log and is sent the snapshot at %d", peer, snapshot.head.index)
            self._outgoing[peer] = Outgoing(snapshot, self._config.snapshot_chunk_bytes, self._now())
            self._host.send(peer, self._outgoing[peer].piece(0))

    async def _install(self, sender: str, snapshot: Snapshot) -> None:
        index = snapshot.head.index
        await self._store.write(index, [snapshot.file])
        if self._host.held_index < index:
            self._host.install(snapshot)
            logger.info("installed the snapshot at %d from %s (%d bytes)", index, sender, len(snapshot.file))
        self._installing = None
        self._host.promise(sender, Appended(index + 1, success=True, reset=False))
