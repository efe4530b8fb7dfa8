"""The dependencies between services as edges with the tasks at both ends: from the tables to the scheduler. Pure."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from okube.model.service import Service
from okube.scheduler.edges import Edge, EdgeCost, cost_of
from okube.scheduler.network import NetworkView
from okube.scheduler.nodes import IntArray
from okube.state import Tables
from okube.state.siblings import called
from okube.state.tasks import is_lost

__all__ = ["Counts", "costs_of", "counts_of", "edges_of", "unmet_in"]

Counts = Mapping[str, IntArray]
"""Of each service (id), how many of its tasks each node has, in the order of the nodes' names."""


def edges_of(tables: Tables, services: Iterable[Service]) -> Iterator[Edge]:
    """Whom these services depend on, as far as it is there."""
    for service in services:
        for each in service.spec.dependencies:
            target = called(tables, each.service, service.spec.app)
            if target is not None:
                yield Edge(
                    service.id,
                    target,
                    service.name,
                    tables.services[target].name,
                    each.max_latency,
                    each.min_bandwidth,
                    each.traffic,
                )


def counts_of(tables: Tables, services: Iterable[str]) -> dict[str, IntArray]:
    """The tasks of services (ids) that should run, on nodes that are there."""
    row = {name: number for number, name in enumerate(sorted(tables.nodes))}
    found = {}
    for service_id in services:
        counts = found[service_id] = np.zeros(len(row), dtype=np.int64)
        for task in tables.tasks_of(service_id):
            if task.node is not None and not task.ended and task.desired == "run" and not is_lost(tables, task):
                counts[row[task.node]] += 1
    return found


def costs_of(network: NetworkView, edges: Iterable[Edge], counts: Counts) -> list[EdgeCost]:
    """What each of these dependencies costs."""
    return [cost_of(network, edge, counts[edge.source], counts[edge.target]) for edge in edges]


def unmet_in(tables: Tables, network: NetworkView) -> dict[tuple[str, str], EdgeCost]:
    """The dependencies (by the names of both services) whose limits are not kept for some tasks now."""
    edges = [edge for edge in edges_of(tables, tables.services.values()) if edge.limited]
    counts = counts_of(tables, {service for edge in edges for service in (edge.source, edge.target)})
    found = {(each.edge.source_name, each.edge.target_name): each for each in costs_of(network, edges, counts)}
    return {names: each for names, each in found.items() if each.unmet}
