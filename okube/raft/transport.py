"""Links between managers over mutual TLS: who is at the other end is known from its certificate.

One connection a pair; the manager whose name sorts first makes it. The other one knocks only when it waited in vain:
the first may not know it yet, or not any more, and tells that with its greeting. When a link is silent for an election
time-out another one is made beside it, because a living TCP connection may need many seconds to find back after a cut;
whichever is heard first stays, because a new one needs as long where packets are lost.

No link outlives the certificates that both sides showed on it. So that this is no gap, another one takes its place in
time, when the next certificates should be there.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from okube.raft.complaints import Complaints
from okube.raft.connecting import connect
from okube.raft.link import VERSION, Greeting, Link
from okube.seams.doorman import Doorman
from okube.seams.lasting import Lasting
from okube.seams.plainly import plainly, untimely
from okube.seams.transport import Peer, PeerHandler

__all__ = ["Identify", "TlsTransport"]

logger = logging.getLogger(__name__)

Identify = Callable[[dict[str, Any]], tuple[str, str, str | None] | None]
"""From ``SSLSocket.getpeercert()`` to (role, name, instance if it says so); None if it is none of ours."""

REDIAL_S = 0.06
KNOCK_S = 1.0
_SILENT_FOR_GOOD = 6
"""A link that says nothing for so many election time-outs is ended, whether another one took its place or not."""
_NOT_GREETED = 8
"""So many callers with one certificate may be connected and not have greeted yet."""
MIB = 1024 * 1024


class TlsTransport:
    """Satisfies ``okube.seams.transport.PeerTransport``."""

    def __init__(
        self,
        *,
        name: str,
        instance: str,
        cluster_id: str,
        host: str,
        port: int,
        server_context: ssl.SSLContext,
        client_context: ssl.SSLContext,
        identify: Identify,
        election_s: float = 0.5,
        max_frame_bytes: int = 4 * MIB,
        max_queue_bytes: int = 16 * MIB,
        elsewhere: Mapping[str, str] | None = None,
        lasting: Callable[[], Lasting | None] = lambda: None,
    ) -> None:
        self._name = name
        self._instance = instance
        self._cluster_id = cluster_id
        self._listen_on = (host, port)
        self._server_context = server_context
        self._client_context = client_context
        self._identify = identify
        self._election_s = election_s
        self._max_frame_bytes = max_frame_bytes
        self._max_queue_bytes = max_queue_bytes
        self._elsewhere = dict(elsewhere or {})  # where peers are dialled that are not where the log says
        self._lasting = lasting  # from when to when what is shown here is good
        self._peers: dict[str, Peer] = {}
        self._known: dict[str, str] = {}  # the addresses that the log had at first
        self._card = b""
        self._handler: PeerHandler | None = None
        self._server: Doorman | None = None
        self._links: dict[str, Link] = {}
        self._pending: dict[Link, None] = {}
        self._dialling: dict[str, asyncio.Task[None]] = {}
        self._watch: asyncio.TimerHandle | None = None
        self._complaints = Complaints(logger)

    # PeerTransport.

    def bind(self, handler: PeerHandler) -> None:
        """Say who is called."""
        self._handler = handler

    async def start(self) -> None:
        """Listen and begin to dial. Raises ``OSError`` if the address is taken."""
        host, port = self._listen_on
        self._server = Doorman(
            lambda: self._new_link(None),
            context=self._server_context,
            handshake_s=self._tls_patience_s,
            hear=self._turned_away,
        )
        await self._server.open(host, port)
        self._keep_alive()
        self.set_peers(list(self._peers.values()))

    async def stop(self) -> None:
        """End everything and wait for it."""
        server, self._server, self._handler = self._server, None, None
        if self._watch is not None:
            self._watch.cancel()
        if server is not None:
            server.close()
        dialling, self._dialling = list(self._dialling.values()), {}
        for task in dialling:
            task.cancel()
        links = [*self._links.values(), *self._pending]
        for link in links:
            link.end()
        waiting = [*dialling, *(link.closed for link in links)]
        if waiting:
            await asyncio.wait(waiting)
        if server is not None:
            await server.wait_closed()

    async def move(self, host: str, port: int) -> None:
        """Listen elsewhere from now on; links that stand go on. Raises ``OSError``, and then all is as it was."""
        if self._server is not None:
            await self._server.move(host, port)
        self._listen_on = (host, port)

    def set_peers(self, peers: Iterable[Peer]) -> None:
        """Replace the peers; links to others end, and a changed address is dialled from the next time on."""
        self._peers = {peer.name: peer for peer in peers}
        for name, link in list(self._links.items()):
            if name not in self._peers or self._peers[name].instance != link.instance:
                link.end()
        if self._server is None:
            return
        for name in [name for name in self._dialling if name not in self._peers]:
            self._dialling.pop(name).cancel()
        for name in self._peers:
            if name not in self._dialling:
                keep = self._keep_dialling(name) if self._name < name else self._keep_knocking(name)
                self._dialling[name] = asyncio.get_running_loop().create_task(keep)

    def set_card(self, card: bytes) -> None:
        """What to show with each greeting."""
        self._card = card

    def send(self, peer: str, frame: bytes) -> None:
        """Queue a frame; if the queue is full the link ends."""
        link = self._links.get(peer)
        if link is not None and not link.send(frame):
            self._complaints.say(peer, "the link to %s cannot keep up and is made anew", peer)
            link.end()

    def drop(self, peer: str) -> None:
        """End the link to a peer."""
        link = self._links.get(peer)
        if link is not None:
            link.end()

    @property
    def port(self) -> int:
        """Where it listens, which matters if it was told 0."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    # LinkOwner.

    def begun(self, link: Link) -> None:
        """Keep an eye on it until it has greeted."""
        link.lasts((Lasting.of(link.certificate), self._lasting()), time.time())
        if self._server is None or (link.dialled is not None and self._is_well(link.dialled)):
            link.end()
        elif link.dialled is None and (objection := self._stranger(link)) is not None:
            self._refuse(link, objection)
            link.end()
        else:
            self._succeed_to_earlier(link)
        self._pending[link] = None

    def greeted(self, link: Link, greeting: Greeting) -> bool:
        """Let a peer in, or say why not."""
        objection = self._objection(link, greeting)
        if objection is not None:
            self._refuse(link, objection)
            return False
        self._pending.pop(link, None)
        earlier = self._links.pop(greeting.name, None)
        if earlier is not None:
            earlier.end()
            self._tell_down(greeting.name, closed=False)
        self._links[greeting.name] = link
        if self._handler is not None:
            self._handler.peer_up(greeting.name)
        return True

    def frame(self, link: Link, data: bytes) -> None:
        """Pass a frame on, unless another link took this one's place."""
        if self._handler is not None and link.peer is not None and self._links.get(link.peer) is link:
            self._handler.peer_frame(link.peer, link.instance, data)

    def broken(self, link: Link, reason: str) -> None:
        """Say what the peer did wrong."""
        who = link.peer or link.dialled or link.address.rsplit(":", 1)[0]
        self._complaints.say(f"broken {who}", "ended the link to %s: %s", who, reason)

    def lost(self, link: Link) -> None:
        """Forget a link."""
        self._pending.pop(link, None)
        if link.peer is not None and self._links.get(link.peer) is link:
            del self._links[link.peer]
            self._tell_down(link.peer, closed=link.closed_there)

    # Inside.

    @property
    def _patience_s(self) -> float:
        """How long a peer may take to answer at all."""
        return max(2 * self._election_s, 1.0)

    @property
    def _tls_patience_s(self) -> float:
        """How long TLS may take; a lost packet holds it up, and beginning anew would take longer."""
        return 3 * self._patience_s

    def _speaks(self, name: str) -> bool:
        """Whether there is a link to this peer from which something came of late."""
        link = self._links.get(name)
        return link is not None and asyncio.get_running_loop().time() - link.heard_at <= self._election_s

    def _succeed_to_earlier(self, link: Link) -> None:
        identity = self._identify(link.certificate)
        earlier = None if identity is None else self._links.get(identity[1])
        if earlier is not None:
            earlier.succeeded = True

    def _is_well(self, name: str) -> bool:
        """Whether there is a link to this peer that speaks and can stay."""
        return self._speaks(name) and asyncio.get_running_loop().time() < self._links[name].worn_at

    def _turned_away(self, address: str, error: Exception) -> None:
        """TLS with a caller failed: worth a line where it may be one of the managers."""
        if untimely(error):
            self._complaints.say(f"turned {address}", "a caller from %s was turned away: %s", address, plainly(error))

    def _refuse(self, link: Link, objection: str) -> None:
        who = link.dialled or f"a caller from {link.address.rsplit(':', 1)[0]}"
        self._complaints.say(f"refused {who}", "refused %s: %s", who, objection)

    def _stranger(self, link: Link) -> str | None:
        """Why whoever called is not even greeted; None for a manager, whichever it says it is."""
        identity = self._identify(link.certificate)
        if identity is None:
            return "its certificate does not say who it is"
        role, name, _ = identity
        if role != "manager":
            return f"its certificate is of {role} {name}, and managers speak here with managers alone"
        self._end_the_oldest_of(identity)
        return None

    def _end_the_oldest_of(self, identity: tuple[str, str, str | None]) -> None:
        """Make room among those with one certificate that have not greeted: an honest one greets at once."""
        waiting = [link for link in self._pending if link.dialled is None and not link.ended]
        same = [link for link in waiting if self._identify(link.certificate) == identity]
        if len(same) >= _NOT_GREETED:
            same[0].end()

    def _objection(self, link: Link, greeting: Greeting) -> str | None:
        """Why this peer is not let in; None if it is."""
        identity = self._identify(link.certificate)
        if identity is None:
            return "its certificate does not say who it is"
        role, name, instance = identity
        said = f"{greeting.name} ({greeting.instance})"
        if greeting.protocol != "okube-raft" or greeting.version != VERSION:
            return f"it speaks {greeting.protocol} {greeting.version}, and this manager okube-raft {VERSION}"
        if greeting.cluster_id != self._cluster_id:
            return f"it belongs to cluster {greeting.cluster_id}, and this is {self._cluster_id}"
        if role != "manager" or name != greeting.name or instance not in (None, greeting.instance):
            return f"it says it is manager {said}, and its certificate is of {role} {name}"
        if link.dialled not in (None, greeting.name):
            return f"{said} answered at its address"
        if self._handler is None:
            return "this manager has ended"
        return self._handler.peer_greeted(greeting.name, greeting.instance, greeting.card)

    def _new_link(self, dialled: str | None) -> Link:
        return Link(
            self,
            Greeting.of(self._cluster_id, self._name, self._instance, self._card),
            dialled=dialled,
            user_timeout_ms=int(1000 * _SILENT_FOR_GOOD * self._election_s),
            max_frame_bytes=self._max_frame_bytes,
            max_queue_bytes=self._max_queue_bytes,
            now=asyncio.get_running_loop().time,
        )

    async def _keep_dialling(self, name: str) -> None:
        reachable, loop = True, asyncio.get_running_loop()
        pause_s = REDIAL_S
        while True:
            began = loop.time()
            try:
                link = await self._dial(name)
                reachable = True
                await self._until_wanted(name, link)
                # Who lets us in and ends the link at once, again and again, does not want us.
                pause_s = min(2 * pause_s, KNOCK_S) if loop.time() - began < KNOCK_S else REDIAL_S
            except (OSError, ssl.SSLError, TimeoutError) as error:
                level = logging.WARNING if reachable else logging.DEBUG
                logger.log(level, "cannot reach %s at %s: %s", name, self._peers[name].address, plainly(error))
                reachable = False
                if isinstance(error, ConnectionRefusedError):
                    self._refused(name)
            await asyncio.sleep(pause_s)

    async def _until_wanted(self, name: str, link: Link) -> None:
        """Until there is no link to this peer that is well: one that is silent may come back, and stays meanwhile."""
        while True:
            if link.closed.done():
                if name not in self._links:
                    return
                link = self._links[name]
            elif link.peer is not None and not self._is_well(name):
                return
            await asyncio.wait({link.closed}, timeout=self._election_s / 5)

    async def _keep_knocking(self, name: str) -> None:
        """The other one dials; but where there is no link for a while, see whether it still lets us in.

        For the first time before an election can be: one that was left behind hears of it before it leads anybody.
        """
        pause_s, believed = min(KNOCK_S, self._election_s / 3), True
        while True:
            await asyncio.sleep(pause_s)
            pause_s = KNOCK_S
            if name in self._links:
                continue
            try:
                link = await self._dial(name)
                await link.closed
            except (OSError, ssl.SSLError, TimeoutError) as error:
                level = logging.WARNING if untimely(error) and believed else logging.DEBUG
                logger.log(level, "knocked at %s in vain: %s", name, plainly(error))
                believed = not untimely(error)

    def _address(self, name: str) -> str:
        """Where a peer is dialled: what was told offline counts until the log says another address than then."""
        address = self._peers[name].address
        known = self._known.setdefault(name, address)
        return self._elsewhere.get(name, address) if known == address else address

    async def _dial(self, name: str) -> Link:
        host, _, port = self._address(name).rpartition(":")
        loop = asyncio.get_running_loop()
        try:
            plain = await connect(host.strip("[]"), int(port), self._patience_s)
        except ValueError as error:  # a host that no resolver takes
            raise OSError(f"{host} is no host: {error}") from error
        link = self._new_link(name)
        try:
            await loop.create_connection(
                lambda: link,
                sock=plain,
                ssl=self._client_context,
                ssl_handshake_timeout=self._tls_patience_s,
                server_hostname=f"{name}.manager.{self._cluster_id}.okube",
            )
        except BaseException:
            link.end()
            plain.close()
            raise
        return link

    def _keep_alive(self) -> None:
        """Say something on quiet links, and end silent ones."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._watch = loop.call_later(self._election_s / 5, self._keep_alive)
        for link in [*self._links.values(), *self._pending]:
            silence_s = now - link.heard_at
            if now > link.ends_at:
                self.broken(link, "a certificate that was shown on it has ended")
                link.end()
            elif silence_s > (_SILENT_FOR_GOOD * self._election_s if link.peer is not None else self._tls_patience_s):
                link.end()
            elif link.peer is not None and now - link.said_at > self._election_s / 5:
                link.say_still_here()

    def _refused(self, peer: str) -> None:
        """Nobody listens at its address: its machine is there, and its process is not."""
        if peer not in self._links:
            self._tell_down(peer, closed=True)

    def _tell_down(self, peer: str, *, closed: bool) -> None:
        if self._handler is not None:
            self._handler.peer_down(peer, closed=closed)
