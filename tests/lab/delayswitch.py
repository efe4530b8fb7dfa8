"""A learning Ethernet switch in user space; each ordered pair of hosts has its own delay, jitter, loss and cut.

For kernels without netem. Each host is a network namespace with one TAP interface. This process holds their file
descriptors, so it sees every frame once and whole, and the interfaces vanish when it ends. Needs root.

``python -m tests.lab.delayswitch SOCKET`` serves until SIGTERM, or until its parent is gone, an hour at most. The
socket is a stream: a line in, a line out, ``ok``, JSON or ``error: …``. SRC and DST are names, lists of them with
commas, or ``*``.

    add NAME NETNS IFACE ADDR/LEN   a host; NETNS ``-`` is the one that the switch runs in
    set SRC DST key=value …         one direction (keys: the fields of Shape); ``both``: both directions
    reset                           every pair is perfect again
    show                            for each pair: frames sent, lost and cut
"""

import asyncio
import contextlib
import dataclasses
import fcntl
import gc
import heapq
import io
import itertools
import json
import os
import random
import selectors
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

__all__ = ["Shape", "Switch", "main"]

_TUNSETIFF, _IFF_TAP, _IFF_NO_PI = 0x400454CA, 0x0002, 0x1000  # linux/if_tun.h
_ARP = b"\x08\x06"
_BURST = 32  # frames from one host before the others have a turn
_MTU = 1500
_LIFE_S = 3600.0
_LOOK_S = 1.0


@dataclasses.dataclass(slots=True)
class Shape:
    """What one direction does to its frames. ARP passes cuts and losses: else a one-way cut cuts both, or not."""

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    loss: float = 0.0
    up: float = 1.0

    def __post_init__(self) -> None:
        if not all(0 <= value < 1e9 for value in dataclasses.astuple(self)) or self.loss > 1:
            raise ValueError("loss and up are 0 to 1, the others 0 or more")


@dataclasses.dataclass(slots=True)
class _Link:
    shape: Shape = dataclasses.field(default_factory=Shape)
    sent: int = 0
    lost: int = 0
    cut: int = 0
    last_due: float = 0.0


class Switch:
    """One thread reads, learns, delays, drops and writes; what is in flight waits in one heap until it is due."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._sequence = itertools.count()
        self._taps: dict[str, io.FileIO] = {}
        self._links: dict[tuple[str, str], _Link] = {}
        self._hosts_by_mac: dict[bytes, str] = {}
        self._heap: list[tuple[float, int, _Link, io.FileIO, bytes]] = []
        self._armed: float | None = None  # for when a flush is scheduled

    def command(self, line: str) -> str:
        """Do what a line of control says; raises ``ValueError`` or what the system raised."""
        match line.split():
            case ["add", name, netns, interface, address]:
                self._add(name, netns, interface, address)
            case [("set" | "both") as verb, sources, destinations, *words]:
                values = {key: float(value) for key, value in (word.split("=") for word in words)}
                for link in self._chosen(verb, sources, destinations):
                    link.shape = dataclasses.replace(link.shape, **values)
            case ["reset"]:
                for link in self._links.values():
                    link.shape = Shape()
            case ["show"]:
                counts = {" ".join(pair): [link.sent, link.lost, link.cut] for pair, link in self._links.items()}
                return json.dumps(counts)
            case _:
                raise ValueError(f"cannot read {line!r}")
        return "ok"

    def _add(self, name: str, netns: str, interface: str, address: str) -> None:
        tap = io.FileIO("/dev/net/tun", "r+", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK))
        asked = struct.pack("16sH22x", b"dswitch%d", _IFF_TAP | _IFF_NO_PI)
        made = fcntl.ioctl(tap, _TUNSETIFF, asked)[:16].decode().rstrip("\0")
        there = [] if netns == "-" else ["-n", netns]
        steps = [["link", "set", made, "name", interface]]
        if there:
            steps = [["link", "set", made, "netns", netns, "name", interface]]
        steps += [
            [*there, "link", "set", interface, "mtu", str(_MTU), "up"],
            [*there, "addr", "add", address, "dev", interface],
        ]
        for step in steps:
            subprocess.run(["ip", *step], check=True, capture_output=True, text=True, timeout=10)
        self._links |= {pair: _Link() for other in self._taps for pair in ((name, other), (other, name))}
        self._taps[name] = tap
        self._loop.add_reader(tap, self._receive, name)

    def _remove(self, name: str) -> None:
        self._loop.remove_reader(self._taps[name])
        self._taps.pop(name).close()
        self._links = {pair: link for pair, link in self._links.items() if name not in pair}

    def _chosen(self, verb: str, sources: str, destinations: str) -> list[_Link]:
        left, right = (list(self._taps) if each == "*" else each.split(",") for each in (sources, destinations))
        pairs = {(one, other) for one in left for other in right if one != other}
        if verb == "both":
            pairs |= {(other, one) for one, other in pairs}
        return [self._links[pair] for pair in pairs]

    def _receive(self, source: str) -> None:
        """Take some frames from a host and send each on its way."""
        for _ in range(_BURST):
            try:
                frame = self._taps[source].read(_MTU + 22)  # Ethernet's 14, and 8 for tags of virtual networks
            except OSError:  # its namespace went away, and the interface with it
                self._remove(source)
                return
            if frame is None:
                return
            self._hosts_by_mac[frame[6:12]] = source
            known = self._hosts_by_mac.get(frame[:6])  # none for broadcast: no frame comes from there
            for destination in [known] if known else list(self._taps):
                if destination != source and destination in self._taps:
                    self._send(self._links[source, destination], self._taps[destination], frame)

    def _send(self, link: _Link, tap: io.FileIO, frame: bytes) -> None:
        shape = link.shape
        now = time.monotonic()
        due = now + (shape.delay_ms + random.uniform(-shape.jitter_ms, shape.jitter_ms)) / 1e3
        link.last_due = due = max(due, link.last_due)  # a pair's frames keep their order
        heapq.heappush(self._heap, (due, next(self._sequence), link, tap, frame))
        if due <= now or self._heap[0][0] != self._armed:
            self._flush()

    def _flush(self) -> None:
        """Deliver what is due, and be called again when the next frame is."""
        while self._heap and self._heap[0][0] <= time.monotonic():
            self._deliver(*heapq.heappop(self._heap)[2:])
        if self._heap and self._heap[0][0] != self._armed:
            self._armed = self._heap[0][0]
            self._loop.call_at(self._armed, self._flush)

    def _deliver(self, link: _Link, tap: io.FileIO, frame: bytes) -> None:
        shape, spared = link.shape, frame[12:14] == _ARP
        if not shape.up and not spared:
            link.cut += 1
        elif shape.loss and not spared and random.random() < shape.loss:
            link.lost += 1
        else:
            link.sent += 1
            with contextlib.suppress(OSError, ValueError):  # the interface is down, or the host is gone
                tap.write(frame)


async def _control(switch: Switch, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one client's lines until it hangs up."""
    with contextlib.suppress(ConnectionError), contextlib.closing(writer):
        async for line in reader:
            try:
                reply = switch.command(line.decode())
            except (ValueError, KeyError, TypeError, OSError, subprocess.SubprocessError) as error:
                reply = " ".join(f"error: {error!r} {getattr(error, 'stderr', '')}".split())
            writer.write(f"{reply}\n".encode())


async def _serve(path: Path) -> None:
    # Else busy hosts would delay all frames.
    os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    gc.disable()  # frames make no cycles, and a pause would show as delay
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.call_later(_LIFE_S, stop.set)
    parent = os.getppid()

    def look_after_parent() -> None:
        if os.getppid() != parent:
            stop.set()
        loop.call_later(_LOOK_S, look_after_parent)

    look_after_parent()
    switch = Switch(loop)
    async with await asyncio.start_unix_server(lambda reader, writer: _control(switch, reader, writer), path):
        await stop.wait()


def main() -> None:
    """Serve."""
    path = Path(sys.argv[1])
    # select() waits to the microsecond; epoll would round each wait up to milliseconds.
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(_serve(path))
    path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
