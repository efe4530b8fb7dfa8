"""What is left of services that are gone, and what is kept of those that are there beyond its bound."""

from collections.abc import Iterable, Iterator

import msgspec

from okube.model.service import KEPT_VERSIONS
from okube.model.task import KEPT_ENDED_TASKS
from okube.state import Tables
from okube.worker.memory import TaskMemory
from okube.worker.store import MEMORY, _unframe
from tests.simulation.whole.machine import Machine

__all__ = ["leftovers", "remembered", "unbounded"]


def leftovers(tables: Tables, machines: Iterable[Machine]) -> list[str]:
    """Sentences about what is left in a cluster whose services were all removed; empty when nothing is."""
    found = [f"service {service.name} is still there" for service in tables.services.values()]
    found += [f"task {task.name} ({task.id}) is still there, {task.state}" for task in tables.tasks.values()]
    for name in ("specs", "tasks_of_service", "tasks_on_node", "allocations", "ended_in_slot"):
        if getattr(tables, name):
            found.append(f"{name} still hold {list(getattr(tables, name))[:5]}")
    for machine in machines:
        found += [f"{machine.name} still has {c.id}, {c.state}" for c in machine.engine.containers.values()]
        found += [f"the agent of {machine.name} still remembers {task_id}" for task_id in remembered(machine)]
        found += [f"the agent of {machine.name} still holds {what}" for what in _held(machine)]
    return found


def unbounded(tables: Tables, machines: Iterable[Machine]) -> Iterator[str]:
    """What is more than the history that is kept."""
    ended: dict[tuple[str, int], int] = {}
    for task in tables.tasks.values():
        if task.ended:
            ended[task.service_id, task.slot] = ended.get((task.service_id, task.slot), 0) + 1
    for (service_id, slot), count in ended.items():
        if count > KEPT_ENDED_TASKS:
            yield f"slot {slot} of {service_id} keeps {count} ended tasks"
    used = {(task.service_id, task.version) for task in tables.tasks.values()}
    for service in tables.services.values():
        used |= {(service.id, version) for version in (service.version, *(kept.version for kept in service.versions))}
        if len(service.versions) > KEPT_VERSIONS:
            yield f"{service.name} keeps {len(service.versions)} versions"
    for key in tables.specs.keys() - used:
        yield f"the spec {key} is kept, and nothing uses it"
    for machine in machines:
        if machine.process is None:
            continue
        for task_id in remembered(machine):
            kept = tables.tasks.get(task_id)
            if kept is None or kept.node != machine.name:
                yield f"the agent of {machine.name} remembers {task_id}, which it does not hold"


def _held(machine: Machine) -> Iterator[str]:
    """What the agent has in its own memory of tasks."""
    if machine.agent is None or machine.process is None:
        return
    runner = machine.agent.runner
    for name in ("_memories", "_underway", "_wakes", "_held_off"):
        if getattr(runner, name):
            yield f"{name}: {sorted(getattr(runner, name))}"
    for name in ("_newest", "_confirmed", "_pending"):
        if getattr(runner._outbox, name):
            yield f"{name} reports: {sorted(getattr(runner._outbox, name))}"


def remembered(machine: Machine) -> list[str]:
    """The tasks that the agent has stored something of."""
    data = machine.disk.files.get(MEMORY)
    return [] if data is None else sorted(msgspec.msgpack.decode(_unframe(data), type=dict[str, TaskMemory]))
