"""What a placement costs in the network, dependency by dependency: traffic times round trip, and limits that are unmet.

As placement has it (``okube.scheduler.network``): each task uses the nearest task of a service that it depends on, and
a cost is bits under way, the bit/s of a connection times its round trip.
"""

from dataclasses import dataclass
from math import inf

import numpy as np

from okube.scheduler.network import Neighbour, NetworkView
from okube.scheduler.nodes import IntArray

__all__ = ["Edge", "EdgeCost", "cost_of"]


@dataclass(frozen=True, slots=True)
class Edge:
    """That tasks of one service call those of another; ids and names, seconds of round trip, bit/s."""

    source: str
    target: str
    source_name: str
    target_name: str
    max_latency_s: float | None = None
    min_bandwidth_bps: int = 0
    traffic_bps: int = 0

    @property
    def limited(self) -> bool:
        """Whether there is a limit on the way."""
        return self.max_latency_s is not None or self.min_bandwidth_bps > 0


@dataclass(frozen=True, slots=True)
class EdgeCost:
    """What a dependency costs all tasks of its source together, in bits under way.

    ``mean_s`` and ``worst_s`` are the round trips to the nearest tasks, NaN where none is known; ``unknown`` counts the
    source's tasks for which none is; ``unmet`` has the nodes (rows) that are too far for a limit, with their tasks and
    round trip.
    """

    edge: Edge
    tasks: int
    cost: float
    mean_s: float
    worst_s: float
    unknown: int
    unmet: dict[int, tuple[int, float]]

    @property
    def unmet_tasks(self) -> int:
        """For how many tasks a limit is not kept."""
        return sum(tasks for tasks, _ in self.unmet.values())


def cost_of(network: NetworkView, edge: Edge, sources: IntArray, targets: IntArray) -> EdgeCost:
    """What the edge costs, given how many tasks of both services each node has."""
    rows, there = np.flatnonzero(sources), np.flatnonzero(targets)
    weights = sources[rows]
    tasks = int(weights.sum())
    if len(rows) == 0 or len(there) == 0:
        return EdgeCost(edge, tasks, 0.0, np.nan, np.nan, tasks, {})
    neighbour = Neighbour(
        service=edge.target_name,
        rows=there,
        tasks=targets[there],
        max_latency_s=inf if edge.max_latency_s is None else edge.max_latency_s,
        min_bandwidth_bps=edge.min_bandwidth_bps,
        traffic_bps=edge.traffic_bps,
    )
    verdict = network.judge(np.array([], dtype=np.int64), [neighbour])
    latency = network.topology.latency_between(rows, there)
    nearest = np.fmin.reduce(latency, axis=1)
    known = ~np.isnan(nearest)
    mean = float(np.average(nearest[known], weights=weights[known])) if known.any() else np.nan
    return EdgeCost(
        edge,
        tasks,
        float(weights @ verdict.cost[rows]),
        mean,
        float(nearest[known].max()) if known.any() else np.nan,
        int(weights[~known].sum()),
        {
            row: (int(sources[row]), seconds)
            for row, seconds, allowed in zip(rows.tolist(), nearest.tolist(), verdict.allowed[rows], strict=True)
            if not allowed
        },
    )
