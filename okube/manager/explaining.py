"""Why a task is where it is: the nodes as they stand for it now, without itself. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from okube.manager.calls import Calls, Network
from okube.manager.companies import Companies
from okube.manager.flows import network_view
from okube.manager.nodetable import node_table
from okube.manager.placement import group_of
from okube.model.placement_views import FallenView, PlacementView, StandingView
from okube.model.spec import ServiceSpec
from okube.model.task import Task
from okube.scheduler import NodeTable, Policy, TaskGroup, survey
from okube.scheduler.flows import without_task
from okube.scheduler.ledger import Demand
from okube.scheduler.network import NetworkView
from okube.scheduler.rules import Filter
from okube.state import Tables

__all__ = ["view_of_placement"]

_SHOWN = 5


def view_of_placement(
    tables: Tables,
    task: Task,
    policy: Policy,
    filters: Sequence[Filter] = (),
    network: Network | None = None,
) -> PlacementView:
    """How the nodes stand for a task, were it placed anew now: what it holds itself counts as free."""
    spec = tables.spec_of(task)
    nodes, group = node_table(tables), group_of(tables, [task], spec, Companies(tables), Calls(tables))
    between = network_view(tables, network) if group.calls else None
    if task.holds_resources and task.node in nodes.names:
        nodes, group = _without(nodes, task, spec), _without_one(group, task)
        if between is not None:
            between = NetworkView(between.topology, without_task(between.flows, task.service_id, task.node))
    found = survey(nodes, group, policy=policy, filters=filters, network=between, most=_SHOWN, also=task.node)
    return PlacementView(
        task=task.id,
        name=task.name,
        node=task.node,
        why=task.placement or None,
        policy=policy.name,
        exact=policy.spreads_exactly(Demand.of(group)),
        nodes=found.nodes,
        fitting=found.fitting,
        fallen=[FallenView(each.filter, each.nodes, each.reason) for each in found.fallen],
        standings=[
            StandingView(each.node, each.place, each.cost, dict(each.terms), each.node == task.node)
            for each in found.standings
        ],
    )


def _without(nodes: NodeTable, task: Task, spec: ServiceSpec) -> NodeTable:
    row = nodes.names.index(task.node or "")
    nodes.cpus_free[row] += spec.resources.cpus
    nodes.memory_free[row] += spec.resources.memory
    nodes.disk_free[row] += spec.resources.disk
    for name, count in spec.resources.counts.items():
        nodes.extra[name][1][row] += count
    nodes.tasks[row] -= 1
    own = {(port, asked.protocol) for port, asked in zip(task.host_ports, spec.ports, strict=False)}
    used = tuple(ports - own if at == row else ports for at, ports in enumerate(nodes.ports_used))
    return replace(nodes, ports_used=used)


def _without_one(group: TaskGroup, task: Task) -> TaskGroup:
    placed = dict(group.placed)
    if task.node in placed:
        placed[task.node] -= 1
    return replace(group, placed=placed)
