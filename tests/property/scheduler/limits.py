"""The rule of limits on the network told the slow way: one pair of nodes at a time."""

from collections.abc import Sequence
from math import inf

from okube.scheduler.network import Neighbour
from okube.scheduler.topology import Topology

__all__ = ["allowed_slowly", "is_near"]


def is_near(topology: Topology, asked: Neighbour, caller: int, callee: int) -> bool:
    latency, bandwidth = topology.latency_from(caller)[callee], topology.bandwidth_from(caller)[callee]
    too_far = asked.max_latency_s < inf and topology.knows_latencies() and not latency <= asked.max_latency_s
    too_thin = asked.min_bandwidth_bps > 0 and topology.knows_bandwidths() and bandwidth < asked.min_bandwidth_bps
    return not too_far and not too_thin


def allowed_slowly(topology: Topology, own: Sequence[int], asked: Neighbour) -> list[bool]:
    """Which nodes keep the limit towards a neighbour, where the nodes ``own`` have tasks of the placed service."""
    nodes, rows = range(len(topology)), asked.rows.tolist()
    if not rows:
        return [True for _ in nodes]
    if not asked.depends:
        return [any(is_near(topology, asked, node, row) for row in rows) for node in nodes]
    alone = [row for row in rows if not any(is_near(topology, asked, row, mine) for mine in own)]
    return [not alone or any(is_near(topology, asked, row, node) for row in alone) for node in nodes]
