"""``OKUBE_RAFT_TRACE=FILE``: what a manager says to the others, a line for each frame, written before it leaves.

Together with what ``strace`` tells of its ``fdatasync`` calls this shows that nothing is promised before it is durable.
A line is ``NAME -> PEER KIND term=T`` and, by kind, ``index=I``: of a request for a vote where the log ends, of entries
the last one, of an acknowledgement the last one that is held.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from okube.raft.frames import Append, Appended, Body, PreVote, VoteRequest, decode_frame
from okube.seams.transport import Peer, PeerHandler, PeerTransport

__all__ = ["TracedTransport"]


class TracedTransport:
    """A transport whose frames are traced; satisfies ``PeerTransport``."""

    def __init__(self, transport: PeerTransport, name: str, path: Path) -> None:
        self._transport = transport
        self._name = name
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def send(self, peer: str, frame: bytes) -> None:
        """Write the line with one call, and then queue the frame."""
        said = decode_frame(frame)
        line = f"{self._name} -> {peer} {type(said.body).__name__} term={said.term}{_index(said.body)}\n"
        os.write(self._descriptor, line.encode())
        self._transport.send(peer, frame)

    def bind(self, handler: PeerHandler) -> None:
        """Say who is called."""
        self._transport.bind(handler)

    async def start(self) -> None:
        """Listen and begin to connect."""
        await self._transport.start()

    async def stop(self) -> None:
        """End all links."""
        await self._transport.stop()

    def set_peers(self, peers: Iterable[Peer]) -> None:
        """Replace the peers."""
        self._transport.set_peers(peers)

    def set_card(self, card: bytes) -> None:
        """What to show with each greeting."""
        self._transport.set_card(card)

    def drop(self, peer: str) -> None:
        """End the link to a peer."""
        self._transport.drop(peer)


def _index(body: Body) -> str:
    match body:
        case VoteRequest() | PreVote():
            return f" index={body.last_index}"
        case Append():
            return f" index={body.prev_index + len(body.entries)}"
        case Appended(success=True):
            return f" index={body.next_index - 1}"
    return ""
