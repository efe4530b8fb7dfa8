"""One connection between two members: a greeting, then length-prefixed frames; an empty one only says "still here".

Frames have bounded sizes and so has the queue: a link that cannot keep up is ended, because a frame must never be left
out of the middle.
"""

import asyncio
import contextlib
import math
import socket
import struct
from collections.abc import Callable, Iterable
from typing import Any, Protocol, cast

import msgspec

from okube.seams.lasting import Lasting

__all__ = ["Greeting", "Link", "LinkOwner"]

VERSION = 1
MAX_GREETING_BYTES = 4096
_TCP_THIN_LINEAR_TIMEOUTS = 16
"""linux/tcp.h: what is lost is sent again every fifth of a second or so. Else the pauses double, also when only
acknowledgements are lost, and where many packets are, heartbeats stop for seconds. With BBR they do so all the same:
at 30 % loss a heartbeat every 0.1 s stopped for 1.5 s five to eight times in 90 s, and with both of these once."""
_LENGTH = struct.Struct(">I")
_STILL_HERE = _LENGTH.pack(0)


class Greeting(msgspec.Struct, frozen=True, array_like=True):
    """The first frame of each side. Fields are only ever added, at the end, with defaults."""

    protocol: str
    version: int
    cluster_id: str
    name: str
    instance: str
    card: bytes = b""

    @classmethod
    def of(cls, cluster_id: str, name: str, instance: str, card: bytes = b"") -> "Greeting":
        """What a member of this version says."""
        return cls("okube-raft", VERSION, cluster_id, name, instance, card)


_greeting_decoder = msgspec.msgpack.Decoder(Greeting)


class LinkOwner(Protocol):
    """Decides about a link and gets its frames; always called from the event loop."""

    def begun(self, link: "Link") -> None:
        """The connection stands, and TLS is done; it is not known yet who it is."""

    def greeted(self, link: "Link", greeting: Greeting) -> bool:
        """Whether the peer is who it must be; if not, it was said why, and the link ends."""

    def frame(self, link: "Link", data: bytes) -> None:
        """A frame of a peer that was let in."""

    def broken(self, link: "Link", reason: str) -> None:
        """The peer broke the rules; the link ends."""

    def lost(self, link: "Link") -> None:
        """The link has ended, for whatever reason."""


class Link(asyncio.Protocol):
    """Either end of a connection. ``dialled`` is the peer's name if this end made it."""

    def __init__(
        self,
        owner: LinkOwner,
        greeting: Greeting,
        *,
        dialled: str | None,
        user_timeout_ms: int,
        max_frame_bytes: int,
        max_queue_bytes: int,
        now: Callable[[], float],
    ) -> None:
        self.dialled = dialled
        self.peer: str | None = None
        self.instance = ""
        self.heard_at = self.said_at = now()
        self.ends_at = self.worn_at = math.inf
        """By the clock of ``now``: when a certificate of either side ends, and when it is time for another link."""
        self.succeeded = False
        """Whether another link to the same peer is about to take its place: then its end says nothing of the peer."""
        self.closed_there = False
        """Whether the other side closed it, which this side did not want and no silence explains."""
        self._ended_here = False
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._owner = owner
        self._greeting = greeting
        self._user_timeout_ms = user_timeout_ms
        self._max_frame_bytes = max_frame_bytes
        self._max_queue_bytes = max_queue_bytes
        self._now = now
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    @property
    def certificate(self) -> dict[str, Any]:
        """What the peer presented; empty without TLS."""
        found = self._transport.get_extra_info("peercert") if self._transport is not None else None
        return found or {}

    def lasts(self, lasting: Iterable[Lasting | None], now_s: float) -> None:
        """Say from when to when the certificates of both sides are good; ``now_s`` is seconds since 1970."""
        for each in lasting:
            if each is not None:
                self.ends_at = min(self.ends_at, self._now() + each.left_s(now_s))
                self.worn_at = min(self.worn_at, self._now() + each.worn_in_s(now_s))

    @property
    def address(self) -> str:
        """Where the peer is, for log lines."""
        found = self._transport.get_extra_info("peername") if self._transport is not None else None
        return f"{found[0]}:{found[1]}" if found else "an unknown address"

    def send(self, frame: bytes) -> bool:
        """Queue a frame; False if the queue is full, and then the link must be ended."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return True
        if transport.get_write_buffer_size() + len(frame) > self._max_queue_bytes:
            return False
        transport.write(_LENGTH.pack(len(frame)) + frame)
        self.said_at = self._now()
        return True

    def say_still_here(self) -> None:
        """Let the peer hear something."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(_STILL_HERE)
            self.said_at = self._now()

    def end(self) -> None:
        """Close at once, without waiting for what is queued."""
        self._ended_here = True
        if self._transport is not None:
            self._transport.abort()

    # asyncio's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Set the socket up and greet."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's do not inherit from asyncio's
        plain = transport.get_extra_info("socket")
        if plain is not None:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, self._user_timeout_ms)
            with contextlib.suppress(OSError):  # not every kernel has them
                plain.setsockopt(socket.IPPROTO_TCP, _TCP_THIN_LINEAR_TIMEOUTS, 1)
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")
        self._owner.begun(self)
        self.send(msgspec.msgpack.encode(self._greeting))

    def data_received(self, data: bytes) -> None:
        """Cut the stream into frames."""
        self.heard_at = self._now()
        self._buffer += data
        start = 0
        while len(self._buffer) - start >= _LENGTH.size and not self.ended:
            (length,) = _LENGTH.unpack_from(self._buffer, start)
            limit = self._max_frame_bytes if self.peer is not None else MAX_GREETING_BYTES
            if length > limit:
                self._break_off(f"it announced a frame of {length} bytes, and the limit is {limit}")
                return
            end = start + _LENGTH.size + length
            if len(self._buffer) < end:
                break
            if length:
                self._take(bytes(memoryview(self._buffer)[start + _LENGTH.size : end]))
            start = end
        del self._buffer[:start]

    def connection_lost(self, exc: Exception | None) -> None:
        """The end."""
        self._buffer.clear()
        self.closed_there = not (self._ended_here or self.succeeded) and (
            exc is None or isinstance(exc, ConnectionError)
        )
        if not self.closed.done():
            self.closed.set_result(None)
        self._owner.lost(self)

    @property
    def ended(self) -> bool:
        """Whether nothing more is read from it."""
        return self._transport is None or self._transport.is_closing()

    def _take(self, data: bytes) -> None:
        if self.peer is not None:
            self._owner.frame(self, data)
            return
        try:
            greeting = _greeting_decoder.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self._break_off("it does not begin with a greeting")
            return
        self.instance = greeting.instance
        if self._owner.greeted(self, greeting):
            self.peer = greeting.name
        else:
            self.end()

    def _break_off(self, reason: str) -> None:
        self._owner.broken(self, reason)
        self._buffer.clear()
        self.end()
