"""The survey of the network: an agent measures the round trip to the peers it is told, and finds its node's place.

The leader says which peers, a few at a time (``okube.manager.survey``); here they are measured one after the other,
spread by chance over the time that there is for them. What comes of it goes with the next heartbeat.
"""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable

from okube.model.errors import Unreachable
from okube.model.network import Coordinate
from okube.model.wire import NetworkReport, ProbePeer, Probing, RoundTrip
from okube.network.coordinates import DIMENSIONS, ORIGIN, RoundTrips, is_sound, updated
from okube.seams.clock import Clock
from okube.worker.roundtrip import RoundTripMeter

__all__ = ["LinkUse", "Survey"]

logger = logging.getLogger(__name__)

TRIES = 3  # the least of them counts: whatever delays a packet makes a round trip longer
MOST_PEERS = 16
MOST_UNTOLD = 64
LONGEST_S = 60.0

LinkUse = Callable[[], tuple[int, int, int]]
"""The speed of the machine's link, what goes out and what comes in: bit/s, -1 where unknown."""


def _no_link() -> tuple[int, int, int]:
    return -1, -1, -1


class Survey:
    """Knows where its node is in the network.

    Args:
        meter: measures.
        clock: when the time for a round of measurements began.
        rng: spreads them.
        link: speed and use of the machine's link.
    """

    def __init__(self, meter: RoundTripMeter, clock: Clock, rng: random.Random, link: LinkUse = _no_link) -> None:
        self._meter = meter
        self._clock = clock
        self._rng = rng
        self._link = link
        self._own: Coordinate | None = None
        self._known = RoundTrips()
        self._untold: deque[RoundTrip] = deque(maxlen=MOST_UNTOLD)
        self._probing: Probing | None = None
        self._wanted = asyncio.Event()
        self._unreached = ""  # the node that was tried last, and in vain

    @property
    def coordinate(self) -> Coordinate | None:
        """Where the node is; None while nothing was measured."""
        return self._own

    def report(self) -> NetworkReport:
        """What is known now, and what was measured since the last report that was confirmed."""
        return NetworkReport(self._own, tuple(self._untold), *self._link())

    def confirm(self, report: NetworkReport) -> None:
        """A manager has heard it."""
        for _ in report.round_trips[: len(self._untold)]:
            self._untold.popleft()

    def take(self, probing: Probing | None) -> None:
        """Measure these next; what was not measured yet of those before is left."""
        if probing is None or not probing.peers:
            return
        if self._own is None and probing.own is not None and is_sound(probing.own):
            self._own = probing.own
        self._probing = probing
        self._wanted.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            probing = self._probing
            if probing is not None:
                await self._round(probing)

    async def _round(self, probing: Probing) -> None:
        """Measure all of them, each in its own part of the time; a new round ends this one."""
        peers = list(probing.peers[:MOST_PEERS])
        self._rng.shuffle(peers)
        part_s = min(max(probing.within_s, 0.0), LONGEST_S) / len(peers)
        for number, peer in enumerate(peers):
            began = self._clock.monotonic()
            wait_s = part_s * self._rng.random()
            await asyncio.sleep(wait_s)
            if self._probing is not probing:
                return
            await self._measure(peer)
            last = number == len(peers) - 1
            left_s = part_s - (self._clock.monotonic() - began)
            if not last and left_s > 0:
                await asyncio.sleep(left_s)

    async def _measure(self, peer: ProbePeer) -> None:
        try:
            found = [await self._meter.measure(peer.address) for _ in range(TRIES)]
        except Unreachable as error:
            if peer.node != self._unreached:
                logger.info("Node %s: %s", peer.node, error)
            self._unreached = peer.node
            return
        self._unreached = ""
        rtt_s = self._known.add(f"{peer.node} {peer.address}", min(found))  # at another address it is another way
        self._untold.append(RoundTrip(peer.node, rtt_s))
        direction = [self._rng.gauss(0.0, 1.0) for _ in range(DIMENSIONS)]
        self._own = updated(self._own or ORIGIN, peer.coordinate, rtt_s, direction)
