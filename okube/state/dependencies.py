"""Services that depend on others: none may do so in a circle."""

from collections.abc import Sequence

from okube.model.errors import FieldError, InvalidInput
from okube.model.graph import circle_in
from okube.model.spec import ServiceSpec
from okube.state.tables import Tables

__all__ = ["refuse_circles"]


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


def _called_by(spec: ServiceSpec, there: dict[str, ServiceSpec]) -> list[str]:
    """The names of the services that one depends on, as far as they are there; those of its app come first."""
    found = []
    for each in spec.dependencies:
        sibling = f"{spec.app}-{each.service}"
        in_app = spec.app is not None and sibling in there and there[sibling].app == spec.app
        found.append(sibling if in_app else each.service)
    return [name for name in found if name in there]
