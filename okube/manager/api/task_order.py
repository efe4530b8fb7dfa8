"""Tasks in the order in which lists show them, found piece by piece: nobody sorts a hundred thousand for one page."""

from collections.abc import Iterator
from itertools import chain

from okube.model.task import Task
from okube.state import Tables

__all__ = ["tasks_in_order"]

Found = tuple[str, Task] | None
_SLOT_DIGITS = 6
_SLOTS_AT_ONCE = 100
_STEP = 1000


def tasks_in_order(tables: Tables, *, service: str | None, node: str | None, after: str) -> Iterator[Found]:
    """(key, task) by service and slot, those after the key ``after``; None now and then, for the caller to pause.

    The tables may change while the caller pauses: what is gone by then is left out.

    Args:
        tables: where they are.
        service: look only at those of this service (by name).
        node: look only at those on this node.
        after: empty, or a key that was given before.
    """
    if node is not None:
        yield from _in_order(tables, list(tables.tasks_on_node.get(node, ())), after)
        return
    groups: dict[str, list[str]] = {}
    for service_id, ids in list(tables.tasks_of_service.items()):
        first = tables.tasks.get(next(iter(ids), ""))
        if first is not None and service in (None, first.service):
            groups.setdefault(first.service, []).append(service_id)
    start = after.partition(" ")[0]
    for name in sorted(name for name in groups if name >= start):
        of_name = list(chain.from_iterable(tables.tasks_of_service.get(i, ()) for i in groups[name]))
        yield from _in_order(tables, of_name, after)


def _in_order(tables: Tables, ids: list[str], after: str) -> Iterator[Found]:
    """Some tasks by service and slot: into buckets of a few slots first, which are sorted one by one."""
    buckets: dict[tuple[str, int], list[str]] = {}
    for number, task_id in enumerate(ids, 1):
        if number % _STEP == 0:
            yield None
        task = tables.tasks.get(task_id)
        if task is not None:
            buckets.setdefault((task.service, task.slot // _SLOTS_AT_ONCE), []).append(task_id)
    for bucket in sorted(buckets):
        tasks = (tables.tasks.get(task_id) for task_id in buckets[bucket])
        yield from sorted((key, task) for task in tasks if task is not None and (key := _key(task)) > after)


def _key(task: Task) -> str:
    return f"{task.service} {task.slot:0{_SLOT_DIGITS}} {task.created_ms:015} {task.id}"
