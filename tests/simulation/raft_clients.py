"""Clients of a few registers: they write, compare and set, and read, at any member, and write down what they see."""

import asyncio
import itertools
import random
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from okube.raft import NoQuorum, NotLeader, OutcomeUnknown, Proposer, RaftNode
from tests.checker import Recorder
from tests.simulation.cluster import SimulatedCluster
from tests.simulation.registers import Order, Registers, is_stale

__all__ = ["Clients", "Servant"]

KEYS = ("a", "b", "c")
_LATEST = 30
"""So many of the latest acknowledged orders must be seen by a read, whatever their keys."""
_decoder = msgspec.msgpack.Decoder(Order)


class Servant(Protocol):
    """What clients use of a member."""

    node: RaftNode
    proposer: Proposer
    ledger: Registers


class Clients:
    """``acknowledged`` are the items that were; ``recorder`` has what was seen; ``servants()`` are members that run."""

    def __init__(
        self,
        cluster: SimulatedCluster,
        rng: random.Random,
        *,
        recorder: Recorder,
        servants: Callable[[], dict[str, Any]],
        note: Callable[[str], None],
        violate: Callable[[str], None],
    ) -> None:
        self.acknowledged: dict[bytes, None] = {}
        self.unknown = 0
        self.reads = 0
        self._cluster = cluster
        self._rng = rng
        self._recorder = recorder
        self._servants: Callable[[], dict[str, Servant]] = servants
        self._note = note
        self._violate = violate
        self._numbers = itertools.count(1)
        self._seen: dict[str, int | None] = {}

    def start(self) -> list["asyncio.Task[None]"]:
        """Let them begin; each runs until it is cancelled."""
        writers = [asyncio.create_task(self._write(f"writer-{number}")) for number in range(1, 5)]
        readers = [asyncio.create_task(self._read(f"reader-{number}")) for number in range(1, 4)]
        return [*writers, *readers]

    async def _write(self, client: str) -> None:
        while True:
            servant = self._rng.choice(list(self._servants().values()) or [None])
            if servant is None:
                await asyncio.sleep(0.02)
                continue
            await self._submit(client, servant, self._order())
            await asyncio.sleep(self._rng.uniform(0.0, 0.05))

    def _order(self) -> Order:
        number, key = next(self._numbers), self._rng.choice(KEYS)
        padding = b"x" * self._rng.choice([0, 10, 300])
        if self._rng.random() < 0.3:
            return Order(number, "cas", key, number, self._seen.get(key), padding)
        return Order(number, "write", key, number, None, padding)

    async def _submit(self, client: str, servant: Servant, order: Order) -> None:
        item = msgspec.msgpack.encode(order)
        call = self._recorder.begin(client, order.key, order.kind, value=order.value, expected=order.expected)
        try:
            result = await servant.proposer.submit(item, timeout_s=self._rng.uniform(0.05, 1.0))
        except OutcomeUnknown:
            self.unknown += 1
            self._note(f"{client} does not know whether {_title(order)} happened")
        except (NotLeader, NoQuorum) as error:
            call.failed()
            self._note(f"{client} {_title(order)}: {type(error).__name__}")
        else:
            if is_stale(result):
                call.failed()
                return
            call.done(result if order.kind == "cas" else None)
            self.acknowledged[item] = None
            self._note(f"{client} {_title(order)}: {'done' if result else 'it held another'}")

    async def _read(self, client: str) -> None:
        while True:
            await asyncio.sleep(self._rng.uniform(0.0, 0.1))
            site, key = self._rng.choice(self._cluster.sites), self._rng.choice(KEYS)
            await asyncio.sleep(site.paused_for_s)  # a caller's request waits in the kernel of a paused process
            servant = self._servants().get(site.name)
            if servant is None:
                continue
            acknowledged = list(itertools.islice(reversed(self.acknowledged), _LATEST))
            call = self._recorder.begin(client, key, "read")
            try:
                await servant.node.read_barrier(timeout_s=0.5)
            except NoQuorum:
                call.failed()
                continue
            self.reads += 1
            seen = self._seen[key] = servant.ledger.values.get(key)
            call.done(seen)
            for item in acknowledged:
                if item not in servant.ledger.known:
                    self._violate(f"a read at {site.name} does not see {_title(_decoder.decode(item))}")
                    break
            self._note(f"{client} reads {key} = {seen} at {site.name}")


def _title(order: Order) -> str:
    condition = f" in the place of {order.expected}" if order.kind == "cas" else ""
    return f"{order.key} = {order.value}{condition}"
