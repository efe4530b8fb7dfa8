"""Links between members: in order, at most once, with delay; they can be cut, slowed and lost."""

import asyncio
import contextvars
import random
from collections.abc import Callable, Iterable

from okube.seams.transport import Peer, PeerHandler

__all__ = ["SimulatedNetwork", "SimulatedTransport"]

RECONNECT_S = 0.06
KNOCK_S = 1.0
NOTICE_S = 0.5
"""How long a cut link looks alive to both ends: the election time-out, after which a silent link is dropped."""


class SimulatedNetwork:
    """All links of a cluster. A pair is connected when both ends run, want each other, and the link is not cut."""

    def __init__(self, rng: random.Random, *, delay_s: tuple[float, float] = (0.0002, 0.002)) -> None:
        self.rng = rng
        self.delay_s = delay_s
        self.frames = 0
        self._ends: dict[str, SimulatedTransport] = {}
        self._cut: dict[tuple[str, str], None] = {}
        self._links: dict[tuple[str, str], _Link] = {}
        self._knocking: dict[tuple[str, str], None] = {}
        self._context = contextvars.copy_context()

    def attach(self, transport: "SimulatedTransport") -> None:
        """A process listens."""
        self.detach(transport.name)
        self._ends[transport.name] = transport
        for other in sorted(self._ends):
            self._connect_soon(transport.name, other)

    def detach(self, name: str) -> None:
        """A process is gone; the others notice at once, as its kernel says so."""
        if self._ends.pop(name, None) is not None:
            for pair in [pair for pair in self._links if name in pair]:
                self._break(pair)

    def cut(self, one: str, other: str) -> None:
        """Nothing gets through between the two; both notice only after a time-out."""
        self._cut[_pair(one, other)] = None
        link = self._links.get(_pair(one, other))
        if link is not None:
            link.cut = True
            self._later(NOTICE_S, lambda: self._break_if(_pair(one, other), link))

    def heal(self, one: str, other: str) -> None:
        """The two reach each other again."""
        self._cut.pop(_pair(one, other), None)
        self._connect_soon(one, other)

    def heal_all(self) -> None:
        """All reach all."""
        for one, other in list(self._cut):
            self.heal(one, other)

    def lose(self, one: str, other: str) -> None:
        """The connection breaks, with what is on its way, and is made anew."""
        self._break(_pair(one, other))

    def send(self, sender: "SimulatedTransport", receiver: str, frame: bytes) -> None:
        """Put a frame on its way, if there is a link."""
        link = self._links.get(_pair(sender.name, receiver))
        if link is not None and self._ends.get(sender.name) is sender:
            self.frames += 1
            loop = asyncio.get_running_loop()
            when = link.arrival(sender.name, loop.time() + self.rng.uniform(*self.delay_s))
            loop.call_at(when, self._deliver, link, sender, receiver, frame, context=self._context)

    def _deliver(self, link: "_Link", sender: "SimulatedTransport", receiver: str, frame: bytes) -> None:
        if self._links.get(_pair(sender.name, receiver)) is link and not link.cut:
            self._ends[receiver].arrived(sender, frame)

    def _connect(self, one: str, other: str) -> None:
        pair = _pair(one, other)
        first, second = self._ends.get(one), self._ends.get(other)
        if one == other or pair in self._links or pair in self._cut or first is None or second is None:
            return
        if not first.wants(other) and not second.wants(one):
            return
        if first.is_paused or second.is_paused:  # its kernel takes the connection, and it greets when it goes on
            self._knock_later(pair, RECONNECT_S)
            return
        welcome = (first.lets_in(second), second.lets_in(first))
        if not all(welcome) or pair in self._links:
            self._knock_later(pair)
            return
        self._links[pair] = _Link()
        for name, peer in (pair, pair[::-1]):
            self._ends[name].came_up(peer)

    def _knock_later(self, pair: tuple[str, str], delay_s: float = KNOCK_S) -> None:
        """Who is not let in tries again for as long as it wants to."""
        if pair not in self._knocking:
            self._knocking[pair] = None
            self._later(delay_s, lambda: self._knock(pair))

    def _knock(self, pair: tuple[str, str]) -> None:
        del self._knocking[pair]
        self._connect(*pair)

    def peers_changed(self, transport: "SimulatedTransport") -> None:
        """A process wants links to others than before."""
        if self._ends.get(transport.name) is not transport:
            return
        for pair in [pair for pair in self._links if transport.name in pair]:
            if not transport.wants(pair[0] if pair[1] == transport.name else pair[1]):
                self._break(pair)
        for other in sorted(self._ends):
            if transport.wants(other) and _pair(transport.name, other) not in self._links:
                self._connect_soon(transport.name, other)

    def _connect_soon(self, one: str, other: str) -> None:
        self._later(self.rng.uniform(0.2, 1.0) * RECONNECT_S, lambda: self._connect(one, other))

    def _break_if(self, pair: tuple[str, str], link: "_Link") -> None:
        if self._links.get(pair) is link:
            self._break(pair)

    def _break(self, pair: tuple[str, str]) -> None:
        if self._links.pop(pair, None) is None:
            return
        for name, peer in (pair, pair[::-1]):
            if name in self._ends:
                closed = peer not in self._ends  # its process ended; what is cut falls silent
                self._later(0, lambda e=self._ends[name], p=peer, c=closed: e.went_down(p, closed=c))  # type: ignore[misc]
        self._connect_soon(*pair)

    def at(self, when: float, what: Callable[[], None]) -> None:
        """Do something then, as a part of no process."""
        asyncio.get_running_loop().call_at(when, what, context=self._context)

    def _later(self, delay_s: float, what: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(delay_s, what, context=self._context)


class _Link:
    """One connection: frames of each direction arrive in the order in which they were sent."""

    def __init__(self) -> None:
        self.cut = False
        self._last: dict[str, float] = {}

    def arrival(self, sender: str, when: float) -> float:
        """When a frame that could arrive at ``when`` arrives behind those before it."""
        self._last[sender] = max(when, self._last.get(sender, 0.0) + 1e-6)
        return self._last[sender]


class SimulatedTransport:
    """One process's end; satisfies ``okube.seams.transport.PeerTransport``."""

    def __init__(self, network: SimulatedNetwork, name: str, instance: str) -> None:
        self.name = name
        self.instance = instance
        self._network = network
        self.card = b""
        self._peers: dict[str, Peer] = {}
        self._handler: PeerHandler | None = None
        self._paused_until = 0.0
        self._waiting: list[Callable[[PeerHandler], None]] = []
        self._context = contextvars.copy_context()

    def bind(self, handler: PeerHandler) -> None:
        self._handler = handler

    async def start(self) -> None:
        self._context = contextvars.copy_context()
        self._network.attach(self)

    async def stop(self) -> None:
        self.kill()

    def kill(self) -> None:
        """The process is gone."""
        if self._handler is not None:
            self._handler = None
            self._network.detach(self.name)

    def set_peers(self, peers: Iterable[Peer]) -> None:
        self._peers = {peer.name: peer for peer in peers}
        self._network.peers_changed(self)

    def set_card(self, card: bytes) -> None:
        self.card = card

    def send(self, peer: str, frame: bytes) -> None:
        self._network.send(self, peer, frame)

    def drop(self, peer: str) -> None:
        self._network.lose(self.name, peer)

    def wants(self, name: str) -> bool:
        """Whether it looks for a link to the process of that name."""
        return name in self._peers

    @property
    def is_paused(self) -> bool:
        return asyncio.get_running_loop().time() < self._paused_until or bool(self._waiting)

    def lets_in(self, other: "SimulatedTransport") -> bool:
        """Show it the other's greeting."""
        handler = self._handler
        if handler is None:
            return False
        return self._context.copy().run(handler.peer_greeted, other.name, other.instance, other.card) is None

    def arrived(self, sender: "SimulatedTransport", frame: bytes) -> None:
        self._tell(lambda handler: handler.peer_frame(sender.name, sender.instance, frame))

    def came_up(self, peer: str) -> None:
        self._tell(lambda handler: handler.peer_up(peer))

    def went_down(self, peer: str, *, closed: bool) -> None:
        self._tell(lambda handler: handler.peer_down(peer, closed=closed))

    def pause(self, until: float) -> None:
        """The process is stopped until then; what arrives waits in its kernel."""
        self._paused_until = until

    def _tell(self, what: Callable[[PeerHandler], None]) -> None:
        """Call the handler as a part of its process, and after all that it was told before."""
        if asyncio.get_running_loop().time() >= self._paused_until and not self._waiting:
            self._tell_now(what)
            return
        if not self._waiting:
            self._network.at(self._paused_until, self._catch_up)
        self._waiting.append(what)

    def _catch_up(self) -> None:
        waiting, self._waiting = self._waiting, []
        for what in waiting:
            self._tell_now(what)

    def _tell_now(self, what: Callable[[PeerHandler], None]) -> None:
        if self._handler is not None:
            self._context.copy().run(what, self._handler)


def _pair(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)
