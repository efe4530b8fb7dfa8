"""An Okube cluster on the same machines tells the extender of the network."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from okube.kube.machines import Machines
from okube.kube.okubenetwork import Asked, follow_okube
from okube.model.errors import Unreachable
from tests.unit.kube.builders import a_node

PATIENCE_S = 20


def a_net(*nodes: tuple[str, float | None], zone: str = "") -> dict[str, Any]:
    """The answer of ``/v1/net`` about nodes on a line, each at so many seconds from its start, or nowhere."""
    return {
        "zones": [],
        "nodes": [
            {
                "name": name,
                "region": "",
                "zone": zone,
                "rack": "",
                "coordinate": None if place is None else [place, 0.0],
                "height": None if place is None else 0.0,
                "error": None,
                "misfit": None,
                "message": "",
                "latency": None,
                "link": None,
                "sent": None,
                "received": None,
                "told": None,
            }
            for name, place in nodes
        ],
    }


def machines_with(**zones: str) -> Machines:
    machines = Machines()
    for name, zone in zones.items():
        machines.put(a_node(name, zone))
    return machines


@contextlib.asynccontextmanager
async def following(machines: Machines, ask: Callable[[], Asked]) -> AsyncIterator[None]:
    task = asyncio.create_task(follow_okube(machines, ask, every_s=0.001))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def comes_to(expected: float, machines: Machines) -> None:
    """The round trip from the first to the second node becomes this one, in seconds."""
    async with asyncio.timeout(PATIENCE_S):
        while machines.view.topology.latency_from(0)[1] != pytest.approx(expected):  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def test_what_was_measured_counts_before_what_is_usual_for_labels() -> None:
    machines = machines_with(a1="a", a2="a")
    assert machines.view.topology.latency_from(0)[1] == pytest.approx(0.0005)

    async with following(machines, lambda: Asked(a_net(("a1", 0.001), ("a2", 0.008)), {})):
        await comes_to(0.007, machines)


async def test_a_node_that_the_cluster_does_not_know_counts_by_its_labels() -> None:
    machines = machines_with(a1="a", b1="b")

    async with following(machines, lambda: Asked(a_net(("a1", 0.001), ("stranger", 0.5)), {"zones": {}})):
        await comes_to(0.002, machines)
    assert len(machines) == 2


async def test_what_is_declared_in_the_cluster_counts_before_what_is_usual() -> None:
    declared = {"zones": {"between": {"latency": 0.009}}}

    machines = machines_with(a1="a", b1="b")
    async with following(machines, lambda: Asked(a_net(("a1", None)), declared)):
        await comes_to(0.009, machines)


async def test_a_node_without_labels_stands_where_the_cluster_has_it() -> None:
    machines = machines_with(a1="", a2="")
    assert machines.view.topology.places[0].zone == ""

    async with following(machines, lambda: Asked(a_net(("a1", None), ("a2", None), zone="z9"), {})):
        await comes_to(0.0005, machines)
    assert [place.zone for place in machines.view.topology.places] == ["z9", "z9"]


async def test_what_was_learned_stays_while_the_cluster_is_silent_or_talks_nonsense() -> None:
    answers: list[Asked | Exception] = [
        Asked(a_net(("a1", 0.001), ("a2", 0.008)), {}),
        Unreachable("no manager answers"),
        Asked({"nodes": 7}, {}),
        Asked(a_net(("a1", 0.001), ("a2", 0.004)), {}),
    ]
    machines, seen = machines_with(a1="a", a2="a"), []

    def ask() -> Asked:
        seen.append(machines.version)
        answer = answers[min(len(seen), len(answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with following(machines, ask):
        await comes_to(0.003, machines)
    assert seen[1] == seen[2] == seen[3]  # neither silence nor nonsense changed what was known
