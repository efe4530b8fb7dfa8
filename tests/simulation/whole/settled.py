"""Whether a cluster without faults is as it should be, and if not, what is missing."""

from collections.abc import Iterable, Iterator

from okube.model.service import Service
from okube.model.task import Task
from okube.state import Tables
from tests.simulation.whole.client import ENDING_IMAGE
from tests.simulation.whole.leftovers import unbounded
from tests.simulation.whole.machine import Machine

__all__ = ["unsettled"]


def unsettled(tables: Tables, machines: Iterable[Machine]) -> list[str]:
    """Sentences about what is not as it should be; empty when all is well."""
    found = list(_nodes(tables, machines))
    for service in tables.services.values():
        found += _service(tables, service)
    for task in tables.tasks.values():
        if task.service_id not in tables.services and not task.ended:
            found.append(f"{_title(task)} of a service that is gone is {task.state}")
    for machine in machines:
        found += _machine(tables, machine)
    found += unbounded(tables, machines)
    return found


def _nodes(tables: Tables, machines: Iterable[Machine]) -> Iterator[str]:
    for machine in machines:
        node = tables.nodes.get(machine.name)
        alive = machine.process is not None
        if node is None and alive:
            yield f"node {machine.name} is not known"
        elif node is not None and (node.state == "ready") != alive:
            yield f"node {machine.name} is {node.state} and its agent {'lives' if alive else 'does not'}"


def _service(tables: Tables, service: Service) -> Iterator[str]:
    by_slot: dict[int, list[Task]] = {}
    for task in tables.tasks_of(service.id):
        by_slot.setdefault(task.slot, []).append(task)
    wanted = 0
    for slot, tasks in sorted(by_slot.items()):
        alive = [task for task in tasks if not task.ended and not _waits_for_its_node(tables, service, task)]
        if _is_wanted(tables, service, slot, tasks):
            wanted += 1
            yield from _slot(service, alive, tasks)
        elif alive:
            yield f"{_title(alive[0])} is one too many ({alive[0].state}, {alive[0].desired})"
    if wanted != _wanted(tables, service):
        yield f"{service.name} has tasks for {wanted} slots of {_wanted(tables, service)}"


def _slot(service: Service, alive: list[Task], tasks: list[Task]) -> Iterator[str]:
    if service.spec.image == ENDING_IMAGE:
        if alive or tasks[-1].reason != "exited":
            yield f"{_title(tasks[-1])} should have run to its end, and is {tasks[-1].state} ({tasks[-1].reason})"
        return
    if len(alive) != 1:
        yield f"{service.name}.{tasks[-1].slot} has {len(alive)} tasks: {[(t.id, t.state, t.desired) for t in alive]}"
        return
    (task,) = alive
    if (task.state, task.desired, task.ready, task.version) != ("running", "run", True, service.version):
        yield (
            f"{_title(task)} is {task.state}, {task.desired}, {'ready' if task.ready else 'not ready'}, version "
            f"{task.version} of {service.version}, on {task.node}: {task.message}"
        )


def _machine(tables: Tables, machine: Machine) -> Iterator[str]:
    if machine.process is None:
        return
    should = [t.id for t in tables.tasks.values() if t.node == machine.name and t.state == "running"]
    runs = [container.task_id for container in machine.running]
    if sorted(runs) != sorted(should):
        yield f"{machine.name} runs {sorted(runs)}, and should {sorted(should)}"
    for container in machine.engine.containers.values():
        task = tables.tasks.get(container.task_id)
        if container.state != "running" and (task is None or not task.ended or task.reason == "node-lost"):
            yield f"{machine.name} has a left-over container of {container.task_id}, {container.state}"


def _wanted(tables: Tables, service: Service) -> int:
    if service.stopped:
        return 0
    if service.spec.mode == "global":
        return sum(node.takes_tasks for node in tables.nodes.values())
    return service.spec.replicas


def _is_wanted(tables: Tables, service: Service, slot: int, tasks: list[Task]) -> bool:
    if service.stopped:
        return False
    if service.spec.mode != "global":
        return slot <= service.spec.replicas
    node = tables.nodes.get(tasks[-1].pinned or "")
    return node is not None and node.takes_tasks


def _waits_for_its_node(tables: Tables, service: Service, task: Task) -> bool:
    node = tables.nodes.get(task.pinned or "")
    return service.spec.mode == "global" and node is not None and node.state == "down"


def _title(task: Task) -> str:
    return f"{task.name} ({task.id})"
