"""The order in which services are placed that depend on each other. Pure."""

from collections.abc import Mapping

from okube.model.scheduling import OrderName
from okube.model.spec import ServiceSpec
from okube.model.task import Task
from okube.scheduler.ordering import ORDERS
from okube.state import Tables
from okube.state.siblings import called

__all__ = ["Alike", "in_order_of_apps"]

Alike = list[tuple[list[Task], ServiceSpec]]
"""Groups of equal tasks in the order of the queue, with the spec of each."""


def in_order_of_apps(tables: Tables, alike: Alike, order: OrderName = "kahn") -> Alike:
    """Services that depend on each other, directly or by others, trade their places in the queue for this order.

    All others keep theirs, so nobody is overtaken by an app: who waits longest comes first.
    """
    graph = _graph(tables, alike)
    if not graph:
        return alike
    numbers: dict[str, list[int]] = {}
    for number, (_, spec) in enumerate(alike):
        if spec.name in graph:
            numbers.setdefault(spec.name, []).append(number)
    queue = list(alike)
    for names in _together(graph):
        places = sorted(number for name in names for number in numbers[name])
        wanted = [number for name in ORDERS[order]({name: graph[name] for name in names}) for number in numbers[name]]
        for place, number in zip(places, wanted, strict=True):
            queue[place] = alike[number]
    return queue


def _graph(tables: Tables, alike: Alike) -> dict[str, list[str]]:
    """The services that wait and depend on each other, by name."""
    waiting = {tasks[0].service_id: spec.name for tasks, spec in alike}
    graph: dict[str, list[str]] = {}
    for _, spec in alike:
        for each in spec.dependencies:
            target = waiting.get(called(tables, each.service, spec.app) or "")
            if target is not None:
                graph.setdefault(spec.name, []).append(target)
                graph.setdefault(target, [])
    return graph


def _together(graph: Mapping[str, list[str]]) -> list[list[str]]:
    """Those that depend on each other, in whichever direction and by however many others."""
    beside: dict[str, set[str]] = {name: set() for name in graph}
    for name, targets in graph.items():
        for target in targets:
            beside[name].add(target)
            beside[target].add(name)
    found: list[list[str]] = []
    seen: set[str] = set()
    for name in graph:
        if name in seen:
            continue
        seen.add(name)
        members = [name]
        for member in members:
            fresh = sorted(beside[member] - seen)
            seen.update(fresh)
            members += fresh
        found.append(members)
    return found
