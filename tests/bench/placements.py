"""Placements a second with everything on: resources, a constraint, spreading, and the network to a database.

The cluster is made up: racks of 20 nodes, zones of 10 racks, regions of 10 zones, and coordinates that fit. Every
second node has the label that services ask for. Each service calls one of a hundred databases, within 60 ms, and every
node is looked at for every task.
"""

import random
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np

from okube.scheduler import CallRule, NodeTable, TaskGroup, place
from okube.scheduler.declared import Place
from okube.scheduler.network import NetworkView
from okube.scheduler.policies import policy_of
from okube.scheduler.topology import Topology
from tests.bench.machines import a_machine
from tests.unit.scheduler.builders import MIB, a_group, a_table

__all__ = ["GROUPED", "SINGLES", "placements_a_second"]

SINGLES, GROUPED = 1, 50
_DATABASES, _COPIES = 100, 3
_TASKS = {SINGLES: 20_000, GROUPED: 200_000}
_ROUNDS = 3
_DIMENSIONS = 5
_POLICY = policy_of("network", {"zones": 10.0})


def placements_a_second(nodes: int, size: int) -> float:
    """How many tasks of services with ``size`` tasks each find a node within a second: the best of three rounds."""
    table, topology = _cluster(nodes)
    best = float("inf")
    for _ in range(_ROUNDS):
        groups = _groups(table, size)
        began = time.perf_counter()
        placement = place(table, groups, policy=_POLICY, network=NetworkView(topology))
        best = min(best, time.perf_counter() - began)
        if placement.rejected:
            raise RuntimeError(f"{len(placement.rejected)} services fit nowhere: {placement.rejected[0].message}")
    return _TASKS[size] / best


@cache
def _cluster(size: int) -> tuple[NodeTable, Topology]:
    machines = (a_machine(number) for number in range(size))
    table = a_table(*(replace(machine, zone=_place(number).zone) for number, machine in enumerate(machines)))
    return table, Topology([_place(number) for number in range(size)], coordinates=_coordinates(size))


def _place(number: int) -> Place:
    return Place(f"region-{number // 2000}", f"zone-{number // 200:02}", f"rack-{number // 20:03}")


def _coordinates(size: int) -> "np.typing.NDArray[np.float64]":
    """Seconds: regions about 40 ms apart, zones 2 ms, racks a fifth of one, and heights of 50 µs."""
    drawn = np.random.default_rng(7)
    spots = np.zeros((size, _DIMENSIONS + 1))
    for width, count in ((0.02, 2000), (0.001, 200), (0.0001, 20)):
        centres = drawn.normal(0, width, (size // count + 1, _DIMENSIONS))
        spots[:, :_DIMENSIONS] += centres[np.arange(size) // count]
    spots[:, -1] = 0.00005
    return spots


def _groups(table: NodeTable, size: int) -> list[TaskGroup]:
    drawn = random.Random(11)
    databases = [_copies(table, drawn) for _ in range(_DATABASES)]
    return [_group(number, size, databases[number % _DATABASES]) for number in range(_TASKS[size] // size)]


def _copies(table: NodeTable, drawn: random.Random) -> Mapping[str, int]:
    return dict.fromkeys(drawn.sample(table.names, _COPIES), 1)


def _group(number: int, size: int, database: Mapping[str, int]) -> TaskGroup:
    group = a_group(size, service=f"s{number}", cpus=0.05, memory=64 * MIB, constraints=("node.labels.disk == ssd",))
    name = f"db-{number % _DATABASES}"
    rule = CallRule(name, name, max_latency_s=0.060, traffic_bps=10_000_000)
    return replace(group, calls=(rule,), others={name: database})
