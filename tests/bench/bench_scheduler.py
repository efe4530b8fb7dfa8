"""How long placement takes: ``python -m tests.bench.bench_scheduler``.

The last line is one JSON object: placements a second with every filter and score on, and the milliseconds of the cases.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from okube.scheduler import NodeTable, PortRequest, TaskGroup, place
from tests.bench.machines import a_machine
from tests.bench.placements import GROUPED, SINGLES, placements_a_second
from tests.unit.scheduler.builders import GIB, MIB, a_group, a_table

ROUNDS = 3


@dataclass(frozen=True)
class Case:
    key: str
    title: str
    nodes: int
    groups: Callable[[], list[TaskGroup]]

    def run(self) -> tuple[float, int, int]:
        """The best time of some rounds in ms, and how many tasks were placed and rejected."""
        table, groups = a_cluster(self.nodes), self.groups()
        best = float("inf")
        for _ in range(ROUNDS):
            start = time.perf_counter()
            placement = place(table, groups)
            best = min(best, time.perf_counter() - start)
        return best * 1000, len(placement.placed), sum(len(rejection.tasks) for rejection in placement.rejected)


@cache
def a_cluster(size: int) -> NodeTable:
    """Racks of 20 nodes."""
    return a_table(*map(a_machine, range(size)))


def one_group(tasks: int, *ports: PortRequest) -> list[TaskGroup]:
    return [a_group(tasks, cpus=0.1, memory=64 * MIB, ports=ports)]


def small_groups(count: int, tasks: int, memory: int = 64 * MIB) -> list[TaskGroup]:
    constraints = ("node.labels.disk == ssd",)
    return [
        a_group(tasks, service=f"s{number}", cpus=0.01, memory=memory, constraints=constraints if number % 2 else ())
        for number in range(count)
    ]


def a_global_group(tasks: int) -> list[TaskGroup]:
    return [a_group(tasks, cpus=0.1, pinned={f"web.{slot}": f"w{slot - 1:05}" for slot in range(1, tasks + 1)})]


def a_crashing_group(tasks: int) -> list[TaskGroup]:
    avoid = {f"web.{slot}": frozenset({f"w{slot % 1000:05}"}) for slot in range(1, tasks + 1)}
    return [a_group(tasks, cpus=0.1, avoid=avoid)]


FREE_PORT = PortRequest(host=0, container=80, protocol="tcp")

CASES = (
    Case("group_10k_on_1k", "10,000 equal tasks, 1,000 nodes", 1000, lambda: one_group(10_000)),
    Case("ports_10k_on_1k", "the same, each with a free host port", 1000, lambda: one_group(10_000, FREE_PORT)),
    Case("group_10k_on_2", "10,000 equal tasks, 2 nodes", 2, lambda: [a_group(10_000)]),
    Case("services_1k_on_1k", "1,000 services of 1 task, 1,000 nodes", 1000, lambda: small_groups(1000, 1)),
    Case("services_1k_of_10", "1,000 services of 10 tasks, 1,000 nodes", 1000, lambda: small_groups(1000, 10)),
    Case("global_1k", "a global service, 1,000 nodes", 1000, lambda: a_global_group(1000)),
    Case("avoid_1k", "1,000 tasks, each avoiding a node, 1,000 nodes", 1000, lambda: a_crashing_group(1000)),
    Case("no_fit_1k", "1,000 services that fit nowhere, 1,000 nodes", 1000, lambda: small_groups(1000, 1, 999 * GIB)),
    Case("group_100k_on_5k", "100,000 equal tasks, 5,000 nodes", 5000, lambda: one_group(100_000)),
    Case("services_1k_of_1k", "1,000 services of 1,000 tasks, 5,000 nodes", 5000, lambda: small_groups(1000, 1000)),
)

RATES = (
    (1000, SINGLES, "placements_s_1000"),
    (5000, SINGLES, "placements_s_5000"),
    (10_000, SINGLES, "placements_s_10000"),
    (5000, GROUPED, "grouped_s_5000"),
)


def main() -> None:
    figures: dict[str, float] = {}
    print(f"{'resources, constraint, spread and network on':52} {'placed a second':>15}")
    for nodes, size, key in RATES:
        figures[key] = round(placements_a_second(nodes, size))
        tasks = "tasks one by one" if size == SINGLES else f"groups of {size}"
        print(f"{f'{tasks}, {nodes:,} nodes':52} {figures[key]:15,.0f}")
    print(f"\n{'case':52} {'ms':>9} {'us/task':>9} {'placed':>9} {'rejected':>9}")
    for case in CASES:
        ms, placed, rejected = case.run()
        figures[case.key] = round(ms, 2)
        print(f"{case.title:52} {ms:9.1f} {ms * 1000 / (placed + rejected):9.2f} {placed:9} {rejected:9}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
