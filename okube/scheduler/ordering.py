"""In which order services are placed that depend on each other.

Dependencies first is what places well: a task can be put near what is there. The other orders are for whoever wants the
front of an app to have the best nodes, or its two ends before its middle. Those that depend on each other in a circle
stand together, by name. Equal input gives equal orders.
"""

from collections.abc import Callable, Mapping
from heapq import heapify, heappop, heappush
from types import MappingProxyType

from okube.model.graph import Graph, components

__all__ = ["DEPENDENCIES_FIRST", "ORDERS", "alternating", "kahn", "tarjan"]


def kahn(graph: Graph) -> list[str]:
    """Dependencies first, and by name among all those whose dependencies are done.

    Kahn, "Topological sorting of large networks" (Communications of the ACM 5(11), 1962).
    """
    groups = components(graph)
    member_of = {name: number for number, members in enumerate(groups) for name in members}
    targets = [{member_of[each] for name in members for each in graph[name] if each in graph} for members in groups]
    dependents: list[list[int]] = [[] for _ in groups]
    missing = [0] * len(groups)
    for number, found in enumerate(targets):
        missing[number] = len(found - {number})
        for target in found - {number}:
            dependents[target].append(number)
    free = [members for number, members in enumerate(groups) if not missing[number]]
    heapify(free)
    order: list[str] = []
    while free:
        members = heappop(free)
        order += members
        for dependent in dependents[member_of[members[0]]]:
            missing[dependent] -= 1
            if not missing[dependent]:
                heappush(free, groups[dependent])
    return order


def tarjan(graph: Graph) -> list[str]:
    """Dependencies first, and all that one service needs before the next: depth first."""
    return [name for members in components(graph) for name in members]


def alternating(order: list[str]) -> list[str]:
    """The first, the last, the second, the last but one, and so on."""
    count = len(order)
    return [order[number // 2] if number % 2 == 0 else order[count - 1 - number // 2] for number in range(count)]


def _reverse(sort: Callable[[Graph], list[str]]) -> Callable[[Graph], list[str]]:
    return lambda graph: sort(graph)[::-1]


def _alternate(sort: Callable[[Graph], list[str]]) -> Callable[[Graph], list[str]]:
    return lambda graph: alternating(sort(graph))


ORDERS: Mapping[str, Callable[[Graph], list[str]]] = MappingProxyType(
    {
        "kahn": kahn,
        "tarjan": tarjan,
        "reverse-kahn": _reverse(kahn),
        "reverse-tarjan": _reverse(tarjan),
        "alternate-kahn": _alternate(kahn),
        "alternate-tarjan": _alternate(tarjan),
    }
)
"""The orders by name."""

DEPENDENCIES_FIRST = frozenset({"kahn", "tarjan"})
"""Those in which no service comes before what it depends on."""
