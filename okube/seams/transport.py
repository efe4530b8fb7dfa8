"""Links between managers as an argument: frames in order, at most once, between peers known by name.

A link never drops a frame from its middle. When it cannot go on (a full queue, a broken connection) it goes down and
comes up anew; everything that was on its way is gone, and both ends are told by ``peer_down`` and ``peer_up``.
"""

from collections.abc import Iterable
from typing import Protocol

import msgspec

__all__ = ["Peer", "PeerHandler", "PeerTransport"]


class Peer(msgspec.Struct, frozen=True):
    """Who is at the other end. ``address`` is "host:port" and may change; name and instance make the identity."""

    name: str
    instance: str
    address: str


class PeerHandler(Protocol):
    """What a transport calls, always from the event loop and never from within ``send``."""

    def peer_greeted(self, peer: str, instance: str, card: bytes) -> str | None:
        """A manager of this cluster greets and shows its card: why it is not let in, None if it is.

        The transport's peers may be replaced within this call.
        """

    def peer_up(self, peer: str) -> None:
        """A link to this peer is there, and nothing from an earlier one will come any more."""

    def peer_down(self, peer: str, *, closed: bool = True) -> None:
        """The link is gone; what was sent and not answered may be lost.

        ``closed``: the other side closed it, or refuses a new one, as when its process ends (this may be said several
        times); not so where the link fell silent, or this side ended it.
        """

    def peer_frame(self, peer: str, instance: str, data: bytes) -> None:
        """One frame arrived from the peer, whose name and instance were checked when the link came up."""


class PeerTransport(Protocol):
    """Keeps one link to each peer for as long as it runs."""

    def bind(self, handler: PeerHandler) -> None:
        """Say who is called; before ``start``."""

    async def start(self) -> None:
        """Listen and begin to connect."""

    async def stop(self) -> None:
        """End all links. ``peer_down`` is not called any more."""

    def set_peers(self, peers: Iterable[Peer]) -> None:
        """Replace the peers: links to others end."""

    def set_card(self, card: bytes) -> None:
        """What to show with each greeting from now on; it means something to handlers only."""

    def send(self, peer: str, frame: bytes) -> None:
        """Queue a frame; it is lost if the link is down, or goes down before it arrives."""

    def drop(self, peer: str) -> None:
        """End the link to a peer, which is then made anew."""
