"""Start order: what services wait for before their first task gets a node.

A condition holds for the start of a service and not for its life. While a task of it runs, others are added and
replaced whatever has become of the dependency: so a database that is lost, or rolls, holds up no update, no repair and
no scaling of those that depend on it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from okube.model.endings import is_finished
from okube.model.service import Service
from okube.model.spec import ServiceSpec
from okube.state.mounts import lacking
from okube.state.siblings import called

if TYPE_CHECKING:
    from okube.state.tables import Tables

__all__ = ["awaited", "held_by", "services_awaited", "wants_tasks"]


def awaited(tables: "Tables", service_id: str, spec: ServiceSpec) -> list[str]:
    """A sentence for each dependency that a service waits for before it starts; none where it runs already.

    A dependency that is not there at all is none of these, nor one that wants no tasks.
    """
    sentences = list(_awaited(tables, spec))
    if sentences and any(task.state == "running" for task in tables.tasks_of(service_id)):
        return []
    return sentences


def held_by(tables: "Tables", service_id: str, spec: ServiceSpec) -> list[str]:
    """A sentence for all that keeps tasks of a service from nodes, whatever nodes there are."""
    return [*lacking(tables, spec), *awaited(tables, service_id, spec)]


def services_awaited(tables: "Tables") -> frozenset[str]:
    """The ids of all services that others wait for, for more than a node."""
    return frozenset(
        target
        for service in tables.services.values()
        for each in service.spec.dependencies
        if each.condition != "placed" and (target := called(tables, each.service, service.spec.app)) is not None
    )


def wants_tasks(service: Service) -> bool:
    """Whether it is to have tasks on nodes that stay: one that is stopped or scaled to none, or a job, is not to."""
    spec = service.spec
    if service.stopped:
        return False
    return spec.mode == "global" or (spec.mode == "replicated" and spec.replicas > 0)


def _awaited(tables: "Tables", spec: ServiceSpec) -> Iterator[str]:
    for each in spec.dependencies:
        target_id = None if each.condition == "placed" else called(tables, each.service, spec.app)
        if target_id is None:
            continue
        target = tables.services[target_id]
        sums = tables.sums_of(target)
        if target.spec.mode == "job":
            completed = _completed(tables, target)
            if each.condition == "ready" and not target.stopped and completed < sums.total:
                yield f"waits for {each.service}: {completed} of {sums.total} tasks completed"
        elif not wants_tasks(target):
            continue
        elif each.condition == "ready" and not sums.running:
            yield f"waits for {each.service}: 0 of {sums.total} tasks ready"
        elif each.condition == "started" and not any(task.state == "running" for task in tables.tasks_of(target_id)):
            yield f"waits for {each.service}: 0 of {sums.total} tasks started"


def _completed(tables: "Tables", job: Service) -> int:
    """How many slots of a job have come to their end, and well."""
    tasks = (task for task in tables.tasks_of(job.id) if task.state == "completed" and task.version == job.version)
    return len({task.slot for task in tasks if is_finished(task, job.spec)})
