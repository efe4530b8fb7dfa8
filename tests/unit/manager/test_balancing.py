"""The leader moves tasks by itself as often as somebody has said, and never otherwise."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from okube.manager.balancing import Balancing
from okube.manager.core import ManagerCore
from okube.manager.rehearsal import Surroundings
from okube.model import commands as c
from okube.model.scheduling import Rebalancing, Scheduling
from tests.builders import Cluster, a_spec
from tests.simulation.loop import run_virtual, virtual_loop


@pytest.fixture
def crowded(cluster: Cluster) -> Cluster:
    """All tasks on w1, and the other nodes empty."""
    for name in ("w2", "w3"):
        cluster.apply(c.UpdateNode(name, "cordoned"))
    cluster.put(a_spec("web", replicas=6))
    cluster.settle()
    for name in ("w2", "w3"):
        cluster.apply(c.UpdateNode(name, "active"))
    return cluster


def proposed_within(cluster: Cluster, seconds: float) -> list[tuple[float, int]]:
    """When a leader proposed moves, and how many."""
    found: list[tuple[float, int]] = []

    async def propose(commands: list[Any]) -> None:
        found.extend((virtual_loop().time(), len(command.ids)) for command in commands)

    async def scenario() -> None:
        clock = SimpleNamespace(monotonic=virtual_loop().time, time_ms=lambda: cluster.now_ms)
        core = cast("ManagerCore", SimpleNamespace(tables=cluster.tables, clock=clock, propose=propose))
        began = virtual_loop().time()
        work = asyncio.ensure_future(Balancing(core, Surroundings).run())
        await asyncio.sleep(seconds)
        work.cancel()
        found[:] = [(when - began, count) for when, count in found]

    run_virtual(scenario())
    return found


def test_nothing_is_moved_unless_somebody_has_said_so(crowded: Cluster) -> None:
    assert proposed_within(crowded, 100_000) == []


def test_it_is_done_as_often_as_was_said_and_so_many_at_a_time(crowded: Cluster) -> None:
    crowded.apply(c.EnableVersion(6))
    crowded.apply(c.PutScheduling(Scheduling(rebalance=Rebalancing(every=3600.0, max_moves=2))))
    found = proposed_within(crowded, 3 * 3600 + 100)
    assert [count for _, count in found] == [2, 2, 2]
    assert [round(when / 3600, 2) for when, _ in found] == [1, 2, 3]


def test_managers_that_do_not_know_moves_are_not_told_of_any(crowded: Cluster) -> None:
    crowded.apply(c.PutScheduling(Scheduling(rebalance=Rebalancing(every=3600.0))))
    assert proposed_within(crowded, 3700) == []
