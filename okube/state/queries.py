"""What is read out of the tables: the API's views, and lookups by what people type."""

from okube.model.errors import Conflict, NotFound
from okube.model.node import Node
from okube.model.node_views import NodeView
from okube.model.service import Service
from okube.model.shown import node_view, service_view, task_view
from okube.model.task import Task
from okube.model.workload_views import ServiceView, TaskView
from okube.state.tables import Tables

__all__ = ["count_nodes", "count_tasks", "find_task", "view_of_node", "view_of_service", "view_of_task"]


def view_of_service(tables: Tables, service: Service) -> ServiceView:
    """A service with how many of its tasks are ready, and how far the newest version has come."""
    return service_view(service, **tables.sums_of(service)._asdict())


def view_of_task(tables: Tables, task: Task) -> TaskView:
    """A task with the settings it runs with."""
    return task_view(task, tables.spec_of(task))


def view_of_node(tables: Tables, node: Node, last_seen_ms: int | None) -> NodeView:
    """A node with what its tasks were promised; ``last_seen_ms`` is known to the leader alone."""
    allocation = tables.allocation_of(node.name)
    return node_view(
        node,
        cores_allocated=allocation.cores,
        memory_allocated=allocation.memory,
        disk_allocated=allocation.disk,
        named_allocated=allocation.named,
        task_count=allocation.tasks,
        last_seen_ms=last_seen_ms,
    )


def find_task(tables: Tables, text: str) -> Task:
    """A task by id, by a unique prefix of one, or by SERVICE.SLOT (the one that should run, else the newest).

    Raises:
        NotFound: there is none.
        Conflict: the prefix is that of several.
    """
    task = tables.tasks.get(text)
    if task is not None:
        return task
    name, dot, slot = text.rpartition(".")
    if dot:
        service_id = tables.service_ids.get(name)
        in_slot = [t for t in tables.tasks_of(service_id or "") if str(t.slot) == slot]
        if not in_slot:
            raise NotFound(f"there is no task {text}")
        return next((t for t in reversed(in_slot) if not t.ended and t.desired == "run"), in_slot[-1])
    matching = [task_id for task_id in tables.tasks if task_id.startswith(text)] if text else []
    if not matching:
        raise NotFound(f"there is no task {text}: give an id, the start of one, or SERVICE.SLOT")
    if len(matching) > 1:
        shown = ", ".join(matching[:5]) + (", ..." if len(matching) > 5 else "")
        raise Conflict(f"{text} is the start of {len(matching)} tasks ({shown}): give more of the id")
    return tables.tasks[matching[0]]


def count_tasks(tables: Tables) -> dict[str, int]:
    """How many tasks are in each state; ended ones count as far as they are remembered."""
    return {state: len(ids) for state, ids in sorted(tables.tasks_in_state.items()) if ids}


def count_nodes(tables: Tables) -> dict[str, int]:
    """How many nodes are ready, down, and of each availability but active."""
    counts = {"ready": 0, "down": 0}
    for node in tables.nodes.values():
        counts[node.state] += 1
        if node.availability != "active":
            counts[node.availability] = counts.get(node.availability, 0) + 1
    return counts
