"""Room for tasks that fit nowhere and matter more than others that run: which of those are to stop. Pure."""

from collections.abc import Generator, Sequence
from dataclasses import replace

from okube.manager.calls import Calls, Network
from okube.manager.companies import Companies
from okube.manager.flows import network_view
from okube.manager.nodetable import node_table
from okube.manager.placement import group_of, waiting_tasks
from okube.model.commands import PreemptTasks
from okube.model.spec import ServiceSpec
from okube.model.task import Task
from okube.scheduler.amounts import NANOCORES
from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.ports import HOST_PORTS
from okube.scheduler.preemption import Holder, Room, find_room
from okube.scheduler.rules import Filter
from okube.state import Tables
from okube.state.readiness import held_by

__all__ = ["plan_preemption_in_slices"]

_MOST_TASKS = 100
_HOLDERS_AT_ONCE = 2000


def plan_preemption_in_slices(
    tables: Tables, now_ms: int, filters: Sequence[Filter] = (), network: Network | None = None
) -> Generator[None, None, list[PreemptTasks]]:
    """What is to stop for tasks that wait although all that fits was placed; the most important of these first.

    One whose room is being made already waits for that, and what it will get is not counted for others.
    ``network`` tells what is known between nodes, as for ``plan_placement``.
    """
    levels = {spec.level for spec in tables.specs.values()}
    if len(levels) < 2:
        return []
    lowest = min(levels)
    pairs = ((task, tables.spec_of(task)) for task in waiting_tasks(tables, now_ms))
    waiting = [(task, spec) for task, spec in pairs if spec.level > lowest]
    if not waiting:
        return []
    waiting.sort(key=lambda pair: -pair[1].level)
    nodes = node_table(tables)
    companies, calls = Companies(tables), Calls(tables)
    talks = any(calls.rules(task.service_id, spec) for task, spec in waiting)
    between = network_view(tables, network) if talks else None
    ledger = Ledger(nodes, HOST_PORTS, filters, between)
    holders = yield from _holders(tables, ledger)
    victims: list[tuple[str, str]] = []
    for task, spec in waiting[:_MOST_TASKS]:
        if held_by(tables, task.service_id, spec):
            continue
        group = group_of(tables, [task], spec, companies, calls)
        if task.pinned is not None:
            group = replace(group, constraints=(*group.constraints, f"node.name == {task.pinned}"))
        demand = Demand.of(group, ledger.named)
        ledger.begin(group)
        room = yield from find_room(ledger, demand, holders, lowest)  # what is free, or will be, without anybody's harm
        if room is None:
            room = yield from find_room(ledger, demand, holders, spec.level)
        if room is None:
            continue
        _reserve(ledger, demand, holders, room, _winner(task, spec, ledger))
        victims += [(victim.task, task.id) for victim in room.victims]
    if not victims:
        return []
    ids, winners = zip(*victims, strict=True)
    return [PreemptTasks(ids, winners)]


def _holders(tables: Tables, ledger: Ledger) -> Generator[None, None, dict[int, list[Holder]]]:
    """The tasks of each node (row) that hold something of it."""
    found: dict[int, list[Holder]] = {}
    count = 0
    for row, name in enumerate(ledger.nodes.names):
        for task_id in tables.tasks_on_node.get(name, ()):
            task = tables.tasks.get(task_id)
            if task is not None and task.holds_resources:
                found.setdefault(row, []).append(_holder(task, tables.spec_of(task), ledger.named))
                count += 1
        if count >= _HOLDERS_AT_ONCE:
            count = 0
            yield
    return found


def _holder(task: Task, spec: ServiceSpec, named: Sequence[str]) -> Holder:
    asked, counts = spec.resources, spec.resources.counts
    return Holder(
        task.id,
        spec.level,
        (round(asked.cpus * NANOCORES), asked.memory, asked.disk, *(counts.get(name, 0) for name in named)),
        frozenset((port, asked.protocol) for port, asked in zip(task.host_ports, spec.ports, strict=False)),
        task.desired == "stop",
        task.scheduled_ms or 0,
        task.service_id,
    )


def _winner(task: Task, spec: ServiceSpec, ledger: Ledger) -> Holder:
    """The task that gets the room, with the ports that it will have; what it asks for is held back in the ledger."""
    ports = frozenset((asked.host, asked.protocol) for asked in spec.ports if asked.host)
    return Holder(task.id, spec.level, (0,) * len(ledger.free), ports, service=task.service_id)


def _reserve(ledger: Ledger, demand: Demand, holders: dict[int, list[Holder]], room: Room, winner: Holder) -> None:
    """Those that come later find this room taken, and its victims on their way out."""
    gone = {victim.task for victim in room.victims}
    there = [replace(each, stopping=each.stopping or each.task in gone) for each in holders.get(room.row, [])]
    holders[room.row] = [*there, winner]
    ledger.hold_back(room.row, demand)
