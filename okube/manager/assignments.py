"""What a node should hold, as its agent is told it. Pure."""

from collections.abc import Iterable

import msgspec

from okube.model.epoch import Epoch
from okube.model.node import Node
from okube.model.task import Task
from okube.model.wire import AssignedTask, Assignment
from okube.state import Tables

__all__ = ["changed_assignment", "whole_assignment"]


def whole_assignment(tables: Tables, node: Node, epoch: Epoch) -> Assignment:
    """Everything that the node should hold now; what is not in it goes."""
    tasks = [task for task in _tasks_on(tables, node) if not task.ended]
    return Assignment(
        node=node.name,
        instance=node.id,
        epoch=epoch,
        revision=tables.revision,
        base=None,
        tasks=tuple(_assigned(tables, task) for task in tasks),
        ended=_ended(tables, node),
    )


def changed_assignment(tables: Tables, node: Node, epoch: Epoch, base: int, changed: Iterable[str]) -> Assignment:
    """What has changed for the node since it stored revision ``base``: the tasks named in ``changed``."""
    tasks = []
    dropped = []
    for task_id in changed:
        task = tables.tasks.get(task_id)
        if task is not None and not task.ended and task.node == node.name and task.node_id == node.id:
            tasks.append(_assigned(tables, task))
        else:
            dropped.append(task_id)
    return Assignment(
        node=node.name,
        instance=node.id,
        epoch=epoch,
        revision=tables.revision,
        base=base,
        tasks=tuple(tasks),
        dropped=tuple(dropped),
        ended=_ended(tables, node),
    )


def _tasks_on(tables: Tables, node: Node) -> list[Task]:
    tasks = (tables.tasks[task_id] for task_id in tables.tasks_on_node.get(node.name, ()))
    return [task for task in tasks if task.node_id == node.id]


def _ended(tables: Tables, node: Node) -> tuple[str, ...]:
    ended = (tables.tasks[task_id] for task_id in tables.ended_on_node.get(node.name, ()))
    return tuple(task.id for task in ended if task.node_id == node.id and task.reason != "node-lost")


def _assigned(tables: Tables, task: Task) -> AssignedTask:
    return AssignedTask(
        id=task.id,
        service=task.service,
        slot=task.slot,
        spec=tables.spec_of(task),
        app=task.app,
        host_ports=task.host_ports,
        desired=task.desired,
        stop_reason=task.stop_reason,
        mounted=() if task.mounted is msgspec.UNSET else task.mounted,
    )
