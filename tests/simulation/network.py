"""Links between members: in order, with delay; they can be cut in one direction or both, stalled, slowed and lost.

A link is a TCP connection: a frame arrives behind those before it, or not at all, and then the connection dies. Only
``to_double`` breaks that rule, to show that nothing depends on it: so many of the next frames arrive twice.
"""

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
        self.to_double = 0  # frames
        self.frames = 0
        self.lost_frames = 0
        self._ends: dict[str, SimulatedTransport] = {}
        self._cuts: dict[tuple[str, str], int] = {}  # sender and receiver; cut so often, to be healed as often
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
        self.cut_one_way(one, other)
        self.cut_one_way(other, one)

    def cut_one_way(self, sender: str, receiver: str) -> None:
        """Nothing gets from one to the other. The receiver drops a silent link after a time-out, and none comes up."""
        self._cuts[sender, receiver] = self._cuts.get((sender, receiver), 0) + 1
        self._drop_later(sender, receiver, NOTICE_S)

    def heal(self, one: str, other: str) -> None:
        """Undo one cut of a pair."""
        self.heal_one_way(one, other)
        self.heal_one_way(other, one)

    def heal_one_way(self, sender: str, receiver: str) -> None:
        """Undo one cut of one direction."""
        left = self._cuts.get((sender, receiver), 0) - 1
        if left > 0:
            self._cuts[sender, receiver] = left
        else:
            self._cuts.pop((sender, receiver), None)
        self._connect_soon(sender, receiver)

    def heal_all(self) -> None:
        """All reach all."""
        cuts, self._cuts = self._cuts, {}
        for one, other in cuts:
            self._connect_soon(one, other)

    def is_cut(self, sender: str, receiver: str) -> bool:
        """Whether nothing gets from one to the other."""
        return (sender, receiver) in self._cuts

    def stall(self, one: str, other: str, duration_s: float) -> None:
        """Lost packets, as TCP shows them: all that is sent waits; a link that is silent for too long is dropped."""
        link = self._links.get(_pair(one, other))
        if link is not None:
            link.hold_until(asyncio.get_running_loop().time() + duration_s)
            if duration_s > NOTICE_S:
                self._later(NOTICE_S, lambda: self._break_if(_pair(one, other), link))

    def lose(self, one: str, other: str) -> None:
        """The connection breaks, with what is on its way, and is made anew."""
        self._break(_pair(one, other))

    def send(self, sender: "SimulatedTransport", receiver: str, frame: bytes) -> None:
        """Put a frame on its way, if there is a link."""
        link = self._links.get(_pair(sender.name, receiver))
        if link is None or self._ends.get(sender.name) is not sender:
            return
        times = 1
        if self.to_double > 0 and self.rng.random() < 0.5:
            times, self.to_double = 2, self.to_double - 1
        for _ in range(times):
            self.frames += 1
            loop = asyncio.get_running_loop()
            when = link.arrival(sender.name, loop.time() + self.rng.uniform(*self.delay_s))
            loop.call_at(when, self._deliver, link, sender, receiver, frame, context=self._context)

    def _deliver(self, link: "_Link", sender: "SimulatedTransport", receiver: str, frame: bytes) -> None:
        direction = (sender.name, receiver)
        if direction in self._cuts:
            link.torn[direction] = None
        if self._links.get(_pair(*direction)) is link and direction not in link.torn:
            self._ends[receiver].arrived(sender, frame)
        else:
            self.lost_frames += 1

    def _connect(self, one: str, other: str) -> None:
        pair = _pair(one, other)
        first, second = self._ends.get(one), self._ends.get(other)
        if one == other or pair in self._links or first is None or second is None:
            return
        if self.is_cut(one, other) or self.is_cut(other, one):
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

    def _drop_later(self, one: str, other: str, delay_s: float) -> None:
        link = self._links.get(_pair(one, other))
        if link is not None:
            self._later(delay_s, lambda: self._break_if_silent(one, other, link))

    def _break_if_silent(self, sender: str, receiver: str, link: "_Link") -> None:
        if self.is_cut(sender, receiver) or (sender, receiver) in link.torn:
            self._break_if(_pair(sender, receiver), link)

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
    """One connection: frames of each direction arrive in the order in which they were sent.

    ``torn`` are directions in which a frame was lost: nothing comes behind a gap.
    """

    def __init__(self) -> None:
        self.torn: dict[tuple[str, str], None] = {}
        self._last: dict[str, float] = {}
        self._held_until = 0.0

    def hold_until(self, when: float) -> None:
        """What is sent from now on arrives no earlier."""
        self._held_until = max(self._held_until, when)

    def arrival(self, sender: str, when: float) -> float:
        """When a frame that could arrive at ``when`` arrives behind those before it."""
        self._last[sender] = max(when, self._held_until, self._last.get(sender, 0.0) + 1e-6)
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
