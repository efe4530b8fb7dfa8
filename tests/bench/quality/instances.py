"""Made-up clusters and apps to measure the quality of placement on: equal seeds give equal ones."""

import random
from dataclasses import dataclass, replace

from okube.scheduler import CallRule, TaskGroup
from okube.scheduler.declared import Cost, Level, LevelCosts, Place
from okube.scheduler.ordering import kahn
from okube.scheduler.topology import Topology
from tests.unit.scheduler.builders import GIB, Node, a_group

__all__ = ["Instance", "a_crowd_of_apps", "a_heap_of_services", "an_app"]

_WITHIN_S = 0.0005
_MBIT = 1_000_000


@dataclass(frozen=True)
class Instance:
    """Nodes, round trips between their zones, and groups in the order in which they are placed."""

    nodes: tuple[Node, ...]
    groups: tuple[TaskGroup, ...]
    costs: LevelCosts

    @property
    def topology(self) -> Topology:
        return Topology([Place("", node.zone) for node in self.nodes], {Level.ZONE: self.costs})


def an_app(seed: int) -> Instance:
    """One app of three to five services, of one or two tasks each, on eight small nodes in three zones."""
    chance = random.Random(seed)
    nodes = tuple(
        Node(
            f"w{number}", zone=f"zone-{number % 3}", cores=4, cores_used=chance.choice([0, 0, 1, 2, 3]), memory=64 * GIB
        )
        for number in range(8)
    )
    return Instance(nodes, _app(chance, "app", chance.randint(3, 5), 2), _costs(chance, 3))


def a_crowd_of_apps(seed: int) -> Instance:
    """Fifty apps of three to six services, of one to five tasks each, on 200 nodes in ten zones: two thirds full."""
    chance = random.Random(seed)
    nodes = tuple(
        Node(f"w{number:03}", zone=f"zone-{number % 10}", cores=chance.choice([4, 8, 16]), memory=64 * GIB)
        for number in range(200)
    )
    groups = [group for app in range(50) for group in _app(chance, f"app{app:02}", chance.randint(3, 6), 5, 4.0)]
    return Instance(nodes, tuple(groups), _costs(chance, 10))


def a_heap_of_services(seed: int, *, sizes: tuple[int, ...] = (8,)) -> Instance:
    """Services of one to three tasks, on ten nodes that hold few of them: of so many cores in turn, with 4 GiB each."""
    chance = random.Random(seed)
    cores = [sizes[number % len(sizes)] for number in range(10)]
    nodes = tuple(Node(f"w{number}", cores=each, memory=4 * each * GIB) for number, each in enumerate(cores))
    groups = tuple(
        a_group(
            chance.randint(1, 3),
            service=f"s{number}",
            cpus=chance.choice([0.5, 1, 1.5, 2, 3]),
            memory=chance.choice([1, 2, 4, 6, 10]) * GIB,
        )
        for number in range(chance.randint(4, 6))
    )
    return Instance(nodes, groups, LevelCosts())


def _costs(chance: random.Random, zones: int) -> LevelCosts:
    pairs = {}
    for one in range(zones):
        for other in range(one):
            cost = Cost(chance.uniform(0.002, 0.020))
            pairs[f"zone-{one}", f"zone-{other}"] = pairs[f"zone-{other}", f"zone-{one}"] = cost
    return LevelCosts(pairs, within=Cost(_WITHIN_S))


def _app(
    chance: random.Random, name: str, services: int, most_tasks: int, most_cpus: float = 2.0
) -> tuple[TaskGroup, ...]:
    """Each service but the first calls one or two of those before it; no two tasks of one are on one node."""
    names = [f"{name}-{number}" for number in range(services)]
    calls = {name: list[CallRule]() for name in names}
    for number, caller in enumerate(names):
        for callee in chance.sample(names[:number], min(number, chance.randint(1, 2))):
            traffic = chance.choice([1, 1, 5, 20]) * _MBIT
            calls[caller].append(CallRule(callee, callee, traffic_bps=traffic, awaited=True))
            calls[callee].append(CallRule(caller, caller, traffic_bps=traffic, depends=True))
    groups = {
        each: replace(
            a_group(
                chance.randint(1, most_tasks), service=each, cpus=chance.choice([0.5, 1.0, most_cpus / 2, most_cpus])
            ),
            calls=tuple(calls[each]),
            max_per_node=1,
        )
        for each in names
    }
    order = kahn({each: [rule.service for rule in calls[each] if not rule.depends] for each in names})
    return tuple(groups[each] for each in order)
