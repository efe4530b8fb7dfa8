"""Commands about tasks: create, place, withdraw, stop, report, end. Each may be repeated and does no more by it."""

from typing import NamedTuple, Protocol

import msgspec

from okube.model.commands import (
    CreateTasks,
    EndTasks,
    ForgetTasks,
    PlaceTasks,
    ReportTasks,
    StopTask,
    StopTasks,
    TaskReport,
    WithdrawTasks,
)
from okube.model.errors import Conflict
from okube.model.node import Node
from okube.model.service import Service
from okube.model.spec import ServiceSpec
from okube.model.task import ENDED, Moving, Reason, Task, TaskState, is_forward
from okube.state import mounts
from okube.state.queries import find_task, view_of_task
from okube.state.room import Rooms
from okube.state.tables import Tables
from okube.state.within import check_within

__all__ = [
    "Nodes",
    "create",
    "end",
    "end_task",
    "forget",
    "is_lost",
    "may_be_placed",
    "place",
    "report",
    "starts_first",
    "stop",
    "stop_one",
    "stop_tasks",
    "withdraw",
]


_json = msgspec.json.Encoder()


class Nodes(Protocol):
    """Tables, or what was seen of them."""

    @property
    def nodes(self) -> dict[str, Node]:
        """All nodes by name."""


def is_lost(tables: Nodes, task: Task) -> bool:
    """Whether a task was placed on a node that is down, gone, or made anew."""
    if task.node is None:
        return False
    node = tables.nodes.get(task.node)
    return node is None or node.id != task.node_id or node.state == "down"


def starts_first(spec: ServiceSpec) -> bool:
    """Whether the new task comes before the old one goes: asked for, and nothing keeps both from being there at once.

    That are fixed host ports, and rules that keep a service's tasks off each other's nodes.
    """
    if spec.update.order != "start-first" or any(port.host for port in spec.ports):
        return False
    return spec.max_per_node is msgspec.UNSET and not any(each.is_hard and spec.is_own(each) for each in spec.apart)


def may_be_placed(tables: Tables, task: Task) -> bool:
    """Whether a task may get a node now: it should run, and no task before it still does in its slot.

    One that takes over from a task on a lost node waits as soon as that node is back.
    """
    if task.state != "pending" or task.desired != "run" or task.service_id not in tables.services:
        return False
    if task.replaces is None:
        return True
    before = tables.tasks.get(task.replaces)
    if before is None or before.ended or is_lost(tables, before):
        return True
    service = tables.services.get(task.service_id)
    return service is not None and starts_first(service.spec)


def create(tables: Tables, command: CreateTasks, now_ms: int) -> bytes:
    """New pending tasks; a slot that has a task that should run, or still stops, takes none but for a successor."""
    service = tables.services.get(command.service_id)
    if service is None or service.version != command.version:
        return b"null"  # it changed under the planner, which plans again
    rows = zip(
        command.ids,
        command.slots,
        command.attempts,
        command.not_before_ms,
        command.replaces,
        command.pinned,
        strict=True,
    )
    name, app = service.name, service.spec.app
    for task_id, slot, attempt, not_before_ms, replaces, pinned in rows:
        if task_id in tables.tasks or not _takes_another(tables, service.id, slot, replaces):
            continue
        before = _failed_before(tables, service.id, slot) if attempt else None
        moving = _moved_before(tables, service, slot, replaces)
        tables.add_task(
            Task(
                id=task_id,
                service_id=service.id,
                service=name,
                app=app,
                slot=slot,
                version=command.version,
                attempt=attempt,
                not_before_ms=not_before_ms,
                replaces=replaces,
                pinned=pinned,
                reason=None if before is None else before.reason,
                message=_why_it_waits(before, attempt),
                created_ms=now_ms,
                moving=moving,
                revision=tables.next_revision(),
            )
        )
    return b"null"


def place(tables: Tables, command: PlaceTasks, now_ms: int) -> bytes:
    """Pending tasks get their nodes, where those still take tasks and have room, and the host ports are still free.

    With that they get the newest versions of their secrets and configs; one that lacks any stays pending. What is not
    true any more of what was planned is passed over, row by row, and planned anew.
    """
    if command.planned_in is not None and command.planned_in < tables.epoch:
        return b"null"  # another leader has begun, and decides by itself
    rooms = None if command.planned_in is None else Rooms(tables)
    known: dict[tuple[str, int], _Asked] = {}
    rows = zip(command.ids, command.nodes, command.host_ports, strict=True)
    for number, (task_id, node_name, host_ports) in enumerate(rows):
        task = tables.tasks.get(task_id)
        node = tables.nodes.get(node_name)
        if task is None or node is None or not node.takes_tasks or not may_be_placed(tables, task):
            continue
        version = (task.service_id, task.version)
        asked = known.get(version)
        if asked is None:
            asked = known[version] = _Asked.of(tables, tables.spec_of(task))
        spec, mounted, knows = asked
        if mounted is None or node.knows < knows:
            continue
        if host_ports and not _are_free(tables, node_name, host_ports, spec):
            continue
        if rooms is not None and not rooms.take(node, spec.resources):
            continue
        in_place = "" if task.replaces is None else _in_place(tables, task, now_ms)
        tables.change_task(
            task,
            state="scheduled",
            node=node.name,
            node_id=node.id,
            placement=command.reason(number) + in_place + _room_made(task, node_name) + _moved(task, node_name),
            host_ports=host_ports,
            mounted=mounted or msgspec.UNSET,
            scheduled_ms=now_ms,
            reason=None,
            message="",
            nominated=msgspec.UNSET,
            gave_way=msgspec.UNSET,
            moving=msgspec.UNSET,
        )
    return b"null"


class _Asked(NamedTuple):
    """What all tasks of one version of a service ask of a node; ``mounted`` is None where they have to wait."""

    spec: ServiceSpec
    mounted: tuple[int, ...] | None
    knows: int

    @classmethod
    def of(cls, tables: Tables, spec: ServiceSpec) -> "_Asked":
        return cls(spec, mounts.newest(tables, spec), spec.agents_know)


def _in_place(tables: Tables, task: Task, now_ms: int) -> str:
    """Give up the task on a lost node whose place this one takes, if it does; what that adds to the reason."""
    lost = _fail_lost_predecessor(tables, task, now_ms)
    return "" if lost is None else f"; in place of {lost.id} on {lost.node}, which is down"


def _are_free(tables: Tables, node: str, host_ports: tuple[int, ...], spec: ServiceSpec) -> bool:
    taken = tables.allocation_of(node).ports
    return not any((port, asked.protocol) in taken for port, asked in zip(host_ports, spec.ports, strict=False))


def _moved(task: Task, node: str) -> str:
    """What the placement of one that takes over from a task that was to move says of it."""
    moving = task.moving
    if not isinstance(moving, Moving):
        return ""
    if node == moving.target:
        return f"; moved here from {moving.origin}: {moving.why}"
    return f"; it was to move from {moving.origin} to {moving.target}, which cannot take it any more"


def _room_made(task: Task, node: str) -> str:
    return f"; {task.gave_way}" if task.nominated == node and isinstance(task.gave_way, str) else ""


def withdraw(tables: Tables, command: WithdrawTasks, now_ms: int) -> bytes:
    """Pending tasks fit nowhere: they stay pending, and say why."""
    del now_ms
    for task_id, message in zip(command.ids, command.messages, strict=True):
        task = tables.tasks.get(task_id)
        if task is None or task.state != "pending" or task.desired != "run" or task.message == message:
            continue
        tables.put_task(msgspec.structs.replace(task, reason="no-fit", message=message))
    return b"null"


def stop(tables: Tables, command: StopTasks, now_ms: int) -> bytes:
    """Tasks should stop."""
    stop_tasks(tables, command.ids, command.reason, now_ms)
    return b"null"


def stop_tasks(tables: Tables, ids: tuple[str, ...] | list[str], reason: Reason, now_ms: int) -> None:
    """Mark tasks to be stopped; a pending one has nothing to stop and is forgotten."""
    del now_ms
    for task_id in ids:
        task = tables.tasks.get(task_id)
        if task is None or task.ended:
            continue
        if task.state == "pending":
            tables.delete_task(task_id)
        elif task.desired == "run":
            tables.put_task(msgspec.structs.replace(task, desired="stop", stop_reason=reason, ready=False))


def report(tables: Tables, command: ReportTasks, now_ms: int) -> bytes:
    """Take what an agent says of tasks that it holds and that have not ended; forwards only."""
    node = tables.nodes.get(command.node)
    up = node is not None and node.state == "ready"  # what a node that is down has said counts, but nothing is ready
    for entry in command.reports:
        task = tables.tasks.get(entry.id)
        if task is None or task.node != command.node or task.node_id != command.instance:
            continue
        if not is_forward(task.state, entry.state):
            continue
        new = _reported(task, entry, now_ms, up=up)
        if new != task:
            tables.put_task(new)
    return b"null"


def end(tables: Tables, command: EndTasks, now_ms: int) -> bytes:
    """End tasks whose node will not report them any more; one whose node is back reports by itself."""
    for task_id in command.ids:
        task = tables.tasks.get(task_id)
        if task is not None and not task.ended and is_lost(tables, task):
            end_task(tables, task, command.state, command.reason, command.message, now_ms)
    return b"null"


def stop_one(tables: Tables, command: StopTask, now_ms: int) -> bytes:
    """End one task as people name it; its service replaces it. Answers the view as it then is, or was."""
    task = find_task(tables, command.text)
    check_within(command.within, task.app, task.name)
    if command.if_match is not None and task.revision != command.if_match:
        raise Conflict(f"{task.name} is at revision {task.revision}, not {command.if_match}: read it again and retry")
    view = view_of_task(tables, task)
    stop_tasks(tables, [task.id], "stopped", now_ms)
    left = tables.tasks.get(task.id)
    return _json.encode(view if left is None else view_of_task(tables, left))


def end_task(tables: Tables, task: Task, state: TaskState, reason: Reason, message: str, now_ms: int) -> None:
    """One task ends as said."""
    tables.put_task(
        msgspec.structs.replace(task, state=state, ready=False, reason=reason, message=message, ended_ms=now_ms)
    )


def forget(tables: Tables, command: ForgetTasks, now_ms: int) -> bytes:
    """Forget ended tasks of services that are gone."""
    del now_ms
    for task_id in command.ids:
        task = tables.tasks.get(task_id)
        if task is not None and task.ended and task.service_id not in tables.services:
            tables.delete_task(task_id)
    return b"null"


def _reported(task: Task, entry: TaskReport, now_ms: int, *, up: bool) -> Task:
    """The task as reported. An agent's clock may be wrong: its times count within what the cluster knows."""
    ready = up and entry.ready and entry.state == "running" and task.desired == "run"
    parting = _parting(task, entry)
    return msgspec.structs.replace(
        task,
        state="failed" if parting and entry.reason == "preempted" else entry.state,
        ready=ready,
        ready_ms=now_ms if ready and not task.ready else task.ready_ms,
        reason=entry.reason,
        message="; ".join(part for part in (parting, entry.message) if part),
        exit_code=entry.exit_code,
        restarts=entry.restarts,
        container_id=entry.container_id or task.container_id,
        started_ms=_within(task, entry.started_ms, now_ms) or task.started_ms,
        ended_ms=_within(task, entry.ended_ms or now_ms, now_ms) if entry.state in ENDED else None,
    )


def _parting(task: Task, entry: TaskReport) -> str:
    """What is said of a task that has ended for another, or to be replaced elsewhere."""
    if entry.reason == "preempted" == task.stop_reason and isinstance(task.gave_way, str):
        return task.gave_way
    if entry.reason == "superseded" == task.stop_reason and isinstance(task.moving, Moving):
        return f"moved from {task.moving.origin} to {task.moving.target}: {task.moving.why}"
    return ""


def _within(task: Task, time_ms: int | None, now_ms: int) -> int | None:
    return None if time_ms is None else min(max(time_ms, task.scheduled_ms or task.created_ms), now_ms)


def _fail_lost_predecessor(tables: Tables, task: Task, now_ms: int) -> Task | None:
    """In the very command that places its successor, a task on a lost node is given up; answers that one, if any."""
    lost = None if task.replaces is None else tables.tasks.get(task.replaces)
    if lost is None or lost.ended or not is_lost(tables, lost):
        return None
    message = f"node {lost.node} is down; {task.name} was placed anew"
    end_task(tables, lost, "failed", "node-lost", message, now_ms)
    return lost


def _moved_before(tables: Tables, service: Service, slot: int, replaces: str | None) -> Moving | msgspec.UnsetType:
    """Where the task that this one takes over from was to move, if it was stopped, or is to be, for that."""
    ended = tables.ended_in_slot.get((service.id, slot))
    before = tables.tasks.get(replaces or (ended[-1] if ended else ""))
    if before is None or before.version != service.version or is_lost(tables, before):
        return msgspec.UNSET
    stopped_for_it = before.stop_reason == "superseded" if before.ended else before.id == replaces
    return before.moving if stopped_for_it else msgspec.UNSET


def _failed_before(tables: Tables, service_id: str, slot: int) -> Task | None:
    """The task of the slot that could not start last: a pending successor says what it waits for."""
    ended = tables.ended_in_slot.get((service_id, slot))
    return tables.tasks[ended[-1]] if ended else None


def _why_it_waits(before: Task | None, attempt: int) -> str:
    return "" if before is None else f"backs off before try {attempt + 1} ({before.reason}): {before.message}"


def _takes_another(tables: Tables, service_id: str, slot: int, replaces: str | None) -> bool:
    """Whether a slot has no task but the one that is replaced.

    Without one a task that still stops counts too: its node was down when this was planned, and is back.
    """
    for task_id in tables.living_in_slot.tasks(service_id, slot):
        task = tables.tasks[task_id]
        if task.desired == "run" and task_id != replaces:
            return False
        if task.desired == "stop" and replaces is None and not is_lost(tables, task):
            return False
    return True
