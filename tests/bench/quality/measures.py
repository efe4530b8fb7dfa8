"""What a placement is worth: the network cost of all connections, and how many nodes it uses."""

import numpy as np

from okube.scheduler import Placement, Policy, place
from okube.scheduler.network import NetworkView
from tests.bench.quality.instances import Instance
from tests.unit.scheduler.builders import a_table

__all__ = ["Spots", "cores_used", "network_cost", "nodes_used", "placed_by"]

Spots = dict[str, list[int]]
"""The nodes (rows) of the tasks of each service."""


def placed_by(instance: Instance, policy: Policy) -> Spots | None:
    """Where a policy puts all tasks; None where some did not fit."""
    view = NetworkView(instance.topology)
    placement = place(a_table(*instance.nodes), instance.groups, policy=policy, network=view)
    return None if placement.rejected else _spots_of(instance, placement)


def _spots_of(instance: Instance, placement: Placement) -> Spots:
    """The nodes of the tasks of each service."""
    rows = {node.name: row for row, node in enumerate(instance.nodes)}
    where: Spots = {}
    for task in placement.placed:
        where.setdefault(task.task.rpartition(".")[0], []).append(rows[task.node])
    return where


def network_cost(instance: Instance, where: Spots) -> float:
    """Bits under way: of each connection the traffic times the round trip from a task to the nearest it can call."""
    topology, total = instance.topology, 0.0
    for group in instance.groups:
        for rule in group.calls:
            if not rule.depends:
                ways = topology.latency_between(np.array(where[group.service]), np.array(where[rule.service]))
                total += rule.traffic_bps * float(ways.min(axis=1).sum())
    return total


def nodes_used(where: Spots) -> int:
    """How many nodes have a task."""
    return len({row for rows in where.values() for row in rows})


def cores_used(instance: Instance, where: Spots) -> int:
    """How many cores the nodes have that have a task."""
    return sum(int(instance.nodes[row].cores) for row in {row for rows in where.values() for row in rows})
