"""Services that depend on others: none may do so in a circle, and dependents that are removed stop first."""

from collections.abc import Collection, Sequence

from okube.model.errors import FieldError, InvalidInput
from okube.model.graph import circle_in
from okube.model.spec import ServiceSpec
from okube.state.tables import Tables

__all__ = ["refuse_circles", "stop_later"]

STOP_ORDER_SINCE = 6
"""The command version from which on the tasks of removed services stop in order."""


def refuse_circles(tables: Tables, specs: Sequence[ServiceSpec]) -> None:
    """Whether these specs, in the place of what there is of their names, would leave services in a circle.

    Raises:
        InvalidInput: they would; with the circle.
    """
    if not any(spec.dependencies for spec in specs):
        return
    there = {service.name: service.spec for service in tables.services.values()}
    there |= {spec.name: spec for spec in specs}
    graph = {name: _called_by(spec, there) for name, spec in there.items()}
    circle = circle_in(graph)
    if circle:
        arrows = " → ".join(circle)
        message = f"services would depend on each other in a circle: {arrows}; take one of these out"
        raise InvalidInput.of([FieldError("depends_on", message)], what="services")


def stop_later(tables: Tables, removed: Collection[str]) -> set[str]:
    """Of services (ids) that are removed, those whose tasks stop later: others of them still run and depend on them.

    None, where they depend on each other in a circle all the same: then nobody would begin.
    """
    if len(removed) < 2 or tables.settings.command_version < STOP_ORDER_SINCE:
        return set()
    running: dict[str, list[ServiceSpec]] = {}
    for service_id in removed:
        versions = {task.version for task in tables.tasks_of(service_id) if task.holds_resources}
        if versions:
            running[service_id] = [tables.specs[service_id, version] for version in sorted(versions)]
    there = {spec.name: spec for specs in running.values() for spec in specs}
    ids = {spec.name: service_id for service_id, specs in running.items() for spec in specs}
    needed = {
        ids[target]
        for service_id, specs in running.items()
        for spec in specs
        for target in _called_by(spec, there)
        if ids[target] != service_id
    }
    return needed if len(needed) < len(running) else set()


def _called_by(spec: ServiceSpec, there: dict[str, ServiceSpec]) -> list[str]:
    """The names of the services that one depends on, as far as they are there; those of its app come first."""
    found = []
    for each in spec.dependencies:
        sibling = f"{spec.app}-{each.service}"
        in_app = spec.app is not None and sibling in there and there[sibling].app == spec.app
        found.append(sibling if in_app else each.service)
    return [name for name in found if name in there]
