"""The command by which tasks are to move to another node; they do so one slot of a service at a time."""

import msgspec

from okube.model.commands import MoveTasks
from okube.model.task import Moving, Task
from okube.state.tables import Tables
from okube.state.tasks import is_lost

__all__ = ["LAPSE_MS", "move"]

LAPSE_MS = 3_600_000
"""What has not moved by then stays: the reason for it may be none any more."""


def move(tables: Tables, command: MoveTasks, now_ms: int) -> bytes:
    """Mark tasks that run to be replaced on another node; answers the ids of those that are marked.

    One that changed since it was planned is passed over.
    """
    marked = []
    for task_id, origin, target, why in zip(command.ids, command.origins, command.targets, command.whys, strict=True):
        task = tables.tasks.get(task_id)
        if task is None or not _may(tables, task, origin, target):
            continue
        tables.put_task(msgspec.structs.replace(task, moving=Moving(origin, target, why, now_ms + LAPSE_MS)))
        marked.append(task_id)
    return msgspec.json.encode(marked)


def _may(tables: Tables, task: Task, origin: str, target: str) -> bool:
    service, node = tables.services.get(task.service_id), tables.nodes.get(target)
    if service is None or service.stopped or node is None or not node.takes_tasks:
        return False
    runs = task.state == "running" and task.desired == "run" and task.version == service.version
    return runs and task.node == origin != target and task.pinned is None and not is_lost(tables, task)
