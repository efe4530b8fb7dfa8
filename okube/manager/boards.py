"""The board on which moves are looked for: from tables that are settled to the scheduler's arrays. Pure."""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from okube.manager.calls import Calls
from okube.manager.companies import Companies
from okube.manager.edges import edges_of
from okube.manager.nodetable import node_table
from okube.manager.placement import group_of
from okube.manager.rehearsal import Rehearsal
from okube.model.service import Service
from okube.model.task import Task
from okube.scheduler import TaskGroup
from okube.scheduler.edges import Edge
from okube.scheduler.ledger import Ledger
from okube.scheduler.moves import Board, Movable, Step
from okube.scheduler.network import NetworkView
from okube.scheduler.nodes import IntArray
from okube.scheduler.ports import HOST_PORTS
from okube.state import Tables

__all__ = ["Setup", "board_of", "why_it_stays"]


@dataclass(frozen=True, eq=False)
class Setup:
    """A board, the edges on it, and the tasks that each of its movables stands for, by node and slot."""

    board: Board
    edges: list[Edge]
    tasks: list[dict[str, list[Task]]]

    def task_of(self, step: Step) -> Task:
        """The task that a move is about: one that came here by an earlier move, if any, so that few are moved."""
        names = self.board.ledger.nodes.names
        there = self.tasks[step.movable][names[step.origin]]
        task = there.pop()
        self.tasks[step.movable].setdefault(names[step.target], []).append(task)
        return task


def why_it_stays(service: Service) -> str:
    """Why no task of a service is moved, empty where they may be."""
    spec = service.spec
    if service.stopped or spec.mode != "replicated":
        return "only services of mode replicated that are not stopped are moved"
    if spec.volumes:
        return "its volumes are on its nodes"
    if any(port.host for port in spec.ports):
        return "it is reached at a port of its nodes"
    if any(not each.is_hard for each in (*spec.near, *spec.apart)):
        return "it has wishes about other services"
    return ""


def board_of(
    rehearsal: Rehearsal, services: Iterable[Service], weights: dict[str, float]
) -> Generator[None, None, Setup]:
    """All nodes and tasks as they are, and the tasks of these services that may move.

    Only tasks that are ready, and of the newest version of a service that is done, may.
    """
    tables = rehearsal.tables
    nodes = node_table(tables, rehearsal.around.unsure)
    companies, calls = Companies(tables), Calls(tables)
    edges = list(edges_of(tables, tables.services.values()))
    wanted_near = _wanted_near(tables)
    movables: list[Movable] = []
    of_movable: list[dict[str, list[Task]]] = []
    groups: list[TaskGroup] = []
    for service in sorted(services, key=lambda service: service.name):
        if why_it_stays(service) or service.name in wanted_near or not _is_done(tables, service):
            continue
        by_node = _by_node(tables, service)
        if not by_node:
            continue
        first = next(iter(by_node.values()))[0]
        groups.append(replace(group_of(tables, [first], service.spec, companies, calls), toward={}))
        of_movable.append(by_node)
        movables.append(
            Movable(groups[-1], _counts(nodes.names, {name: len(found) for name, found in by_node.items()}))
        )
        yield
    asked = {edge.source for edge in edges} | {edge.target for edge in edges}
    for group in groups:
        asked |= {group.service, *(rule.service for rule in group.company), *(rule.service for rule in group.calls)}
    placed = {each: _placed(tables, nodes.names, each) for each in sorted(asked) if each}
    network = NetworkView(rehearsal.network()) if edges else None
    ledger = Ledger(nodes, HOST_PORTS, rehearsal.around.filters, network)
    return Setup(Board(ledger, movables, placed, edges, weights), edges, of_movable)


def _is_done(tables: Tables, service: Service) -> bool:
    sums = tables.sums_of(service)
    return sums.done == sums.total


def _by_node(tables: Tables, service: Service) -> dict[str, list[Task]]:
    found: dict[str, list[Task]] = {}
    for task in sorted(tables.tasks_of(service.id), key=lambda task: task.slot):
        ready = task.state == "running" and task.ready and task.desired == "run" and task.version == service.version
        if ready and task.pinned is None and task.node in tables.nodes:
            found.setdefault(task.node, []).append(task)
    return found


def _wanted_near(tables: Tables) -> set[str]:
    """The names of services that others want to be near: these would be left alone."""
    return {each.service for service in tables.services.values() for each in service.spec.near} | {
        f"{service.spec.app}-{each.service}"
        for service in tables.services.values()
        for each in service.spec.near
        if service.spec.app
    }


def _placed(tables: Tables, names: Sequence[str], service_id: str) -> IntArray:
    counts: dict[str, int] = {}
    for task in tables.tasks_of(service_id):
        if task.node is not None and not task.ended:
            counts[task.node] = counts.get(task.node, 0) + 1
    return _counts(names, counts)


def _counts(names: Sequence[str], counts: dict[str, int]) -> IntArray:
    return np.array([counts.get(name, 0) for name in names], dtype=np.int64)
