import asyncio
from collections.abc import Callable
from typing import Any, cast

import msgspec
import pytest

from okube.model.errors import Defect
from okube.raft import (
    ApplyFailed,
    NoQuorum,
    NotLeader,
    OutcomeUnknown,
    ProposalTooLarge,
    Proposer,
    RaftConfig,
    RaftNode,
)
from tests.simulation.ledger import seal
from tests.unit.raft.builders import in_virtual_time


class Node:
    """Stands for the Raft member: proposals stay in flight until the test ends them."""

    def __init__(self) -> None:
        self.config = RaftConfig()
        self.term = 3
        self.hands_over = False
        self.role = "leader"
        self.leader: str | None = "m1"
        self.proposed: list[tuple[list[bytes], asyncio.Future[list[Any]]]] = []
        self.listener: Callable[[int | None], None] = lambda term: None
        self.resumed: Callable[[], None] = lambda: None

    def subscribe_leadership(self, listener: Callable[[int | None], None]) -> None:
        self.listener = listener

    def subscribe_resumed(self, listener: Callable[[], None]) -> None:
        self.resumed = listener

    def propose_soon(self, payload: bytes) -> "asyncio.Future[list[Any]]":
        if self.role != "leader":
            raise NotLeader(self.leader)
        _, items = msgspec.msgpack.decode(payload)
        future: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self.proposed.append((items, future))
        return future

    def batches(self) -> list[list[bytes]]:
        return [items for items, _ in self.proposed]

    async def commit(self) -> None:
        """End the proposal in flight."""
        items, future = self.proposed[-1]
        future.set_result([b"done " + item for item in items])
        await asyncio.sleep(0)


async def a_leading_proposer(**settings: Any) -> tuple[Node, Proposer]:
    node = Node()
    proposer = Proposer(cast("RaftNode", node), seal, **settings)
    node.listener(3)
    await node.commit()
    return node, proposer


async def submit(proposer: Proposer, *items: bytes, timeout_s: float = 1.0) -> "list[asyncio.Task[Any]]":
    tasks = [asyncio.create_task(proposer.submit(item, timeout_s=timeout_s)) for item in items]
    await asyncio.sleep(0)
    return tasks


@in_virtual_time
async def test_a_new_leader_proposes_an_empty_batch_before_anything_else() -> None:
    node = Node()
    proposer = Proposer(cast("RaftNode", node), seal)
    (task,) = await submit(proposer, b"a")
    assert node.batches() == []
    node.listener(3)
    assert node.batches() == [[]]
    await node.commit()
    assert node.batches() == [[], [b"a"]]
    await node.commit()
    assert await task == b"done a"


@in_virtual_time
async def test_what_arrives_while_one_is_in_flight_forms_the_next() -> None:
    node, proposer = await a_leading_proposer()
    tasks = await submit(proposer, b"a", b"b", b"c")
    assert node.batches()[1:] == [[b"a"]]
    await node.commit()
    assert node.batches()[1:] == [[b"a"], [b"b", b"c"]]
    await node.commit()
    assert await asyncio.gather(*tasks) == [b"done a", b"done b", b"done c"]


@in_virtual_time
async def test_batches_are_limited_in_items_and_bytes() -> None:
    node, proposer = await a_leading_proposer(max_items=3)
    await submit(proposer, *[b"%d" % number for number in range(8)])
    for _ in range(4):
        await node.commit()
    assert [len(items) for items in node.batches()] == [0, 1, 3, 3, 1]
    node, proposer = await a_leading_proposer(max_bytes=5000)
    await submit(proposer, *[bytes(400)] * 5)
    for _ in range(3):
        await node.commit()
    assert [len(items) for items in node.batches()] == [0, 1, 2, 2]


@in_virtual_time
async def test_an_item_that_fits_in_no_batch_is_refused() -> None:
    _, proposer = await a_leading_proposer()
    with pytest.raises(ProposalTooLarge):
        await proposer.submit(bytes(RaftConfig().max_proposal_bytes), timeout_s=1)


@in_virtual_time
async def test_a_follower_refuses_at_once() -> None:
    node, proposer = await a_leading_proposer()
    node.role, node.leader = "follower", "m2"
    with pytest.raises(NotLeader) as refused:
        await proposer.submit(b"a", timeout_s=1)
    assert refused.value.leader == "m2"


@in_virtual_time
async def test_when_leadership_is_lost_what_is_in_flight_is_unknown_and_what_waits_is_refused() -> None:
    node, proposer = await a_leading_proposer()
    flying, waiting = await submit(proposer, b"a", b"b")
    node.role = "follower"
    node.listener(None)
    node.proposed[-1][1].set_exception(OutcomeUnknown("gone"))
    with pytest.raises(OutcomeUnknown):
        await flying
    with pytest.raises(NotLeader):
        await waiting
    node.role = "leader"
    node.listener(4)
    assert node.batches()[2:] == [[]]


@in_virtual_time
async def test_a_deadline_says_whether_the_item_was_begun() -> None:
    node, proposer = await a_leading_proposer()
    flying, waiting = await submit(proposer, b"a", b"b", timeout_s=0.2)
    with pytest.raises(OutcomeUnknown, match="may still happen"):
        await flying
    with pytest.raises(NoQuorum, match="not begun"):
        await waiting
    await node.commit()
    assert node.batches()[1:] == [[b"a"]]


@in_virtual_time
async def test_a_caller_that_gives_up_stops_nobody() -> None:
    node, proposer = await a_leading_proposer()
    flying, gone, waiting = await submit(proposer, b"a", b"b", b"c")
    flying.cancel()
    gone.cancel()
    await asyncio.sleep(0)
    await node.commit()
    assert node.batches()[1:] == [[b"a"], [b"c"]]
    await node.commit()
    assert await waiting == b"done c"


@in_virtual_time
async def test_a_state_machine_that_raised_or_miscounted_fails_its_batch_and_no_more() -> None:
    node, proposer = await a_leading_proposer()
    for outcome, error in ((ApplyFailed("raised"), ApplyFailed), ([1, 2, 3], Defect)):
        (task,) = await submit(proposer, b"a")
        if isinstance(outcome, Exception):
            node.proposed[-1][1].set_exception(outcome)
        else:
            node.proposed[-1][1].set_result(outcome)
        with pytest.raises(error):
            await task
    (task,) = await submit(proposer, b"b")
    await node.commit()
    assert await task == b"done b"


@in_virtual_time
async def test_while_a_leader_hands_over_what_is_submitted_waits_and_goes_on_if_it_was_in_vain() -> None:
    node, proposer = await a_leading_proposer()
    node.hands_over = True
    waiting = asyncio.create_task(proposer.submit(b"a", timeout_s=1))
    await asyncio.sleep(0)
    assert node.batches() == [[]]
    node.hands_over = False
    node.resumed()
    assert node.batches() == [[], [b"a"]]
    await node.commit()
    assert await waiting == b"done a"
