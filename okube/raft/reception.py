"""What comes in over the links of a running member: greetings, frames, and links that come and go."""

import logging
from collections.abc import Callable
from typing import Protocol

from okube.raft.acquaintances import Acquaintances
from okube.raft.complaints import Complaints
from okube.raft.engine import Engine
from okube.raft.errors import Removed
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
)
from okube.raft.reads import ReadIndex
from okube.seams.transport import PeerTransport

__all__ = ["Reception", "ReceptionHost"]

logger = logging.getLogger(__name__)


class ReceptionHost(Protocol):
    """Whose links they are."""

    @property
    def running(self) -> bool:
        """Whether the member takes part."""

    def meet(self) -> None:
        """Have links to all that this member knows, and to nobody else."""

    def wake(self) -> None:
        """Turn the engine soon."""

    def taken(self) -> None:
        """A frame was handed to the engine: follow up what that changed."""

    def die(self, error: Exception) -> None:
        """The engine may be half changed, and must not go on."""


class Reception:
    """Satisfies ``PeerHandler`` for as long as its member takes part. ``listeners`` hear of changes in ``told``."""

    def __init__(
        self,
        host: ReceptionHost,
        *,
        name: str,
        engine: Engine,
        acquaintances: Acquaintances,
        reads: ReadIndex,
        exchange: SnapshotExchange,
        transport: PeerTransport,
        listeners: list[Callable[[], None]],
    ) -> None:
        self.told: dict[str, int] = {}
        """The command version that each linked member has said it knows."""
        self._host = host
        self._name = name
        self._engine = engine
        self._acquaintances = acquaintances
        self._reads = reads
        self._exchange = exchange
        self._transport = transport
        self._listeners = listeners
        self._complaints = Complaints(logger)

    def understands(self, peer: str, kind: type[Body]) -> bool:
        """Whether a member knows such frames, as it has said itself."""
        return self.told.get(peer, 1) >= FRAMES_SINCE.get(kind, 1)

    def peer_greeted(self, peer: str, instance: str, card: bytes) -> str | None:
        """Whether a manager is let in; its card may say that we were removed, or who else is a member by now."""
        if not self._host.running:
            return "this manager has ended"
        removed = self._acquaintances.hear(card)
        if removed is not None:
            self._host.die(Removed(self._name, removed.index))
            return "this manager was removed from the cluster"
        if self._acquaintances.refresh(self._engine.commit_index):
            self._host.meet()
        return self._acquaintances.objection(peer, instance)

    def peer_up(self, peer: str) -> None:
        """A link came up."""
        if self._host.running and peer in self._acquaintances.members:
            self._engine.connected(peer)
            self._reads.found(peer)
            self._host.wake()

    def peer_down(self, peer: str, *, closed: bool = True) -> None:
        """A link is gone, or a new one is refused."""
        if self._host.running:
            self.told.pop(peer, None)  # it may come back as another Okube
            self._reads.lost(peer)
            self._exchange.lost(peer)
            self._engine.disconnected(peer, closed=closed)
            self._host.wake()

    def peer_frame(self, peer: str, instance: str, data: bytes) -> None:
        """Handle a frame of a member; anything else is dropped, and costs its sender the link."""
        if not self._host.running:
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
            self._host.taken()
        except Exception as error:
            self._host.die(error)
            return
        self._host.wake()

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
        for listener in self._listeners:
            listener()

    def _dispatch(self, peer: str, frame: Frame) -> None:
        body = frame.body
        self._engine.receive(peer, frame.term, body)
        of_this_term = frame.term == self._engine.term
        match body:
            case ReadRequest() | ReadAt():
                self._reads.receive(peer, body)
            case Confirm() | Confirmed() if of_this_term:
                self._reads.receive(peer, body)
            case SnapshotPiece() if of_this_term and not self._engine.is_leader:
                self._exchange.receive(peer, body)
            case SnapshotReceived() if of_this_term and self._engine.is_leader:
                self._exchange.received(peer, body)
