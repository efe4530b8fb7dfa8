"""What a member does while its disk is full: it takes no part, listens for who leads, and waits for room.

It promises nothing, because it can keep no promise: no vote, no acknowledgement, no confirmation of a leader. Its links
are up all the same, so that it knows the leader and can pass on what it is asked.
"""

import asyncio
import logging
from pathlib import Path

from okube.raft.complaints import Complaints
from okube.raft.frames import Append, MalformedFrame, decode_frame
from okube.raft.members import Membership
from okube.seams.clock import Clock
from okube.seams.disk import Disk, NoRoom
from okube.seams.transport import PeerTransport

__all__ = ["Sideline", "wait_for_room"]

logger = logging.getLogger(__name__)

LOOK_S = 0.5


class Sideline:
    """Satisfies ``PeerHandler`` between two lives of a member.

    ``term`` is the highest that it has seen, ``up`` those to whom there is a link, and ``since`` when it began.
    """

    def __init__(
        self, *, name: str, members: Membership, term: int, transport: PeerTransport, clock: Clock, election_s: float
    ) -> None:
        self.term = term
        self.since = clock.monotonic()
        self.up: set[str] = set()
        self._peers = [member.peer for member in members if member.name != name]
        self._instances = {peer.name: peer.instance for peer in self._peers}
        self._transport = transport
        self._clock = clock
        self._election_s = election_s
        self._leader: str | None = None
        self._complaints = Complaints(logger)
        self._heard_at = self.since

    async def start(self) -> None:
        """Begin to listen."""
        self._transport.bind(self)
        self._transport.set_peers(self._peers)
        await self._transport.start()

    async def stop(self) -> None:
        """End all links, so that the leader sends anew what was not taken."""
        await self._transport.stop()

    @property
    def leader(self) -> str | None:
        """Who leads, if it was heard of late."""
        return self._leader if self._clock.monotonic() - self._heard_at < 2 * self._election_s else None

    def peer_greeted(self, peer: str, instance: str, card: bytes) -> str | None:
        """Those are let in that were members when the disk became full; what cards say is heard when it has room."""
        del card
        if self._instances.get(peer) == instance:
            return None
        return f"manager {peer} ({instance}) was no member when the disk of this one became full"

    def peer_up(self, peer: str) -> None:
        """Nothing is sent to it."""
        self.up.add(peer)

    def peer_down(self, peer: str, *, closed: bool = True) -> None:
        """A leader without a link is none that could be asked."""
        self.up.discard(peer)
        if peer == self._leader:
            self._leader = None

    def peer_frame(self, peer: str, instance: str, data: bytes) -> None:
        """Only who leads is of interest; whatever cannot be read costs its sender the link, as ever."""
        if self._instances.get(peer) != instance:
            return
        try:
            frame = decode_frame(data)
        except MalformedFrame as problem:
            self._complaints.say(peer, "dropped the link to %s: %s", peer, problem)
            self._transport.drop(peer)
            return
        if frame.term >= self.term and isinstance(frame.body, Append):
            self.term = frame.term
            self._leader = peer
            self._heard_at = self._clock.monotonic()


async def wait_for_room(disk: Disk, directory: Path, size: int) -> None:
    """Return when so many bytes fit onto the disk."""
    while True:
        try:
            return await disk.try_room(directory, size)
        except NoRoom:
            await asyncio.sleep(LOOK_S)
