"""The link of this machine to the others: how fast it is, and what goes over it now."""

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple, ParamSpec, Protocol, TypeVar

import psutil

__all__ = ["NOTHING", "UNKNOWN", "Interface", "LinkMeter", "choose_interface", "count_bytes", "look_at_interfaces"]

logger = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

UNKNOWN = -1
NOTHING = (UNKNOWN, UNKNOWN, UNKNOWN)
_EVERY_S = 5.0
_LOOKS = 12
_MBIT = 1_000_000


class Aside(Protocol):
    """Runs a function beside the loop."""

    def __call__(self, func: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """What it returns."""


class Interface(NamedTuple):
    """A network interface as it is now: speed in bit/s (-1: unknown), bytes that went out and came in."""

    name: str
    up: bool
    loopback: bool
    speed_bps: int
    addresses: tuple[str, ...]
    sent: int
    received: int


def look_at_interfaces() -> list[Interface]:
    """All of this machine; an interface that goes away meanwhile is left out."""
    counters = psutil.net_io_counters(pernic=True, nowrap=True)
    addresses = psutil.net_if_addrs()
    found = []
    for name, stats in psutil.net_if_stats().items():
        if name not in counters:
            continue
        own = tuple(
            entry.address.partition("%")[0]
            for entry in addresses.get(name, ())
            if entry.family in (socket.AF_INET, socket.AF_INET6)
        )
        # psutil says 0 where it does not know, and some drivers 65535.
        speed_bps = stats.speed * _MBIT if 0 < stats.speed < 1 << 32 and stats.speed != 0xFFFF else UNKNOWN
        used = counters[name]
        loopback = any(ipaddress.ip_address(address).is_loopback for address in own)
        found.append(Interface(name, stats.isup, loopback, speed_bps, own, used.bytes_sent, used.bytes_recv))
    return found


def count_bytes(name: str) -> tuple[int, int]:
    """Bytes that went out of an interface and came in; raises KeyError where it is gone."""
    used = psutil.net_io_counters(pernic=True, nowrap=True)[name]
    return used.bytes_sent, used.bytes_recv


def choose_interface(interfaces: Iterable[Interface], host: str) -> Interface | None:
    """The one that has the address of the agent; where it listens on all, the one that carried most.

    Loopback counts only where the agent is there itself: then nothing is between it and the others.
    """
    up = [each for each in interfaces if each.up]
    own = next((each for each in up if host in each.addresses), None)
    if own is not None:
        return own
    return max((each for each in up if not each.loopback), key=lambda each: each.sent + each.received, default=None)


class LinkMeter:
    """Looks at the link every 5 s, and which one it is every minute: to look at many interfaces takes milliseconds.

    Args:
        host: where the agent is reached, as an address; a name is looked up nowhere, and then the busiest link counts.
        monotonic: seconds that never jump.
        look: what interfaces there are.
        count: bytes that went out of an interface and came in; raises KeyError where it is gone.
        aside: runs something beside the loop.
        speed_bps: what somebody said of its speed, -1 where nobody did; it counts instead of what the interface says.
    """

    def __init__(
        self,
        host: Callable[[], str],
        monotonic: Callable[[], float],
        *,
        look: Callable[[], Iterable[Interface]] = look_at_interfaces,
        count: Callable[[str], tuple[int, int]] = count_bytes,
        aside: Aside = asyncio.to_thread,
        speed_bps: int = UNKNOWN,
    ) -> None:
        self._host = host
        self._monotonic = monotonic
        self._look = look
        self._count = count
        self._aside = aside
        self._link: Interface | None = None
        self._before: tuple[float, int, int] | None = None
        self._told = NOTHING
        self._speed_bps = speed_bps

    def read(self) -> tuple[int, int, int]:
        """Speed, what goes out and what comes in, in bit/s; -1 where nobody can say."""
        found, sent, received = self._told
        return (found if self._speed_bps == UNKNOWN else self._speed_bps), sent, received

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._choose()
            for _ in range(_LOOKS):
                await self._measure()
                await asyncio.sleep(_EVERY_S)

    async def _choose(self) -> None:
        try:
            found = choose_interface(await self._aside(self._look), self._host())
        except OSError as error:  # what tells of interfaces may be out of reach in a container
            logger.debug("The interfaces of this machine cannot be looked at: %s", error)
            found = None
        if found is None or self._link is None or found.name != self._link.name:
            self._before, self._told = None, NOTHING
        self._link = found

    async def _measure(self) -> None:
        if self._link is None:
            return
        try:
            sent, received = await self._aside(self._count, self._link.name)
        except (OSError, KeyError):
            self._link, self._before, self._told = None, None, NOTHING
            return
        now_s, before = self._monotonic(), self._before
        self._before = (now_s, sent, received)
        if before is None:
            self._told = (self._link.speed_bps, UNKNOWN, UNKNOWN)
            return
        seconds = max(now_s - before[0], 1e-3)
        out_bps, in_bps = (round(max(0, bytes_) * 8 / seconds) for bytes_ in (sent - before[1], received - before[2]))
        self._told = (self._link.speed_bps, out_bps, in_bps)
