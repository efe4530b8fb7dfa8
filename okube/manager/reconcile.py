"""What a service lacks and what it has too much: from desired state and reality to commands.

Pure and level-triggered: called with the tables as they are, it returns what is to be proposed now; called again after
that was applied, it returns the rest. The invariant: a slot never has more than one task that should run, but for one
successor, which waits in ``pending`` for a task on a lost node or, under start-first, for the old one to go.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from okube.manager.backoff import start_delay_ms
from okube.manager.rollout import SLOTS_AT_ONCE, Move, Slot, is_emptied, is_out_of_place, next_move, proven_in_ms
from okube.manager.slices import at_once, slices
from okube.model.commands import (
    Command,
    CreateTasks,
    EndTasks,
    ForgetTasks,
    ReleaseNodes,
    RenewMounts,
    StopTasks,
    UpdateNode,
)
from okube.model.endings import START_FAILURES, is_finished
from okube.model.node import Node
from okube.model.service import Service
from okube.model.task import Reason, Task
from okube.state import Tables
from okube.state.attributes import nodes_of_global
from okube.state.dependencies import stop_later
from okube.state.mounts import renewed
from okube.state.tasks import Nodes, is_lost, starts_first

__all__ = ["ServicePlan", "next_release_ms", "plan_nodes", "plan_orphans", "plan_service", "plan_service_in_slices"]

_TASKS_AT_ONCE = 2000


@dataclass(frozen=True)
class _Seen:
    """The nodes as they were when a plan began."""

    nodes: dict[str, Node]


@dataclass
class _Plan:
    """What is to be proposed for one service."""

    service: Service
    again_in_ms: int | None = None
    creates: list[tuple[str, int, int, int, str | None, str | None]] = field(default_factory=list)
    stops: dict[Reason, list[str]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    renewed: list[str] = field(default_factory=list)  # a signal tells them of what was rotated

    def stop(self, task: Task, reason: Reason) -> None:
        self.stops.setdefault(reason, []).append(task.id)

    def look_again(self, in_ms: int) -> None:
        """Plan anew then at the latest, although nothing may have changed."""
        self.again_in_ms = min(in_ms, self.again_in_ms or in_ms)

    def commands(self) -> Iterator[Command]:
        for reason, stopped in self.stops.items():
            for part in slices(stopped):
                yield StopTasks(tuple(part), reason)
        if self.lost:
            message = "its node is down; whatever is left of it is removed when the node returns"
            for part in slices(self.lost):
                yield EndTasks(tuple(part), "failed", "node-lost", message)
        for part in slices(self.renewed):
            yield RenewMounts(tuple(part))
        for rows in slices(self.creates):
            ids, slots, attempts, not_before, replaces, pinned = zip(*rows, strict=True)
            yield CreateTasks(self.service.id, self.service.version, ids, slots, attempts, not_before, replaces, pinned)


class ServicePlan(NamedTuple):
    """What to propose, and in how many milliseconds to plan again although nothing will have changed, or None."""

    commands: list[Command]
    again_in_ms: int | None


def plan_service(tables: Tables, service: Service, now_ms: int, new_id: Callable[[], str]) -> list[Command]:
    """What to propose so that ``service`` comes nearer to what it should be; empty when it is there."""
    return at_once(plan_service_in_slices(tables, service, now_ms, new_id)).commands


def plan_service_in_slices(
    tables: Tables, service: Service, now_ms: int, new_id: Callable[[], str]
) -> Generator[None, None, ServicePlan]:
    """The same, a few hundred slots at a time, so that what else waits gets its turn in between.

    It plans on rows and nodes as they were at its start; what changed meanwhile is as if it had changed between plan
    and command. A plan for a service that itself changed is to be thrown away.
    """
    seen = _Seen(dict(tables.nodes))
    plan = _Plan(service)
    slots = yield from _slots_of(tables, service)
    wanted = _wanted_slots(tables, service, slots)
    for count, number in enumerate(sorted(slots.keys() | wanted.keys())):
        if count % SLOTS_AT_ONCE == SLOTS_AT_ONCE - 1:
            yield
        slot = slots.get(number) or Slot(number)
        slot.pinned = wanted.get(number)
        _end_unreachable(seen, plan, slot)
        plan.renewed += [task.id for task in slot.running if renewed(tables, task) is not None]
        if number not in wanted:
            for task in slot.running:
                plan.stop(task, _why_unwanted(seen, service, task))
        elif not slot.running:
            _fill(plan, slot, now_ms, new_id)
        else:
            _settle(seen, plan, slot, now_ms, new_id)
    if not plan.creates:
        move = yield from next_move(seen, service, [slots[n] for n in sorted(wanted) if n in slots], now_ms)
        _make(seen, plan, move, new_id)
    return ServicePlan(list(plan.commands()), plan.again_in_ms)


def plan_orphans(tables: Tables) -> list[Command]:
    """What is left of services that are gone: it stops, or is forgotten, or ends at once where its node is down.

    The tasks of one that others depend on which are gone too stop when these have ended.
    """
    lost: list[str] = []
    running: list[str] = []
    ended: list[str] = []
    gone = [service_id for service_id in tables.tasks_of_service if service_id not in tables.services]
    later = stop_later(tables, gone)
    for service_id in gone:
        for task in tables.tasks_of(service_id):
            if task.ended:
                ended.append(task.id)
            elif is_lost(tables, task):
                lost.append(task.id)
            elif task.desired == "run" and (service_id not in later or task.node is None):
                running.append(task.id)
    message = "its node is down and its service is gone"
    return [
        *(EndTasks(tuple(part), "failed", "node-lost", message) for part in slices(sorted(lost))),
        *(StopTasks(tuple(part), "stopped") for part in slices(sorted(running))),
        *(ForgetTasks(tuple(part)) for part in slices(sorted(ended))),
    ]


def _why_unwanted(tables: Nodes, service: Service, task: Task) -> Reason:
    node = tables.nodes.get(task.node or "")
    emptied = service.spec.mode == "global" and not service.stopped and node is not None and is_emptied(node)
    return "drained" if emptied else "stopped"


def plan_nodes(tables: Tables, now_ms: int) -> list[Command]:
    """Draining nodes that are empty are drained, drained ones that are not are draining again; holds that are over end.

    Each only as long as nobody has decided otherwise meanwhile.
    """
    found: list[Command] = []
    released = []
    for node in tables.nodes.values():
        empty = not tables.allocation_of(node.name).tasks
        if node.availability == "draining" and empty:
            found.append(UpdateNode(node.name, "drained", if_match=node.revision))
        elif node.availability == "drained" and not empty:
            found.append(UpdateNode(node.name, "draining", if_match=node.revision))
        if 0 < node.held_until_ms <= now_ms:
            released.append(node.name)
    return [*found, *([ReleaseNodes(tuple(released))] if released else [])]


def next_release_ms(tables: Tables) -> int | None:
    """When the next node that came and went too often gets new tasks again, or None."""
    return min((node.held_until_ms for node in tables.nodes.values() if node.held_until_ms), default=None)


def _slots_of(tables: Tables, service: Service) -> Generator[None, None, dict[int, Slot]]:
    slots: dict[int, Slot] = {}
    for count, task in enumerate(tables.tasks_of(service.id)):
        if count % _TASKS_AT_ONCE == _TASKS_AT_ONCE - 1:
            yield
        slot = slots.get(task.slot)
        if slot is None:
            slot = slots[task.slot] = Slot(task.slot)
        if task.ended:
            slot.last_ended = task
        elif task.desired == "run":
            slot.running.append(task)
        else:
            slot.stopping.append(task)
    return slots


def _wanted_slots(tables: Tables, service: Service, slots: dict[int, Slot]) -> dict[int, str | None]:
    """The numbers of the slots that should be filled, each with the node it is bound to (mode global) or None."""
    if service.stopped:
        return {}
    if service.spec.mode != "global":
        return dict.fromkeys(range(1, service.spec.replicas + 1))
    return _global_slots(tables, service, slots)


def _global_slots(tables: Tables, service: Service, slots: dict[int, Slot]) -> dict[int, str | None]:
    slot_of_node: dict[str, int] = {}
    for number, slot in slots.items():
        tasks = [*slot.running, *slot.stopping, *([slot.last_ended] if slot.last_ended else [])]
        for task in tasks:
            if task.pinned is not None:
                slot_of_node.setdefault(task.pinned, number)
    wanted: dict[int, str | None] = {}
    free = 1
    for name in nodes_of_global(tables, service):
        number = slot_of_node.get(name, 0)
        while not number:
            number, free = (free if free not in slots and free not in wanted else 0), free + 1
        wanted[number] = name
    return wanted


def _end_unreachable(tables: Nodes, plan: _Plan, slot: Slot) -> None:
    """A task that should stop on a node that is down cannot tell; nobody waits for it."""
    for task in list(slot.stopping):
        if is_lost(tables, task):
            plan.lost.append(task.id)
            slot.stopping.remove(task)


def _fill(plan: _Plan, slot: Slot, now_ms: int, new_id: Callable[[], str]) -> None:
    """A slot without a task that should run gets one, unless its last one finished or the old one still stops."""
    if slot.stopping:
        return
    last = slot.last_ended
    attempt = 0
    not_before_ms = 0
    if last is not None and last.version == plan.service.version:
        if is_finished(last, plan.service.spec):
            return
        if last.reason in START_FAILURES:
            attempt = last.attempt + 1
            not_before_ms = now_ms + start_delay_ms(attempt)  # by the leader's clock; the agent's may be wrong
    plan.creates.append((new_id(), slot.number, attempt, not_before_ms, None, slot.pinned))


def _settle(tables: Nodes, plan: _Plan, slot: Slot, now_ms: int, new_id: Callable[[], str]) -> None:
    """A slot that has a task: see to its loss, to successors, and to tasks that are one too many."""
    current, *others = slot.running
    lost = is_lost(tables, current)
    gives_way = starts_first(plan.service.spec) and is_out_of_place(tables, plan.service, current, now_ms)
    for other in others:
        if other.replaces == current.id and other.version == plan.service.version and not is_lost(tables, other):
            if other.ready:
                unproven_ms = 0 if lost or not gives_way else proven_in_ms(other, now_ms)
                if unproven_ms:
                    plan.look_again(unproven_ms)
                else:
                    plan.stop(current, "superseded")  # start-first: the new one serves
                continue
            if lost or gives_way:
                continue
        plan.stop(other, "superseded")
    if others:
        return
    if current.state == "pending":
        if current.version != plan.service.version or current.pinned != slot.pinned:
            plan.stop(current, "superseded")
    elif lost and plan.service.spec.mode != "global":
        plan.creates.append((new_id(), slot.number, 0, 0, current.id, slot.pinned))


def _make(tables: Nodes, plan: _Plan, move: Move, new_id: Callable[[], str]) -> None:
    """Send the task on its way that goes next; under start-first its successor comes before."""
    task = move.task
    if move.again_in_ms is not None:
        plan.look_again(move.again_in_ms)
    if task is None:
        return
    superseded = task.version != plan.service.version or not is_emptied(tables.nodes[task.node or ""])
    if superseded and task.ready and not move.successor_ended and starts_first(plan.service.spec):
        plan.creates.append((new_id(), task.slot, 0, 0, task.id, task.pinned))
    else:
        plan.stop(task, "superseded" if superseded else "drained")
