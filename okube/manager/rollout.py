"""How a service moves on: to a new version, and off nodes that are being emptied; one slot at a time. Pure.

A version has to prove itself before it goes on to the next slot: its task must be ready, and have stayed so for a
while. So a program that starts and then falls over stops at one slot, as one that never starts does.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

from okube.model.endings import is_finished
from okube.model.node import Node
from okube.model.service import Service
from okube.model.task import Moving, Task
from okube.state.tasks import Nodes, is_lost

__all__ = ["PROOF_MS", "SLOTS_AT_ONCE", "Move", "Slot", "is_moving", "is_out_of_place", "next_move", "proven_in_ms"]

PROOF_MS = 3_000
"""How long a task of a new version must have been ready before the next slot is touched, by the leader's clock."""

SLOTS_AT_ONCE = 500


@dataclass
class Slot:
    """The tasks of one slot, oldest first."""

    number: int
    pinned: str | None = None
    running: list[Task] = field(default_factory=list)  # not ended, desired run
    stopping: list[Task] = field(default_factory=list)  # not ended, desired stop
    last_ended: Task | None = None


@dataclass(frozen=True)
class Move:
    """The task that should give way now, if any; or in how many milliseconds to look again, if time alone decides.

    ``successor_ended``: the one that was to take over has run to its end meanwhile, and no other follows it.
    """

    task: Task | None = None
    successor_ended: bool = False
    again_in_ms: int | None = None


def proven_in_ms(task: Task, now_ms: int) -> int:
    """For how much longer a ready task must stay so until its version is proven; 0 where it is."""
    been_ms = PROOF_MS if task.ready_ms is None else now_ms - task.ready_ms
    return max(0, PROOF_MS - been_ms) if been_ms >= 0 else 0  # a clock that was set back is not waited for


def is_out_of_place(tables: Nodes, service: Service, task: Task, now_ms: int) -> bool:
    """Whether a placed task should give way: an old version, a node that is being emptied, or it is to move."""
    node = None if task.node is None else tables.nodes.get(task.node)
    return task.version != service.version or (node is not None and is_emptied(node)) or is_moving(tables, task, now_ms)


def is_moving(tables: Nodes, task: Task, now_ms: int) -> bool:
    """Whether a task is to go to another node, which still takes tasks."""
    if not isinstance(task.moving, Moving) or now_ms > task.moving.until_ms:
        return False
    target = tables.nodes.get(task.moving.target)
    return target is not None and target.takes_tasks and task.node != target.name


def is_emptied(node: Node) -> bool:
    """Whether its tasks should go elsewhere."""
    return node.availability in ("draining", "drained")


def next_move(tables: Nodes, service: Service, slots: Sequence[Slot], now_ms: int) -> Generator[None, None, Move]:
    """The one task that is out of place and goes next, if none is on its way: those that do not serve, then by slot."""
    version = service.version
    held_up = False
    waits_ms = 0
    candidates: list[Task] = []
    last_ended: dict[str, Task | None] = {}
    for count, slot in enumerate(slots):
        if count % SLOTS_AT_ONCE == SLOTS_AT_ONCE - 1:
            yield
        if _moving(tables, slot, version):
            return Move()
        held_up = held_up or _fails(tables, slot, version)
        for new in slot.running:
            if new.version == version and new.ready:
                waits_ms = max(waits_ms, proven_in_ms(new, now_ms))
        task = _to_move(tables, service, slot, now_ms)
        if task is not None:
            candidates.append(task)
            last_ended[task.id] = slot.last_ended
    if held_up or waits_ms:  # nothing but nodes that are emptied goes on
        emptied = [task for task in candidates if is_emptied(tables.nodes[task.node or ""])]
        if not emptied and candidates and not held_up:
            return Move(again_in_ms=waits_ms)
        candidates = emptied
    if not candidates:
        return Move()
    task = min(candidates, key=lambda t: (t.ready, t.slot))
    last = last_ended[task.id]
    successor_ended = (
        last is not None
        and (last.version, last.replaces) == (version, task.id)
        and task.version != version
        and is_finished(last, service.spec)
    )
    return Move(task, successor_ended=successor_ended)


def _moving(tables: Nodes, slot: Slot, version: int) -> bool:
    """Whether a slot is between two tasks by our own doing; one that fits nowhere or backs off is not waited for."""
    if any(t.stop_reason in ("superseded", "drained") and not is_lost(tables, t) for t in slot.stopping):
        return True
    return any(
        t.version == version
        and not _waits_for_its_node(tables, t)
        and (t.state == "scheduled" or (t.state == "pending" and t.reason != "no-fit" and not t.attempt))
        for t in slot.running
    )


def _fails(tables: Nodes, slot: Slot, version: int) -> bool:
    """Whether a slot has a task of the newest version that does not serve: a version that fails stops at one slot."""
    return any(t.version == version and not t.ready and not _waits_for_its_node(tables, t) for t in slot.running)


def _waits_for_its_node(tables: Nodes, task: Task) -> bool:
    """Whether a task says nothing about its version, because its node is down: the one it is on or is bound to."""
    node = tables.nodes.get(task.pinned or "")
    return is_lost(tables, task) or (node is not None and node.state == "down")


def _to_move(tables: Nodes, service: Service, slot: Slot, now_ms: int) -> Task | None:
    """The one placed task of a slot, if it should give way."""
    if len(slot.running) != 1:
        return None
    task = slot.running[0]
    if task.state == "pending" or not is_out_of_place(tables, service, task, now_ms) or is_lost(tables, task):
        return None
    return task
