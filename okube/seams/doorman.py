"""Listens at one address, and lets callers in: how many may be in the middle of TLS, and for how long.

Whoever has not shown a certificate yet is nobody, and must cost little. So at each turn of the loop one caller begins
with TLS, which is what costs most; the others wait, and addresses take turns. The busier the loop, the fewer begin.
And handshakes under way are counted; where there are too many, the oldest of the address that has the most of them is
given up: one that is honest takes some milliseconds, and one that only holds its place becomes the oldest sooner or
later. So an address that floods takes places and turns from itself alone.
"""

import asyncio
import errno
import logging
import socket
import ssl
from collections import Counter, deque
from collections.abc import Callable
from typing import Literal, get_args

__all__ = ["TURNED", "Doorman", "Turned"]

_log = logging.getLogger(__name__)
_AT_A_TIME = 16
"""So many connections are taken from the kernel at one turn of the loop."""
_PAUSE_S = 0.1
_FAREWELL_S = 2.0
"""How long a connection that was closed here waits for the other end to say that it has read all."""
_BACKLOG = 1024
_LOOPBACK = "127.0.0.1"
_COME_AGAIN_S = 1.0

Turned = Literal["failed", "late", "given-up"]
"""Why a caller never got through TLS: nothing came of it; it took too long; its place was needed."""

TURNED: tuple[Turned, ...] = get_args(Turned)


class Doorman:
    """A server much as ``loop.create_server`` makes one, with a limit on handshakes; ``open`` it once.

    Args:
        protocol: makes what serves a connection; it is called when TLS is done.
        context: of TLS; None for none, which is for tests.
        handshake_s: how long TLS may take.
        handshakes: how many may be under way; as many more may wait for their turn.
        turned: counts those who were not let in.
        hear: is told of each with whom TLS failed: the address, and what was wrong.
    """

    def __init__(
        self,
        protocol: Callable[[], asyncio.Protocol],
        *,
        context: ssl.SSLContext | None,
        handshake_s: float,
        handshakes: int = 256,
        turned: Counter[Turned] | None = None,
        hear: Callable[[str, Exception], None] = lambda address, error: None,
    ) -> None:
        self.turned: Counter[Turned] = Counter() if turned is None else turned
        self._protocol = protocol
        self._context = context
        self._handshake_s = handshake_s
        self._handshakes = handshakes
        self._hear = hear
        self._queued: dict[str, deque[socket.socket]] = {}
        self._queue_length = 0
        self._turn: asyncio.Handle | None = None
        self._waiting: dict[str, dict[asyncio.Task[None], None]] = {}
        self._under_way = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._listeners: list[socket.socket] = []
        self._pauses: dict[socket.socket, asyncio.TimerHandle] = {}
        self._at: tuple[str, int] | None = None
        self._coming: asyncio.Task[None] | None = None

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """What it listens on."""
        return tuple(self._listeners)

    @property
    def handshakes(self) -> int:
        """How many are under way now."""
        return self._under_way

    async def open(self, host: str, port: int) -> None:
        """Listen at all addresses of a host; raises OSError for an address in use.

        Where the host is not this machine's (yet, or any more) it listens at the loopback address meanwhile, where
        nobody else comes in: whoever it calls can tell it where it is to be found, and then it moves.
        """
        try:
            await self._open(host, port)
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL:
                raise
            _log.error(
                "%s is no address of this machine now, so nobody reaches port %d there: waiting for it. If the machine "
                "has another one, tell the cluster with 'okube nodes readdress' or 'okube managers readdress'",
                host,
                port,
            )
            await self._open(_LOOPBACK, port)
            self._coming = asyncio.get_running_loop().create_task(self._come(host, port))

    async def move(self, host: str, port: int) -> None:
        """Listen elsewhere instead; connections that stand go on. Raises OSError, and then all is as it was."""
        if self._at == (host, port):
            return
        before, self._listeners = self._listeners, []
        try:
            await self._open(host, port)
        except OSError:
            self._listeners = before
            raise
        self._let_go(before)
        if self._coming is not None and self._coming is not asyncio.current_task():
            self._coming.cancel()

    async def _open(self, host: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        try:
            for family, _, _, _, address in dict.fromkeys(found):
                self._listeners.append(_listen(family, address))
        except OSError:
            for listener in self._listeners:
                listener.close()
            self._listeners = []
            raise
        self._at = (host, port)
        for listener in self._listeners:
            loop.add_reader(listener, self._let_in, listener)

    def close(self) -> None:
        """Listen no more, and give up who is not through TLS; connections that stand go on."""
        if self._turn is not None:
            self._turn.cancel()
        for queue in self._queued.values():
            for plain in queue:
                plain.close()
        self._queued.clear()
        listeners, self._listeners = self._listeners, []
        self._let_go(listeners)
        if self._coming is not None:
            self._coming.cancel()
        for task in self._tasks:
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until nobody is in the middle of TLS."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    def is_serving(self) -> bool:
        """Whether it listens."""
        return bool(self._listeners)

    # Inside.

    async def _come(self, host: str, port: int) -> None:
        """Listen where it should as soon as the machine has that address: at its start the network may not be up."""
        while True:
            await asyncio.sleep(_COME_AGAIN_S)
            try:
                await self.move(host, port)
            except OSError:
                continue
            _log.info("%s is an address of this machine now: listening at port %d there", host, port)
            return

    def _let_go(self, listeners: list[socket.socket]) -> None:
        loop = asyncio.get_running_loop()
        for listener in listeners:
            if listener in self._pauses:
                self._pauses.pop(listener).cancel()
            loop.remove_reader(listener)
            listener.close()

    def _let_in(self, listener: socket.socket) -> None:
        for _ in range(_AT_A_TIME):
            try:
                plain, peer = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # no descriptors or no memory left: those who wait give theirs back
                self._make_room()
                self._pause(listener, error)
                return
            self._queue(plain, str(peer[0]))

    def _queue(self, plain: socket.socket, address: str) -> None:
        self._queued.setdefault(address, deque()).append(plain)
        self._queue_length += 1
        if self._queue_length > self._handshakes:
            most, queue = max(self._queued.items(), key=lambda item: len(item[1]))
            queue.pop().close()
            self._count_out(most)
            self.turned["given-up"] += 1
        if self._turn is None:
            self._turn = asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        """The next address has its turn; then it is the last one."""
        address, queue = next(iter(self._queued.items()))
        plain = queue.popleft()
        self._count_out(address)
        if queue:
            self._queued[address] = self._queued.pop(address)
        self._turn = asyncio.get_running_loop().call_soon(self._next) if self._queued else None
        self._begin(plain, address)

    def _count_out(self, address: str) -> None:
        self._queue_length -= 1
        if not self._queued[address]:
            del self._queued[address]

    def _begin(self, plain: socket.socket, address: str) -> None:
        if self._under_way >= self._handshakes:
            self._make_room()
        plain.setblocking(False)
        task = asyncio.get_running_loop().create_task(self._shake_hands(plain), name=f"TLS with {address}")
        self._tasks.add(task)
        self._waiting.setdefault(address, {})[task] = None
        self._under_way += 1
        task.add_done_callback(lambda task: self._is_over(task, address, plain))

    async def _shake_hands(self, plain: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        if self._context is None:
            await loop.connect_accepted_socket(self._protocol, plain)
            return
        await loop.connect_accepted_socket(
            self._protocol,
            plain,
            ssl=self._context,
            ssl_handshake_timeout=self._handshake_s,
            ssl_shutdown_timeout=_FAREWELL_S,
        )

    def _is_over(self, task: "asyncio.Task[None]", address: str, plain: socket.socket) -> None:
        self._tasks.discard(task)
        self._forget(task, address)
        if task.cancelled():
            plain.close()
            return
        error = task.exception()
        if error is None:
            return
        plain.close()
        if not isinstance(error, OSError | EOFError):  # ssl.SSLError is an OSError
            _log.error("a defect in letting %s in", address, exc_info=error)
            return
        late = isinstance(error, TimeoutError) or "longer than" in str(error)
        self.turned["late" if late else "failed"] += 1
        _log.debug("%s was not let in: %s", address, error)
        self._hear(address, error)

    def _forget(self, task: "asyncio.Task[None]", address: str) -> None:
        """Count it no more; does nothing the second time."""
        tasks = self._waiting.get(address, {})
        if task in tasks:
            del tasks[task]
            self._under_way -= 1
            if not tasks:
                del self._waiting[address]

    def _make_room(self) -> None:
        """Give up the oldest handshake of the address that has the most."""
        if self._waiting:
            address, tasks = max(self._waiting.items(), key=lambda item: len(item[1]))
            oldest = next(iter(tasks))
            self._forget(oldest, address)
            self.turned["given-up"] += 1
            oldest.cancel()

    def _pause(self, listener: socket.socket, error: OSError) -> None:
        loop = asyncio.get_running_loop()
        _log.debug("cannot let anybody in for a moment: %s", error)
        loop.remove_reader(listener)
        self._pauses[listener] = loop.call_later(_PAUSE_S, self._go_on, listener)

    def _go_on(self, listener: socket.socket) -> None:
        del self._pauses[listener]
        asyncio.get_running_loop().add_reader(listener, self._let_in, listener)


def _listen(family: int, address: tuple[object, ...]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.setblocking(False)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"cannot listen at {address[0]} port {address[1]}: {error.strerror}") from None
    return listener
