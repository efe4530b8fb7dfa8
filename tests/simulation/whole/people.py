"""Somebody who drains, cordons and uncordons nodes, ends single tasks, and has the lead handed over."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence

import msgspec

from okube.model.errors import OkubeError
from tests.simulation.loop import virtual_loop
from tests.simulation.whole.calls import CallNetwork, Silence
from tests.simulation.whole.client import Client
from tests.simulation.whole.machine import Machine
from tests.simulation.whole.manager import Write

__all__ = ["Operator"]


class Operator:
    """Asks any of the managers; what was begun is done, whoever leads meanwhile."""

    def __init__(
        self,
        *,
        managers: Sequence[str],
        clients: Sequence[Client],
        machines: Sequence[Machine],
        network: CallNetwork,
        rng: random.Random,
        note: Callable[[str], None],
    ) -> None:
        self._managers = managers
        self._clients = clients
        self._machines = machines
        self._network = network
        self._rng = rng
        self._note = note

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(self._rng.uniform(0.3, 6.0))
            if self._rng.random() < 0.15:
                await self._hand_over()
                continue
            if self._rng.random() < 0.5:
                task = f"{self._rng.choice(self._clients).name}.{self._rng.randint(1, 4)}"
                await self._ask(Write(f"{task}-{virtual_loop().now}", "stop-task", task))
                continue
            availability = self._rng.choice(["active", "active", "cordoned", "draining"])
            await self.set_availability(self._rng.choice(self._machines).name, availability)

    async def set_availability(self, name: str, availability: str) -> None:
        """``active``, ``cordoned`` or ``draining``."""
        await self._ask(Write(f"{name}-{virtual_loop().now}", "node", name, {"availability": availability}))

    async def _hand_over(self) -> None:
        """Whoever leads is to hand over; if it cannot, it goes on leading."""
        self._note("operator has the leader hand over")
        with contextlib.suppress(Silence, OkubeError):
            await self._network.call("client", self._rng.choice(self._managers), "transfer", b"", timeout_s=3.0)

    async def _ask(self, write: Write) -> None:
        """What the operator wants, asked for until it is done, or there is nothing to do it to."""
        self._note(f"operator {write.what} {write.name} {write.document or ''}")
        body = msgspec.msgpack.encode(write)
        for _ in range(200):
            try:
                manager = self._rng.choice(self._managers)
                await self._network.call("client", manager, "write", body, timeout_s=3.0)
            except Exception as error:
                if getattr(error, "kind", "") == "not-found":
                    return
                await asyncio.sleep(0.2)
            else:
                return
