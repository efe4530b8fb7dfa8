"""Round trips between simulated machines: as long as packets take there, and none where they do not get through."""

import asyncio
import random

from okube.model.errors import Unreachable
from tests.simulation.whole.calls import CallNetwork

__all__ = ["SimulatedMeter"]

_TIMEOUT_S = 2.0


class SimulatedMeter:
    """Satisfies ``okube.worker.roundtrip.RoundTripMeter``; its chance is its own, and changes nothing else."""

    def __init__(self, network: CallNetwork, node: str) -> None:
        self._network = network
        self._node = node
        self._rng = random.Random(node)

    async def measure(self, address: str) -> float:
        other = address.partition(":")[0]
        there, back = (self._rng.uniform(*self._network.delay_s) for _ in range(2))
        if not (self._network.passes(self._node, other) and self._network.passes(other, self._node)):
            await asyncio.sleep(_TIMEOUT_S)
            raise Unreachable(f"no round trip to {address} was measured: nobody answers")
        await asyncio.sleep(there + back)
        return there + back
