"""What stands in for agents, and for a look at the loop."""

import asyncio
import time
from pathlib import Path

from okube.bench.inleader import InLeader, TakenAsRead, read_figures
from okube.bench.stalls import Stalls
from okube.model.epoch import Epoch
from okube.model.node import Node
from okube.model.wire import Assignment

_NODE = Node(name="w1", id="i1", address="192.0.2.1:7201")


async def test_every_order_is_taken_as_read_and_counted() -> None:
    calls = TakenAsRead()
    answer = await calls.assign(_NODE, Assignment("w1", "i1", Epoch(1, 2), 7, None, ()))
    assert (answer.accepted, answer.epoch, answer.revision) == (True, Epoch(1, 2), 7)
    assert await calls.probe(_NODE)
    assert (calls.orders, calls.ordered) == (1, 0)


def test_before_a_manager_has_said_anything_there_are_no_figures(tmp_path: Path) -> None:
    assert read_figures(tmp_path / "figures.json") is None
    assert InLeader(3, tmp_path / "figures.json").calls.orders == 0


async def test_a_loop_that_did_not_turn_is_noticed() -> None:
    stalls = Stalls()
    watching = asyncio.create_task(stalls.watch())
    await asyncio.sleep(0.02)
    time.sleep(0.1)  # noqa: ASYNC251  # what is to be noticed
    await asyncio.sleep(0.02)
    watching.cancel()
    assert max(stalls.longest).ms >= 80
