"""Group commit: what arrives while a proposal is in flight forms the next one."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from okube.model.errors import Defect
from okube.raft.errors import NoQuorum, NotLeader, OutcomeUnknown, ProposalTooLarge
from okube.raft.node import RaftNode

__all__ = ["Proposer"]

Seal = Callable[[int, list[bytes]], bytes]


class _Item:
    """One submitted item and who waits for its result."""

    __slots__ = ("data", "in_flight", "result")

    def __init__(self, data: bytes, result: "asyncio.Future[Any]") -> None:
        self.data = data
        self.result = result
        self.in_flight = False


class Proposer:
    """Batches opaque items into proposals, one in flight. ``seal(term, items)`` makes the payload of a batch.

    On leadership it proposes an empty batch first, so that the state machine learns the new term from the log before
    anything else of that term. The state machine's ``apply`` returns one result for each item of the batch.
    """

    def __init__(
        self, node: RaftNode, seal: Seal, *, max_items: int = 4096, max_bytes: int = 0, sealed_overhead: int = 4096
    ) -> None:
        self._node = node
        self._seal = seal
        self._max_items = max_items
        self._max_bytes = (max_bytes or node.config.max_proposal_bytes) - sealed_overhead
        self._per_item_overhead = 16
        self._queue: deque[_Item] = deque()
        self._in_flight: asyncio.Future[Any] | None = None
        self._leading = False
        self._announce = False
        node.subscribe_leadership(self._leadership)
        node.subscribe_resumed(self._pump)

    async def submit(self, item: bytes, *, timeout_s: float) -> Any:
        """Propose an item and return its own result.

        Raises:
            NotLeader: this member does not lead; the item was not proposed.
            NoQuorum: it waited in vain for its turn; it was not proposed.
            OutcomeUnknown: it was proposed, and may or may not be committed.
            ProposalTooLarge: it does not fit into a proposal.
            ApplyFailed: the state machine raised on its batch, on every member.
        """
        if len(item) + self._per_item_overhead > self._max_bytes:
            raise ProposalTooLarge(len(item), self._max_bytes - self._per_item_overhead)
        if self._node.role != "leader":
            raise NotLeader(self._node.leader)
        loop = asyncio.get_running_loop()
        waiting = _Item(item, loop.create_future())
        timer = loop.call_later(timeout_s, _time_out, waiting, timeout_s)  # a third of what asyncio.timeout costs
        self._queue.append(waiting)
        self._pump()
        try:
            return await waiting.result
        finally:
            timer.cancel()

    def _leadership(self, term: int | None) -> None:
        self._leading = self._announce = term is not None
        if self._leading:
            self._pump()
        else:
            self._refuse_queued()

    def _refuse_queued(self) -> None:
        queue, self._queue = self._queue, deque()
        for item in queue:
            if not item.result.done():
                item.result.set_exception(NotLeader(self._node.leader))

    def _pump(self) -> None:
        """Propose the next batch, if none is in flight and this member knows all that is committed.

        While it hands the lead over, what is queued waits, and is refused when the successor leads.
        """
        if self._in_flight is not None or not self._leading or self._node.hands_over:
            return
        batch = [] if self._announce else self._take_batch()
        if not batch and not self._announce:
            return
        self._announce = False
        try:
            payload = self._seal(self._node.term, [item.data for item in batch])
            self._in_flight = self._node.propose_soon(payload)
        except (NotLeader, ProposalTooLarge) as error:
            _fail(batch, error)
            return
        self._in_flight.add_done_callback(lambda done: self._finished(batch, done))

    def _take_batch(self) -> list[_Item]:
        batch: list[_Item] = []
        room = self._max_bytes
        while self._queue and len(batch) < self._max_items:
            size = len(self._queue[0].data) + self._per_item_overhead
            if size > room:
                break
            item = self._queue.popleft()
            if item.result.done():  # nobody waits for it any more: it timed out before its turn
                continue
            room -= size
            item.in_flight = True
            batch.append(item)
        return batch

    def _finished(self, batch: list[_Item], done: "asyncio.Future[Any]") -> None:
        self._in_flight = None
        error = done.exception()
        if error is not None:
            _fail(batch, error)
        elif len(done.result()) != len(batch):
            _fail(batch, Defect(f"{len(done.result())} results for {len(batch)} items of a batch"))
        else:
            _resolve(batch, done.result())
        self._pump()


def _time_out(item: _Item, timeout_s: float) -> None:
    if item.result.done():
        return
    error: Exception = NoQuorum(f"the write waited {timeout_s:g} s for its turn and was not begun")
    if item.in_flight:
        error = OutcomeUnknown(f"no majority confirmed the write within {timeout_s:g} s; it may still happen")
    item.result.set_exception(error)


def _resolve(batch: list[_Item], results: list[Any]) -> None:
    for item, result in zip(batch, results, strict=True):
        if not item.result.done():
            item.result.set_result(result)


def _fail(batch: list[_Item], error: BaseException) -> None:
    for item in batch:
        if not item.result.done():
            item.result.set_exception(error)
