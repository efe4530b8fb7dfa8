"""What constraints can ask of a node, and which nodes a global service is for."""

from okube.model.constraints import parse_constraint
from okube.model.node import Node
from okube.model.spec import ServiceSpec
from okube.state.tables import Tables

__all__ = ["attributes_of", "nodes_of_global"]


def attributes_of(node: Node) -> dict[str, str]:
    """``node.name``, ``node.zone``, ``node.role``, ``node.runtime`` and ``node.labels.KEY``, with their values."""
    made = {f"node.labels.{key}": value for key, value in node.labels.items()}
    made.update({"node.name": node.name, "node.zone": node.zone, "node.role": node.role, "node.runtime": node.runtime})
    return made


def nodes_of_global(tables: Tables, spec: ServiceSpec) -> list[str]:
    """The nodes that should have a task of a global service, sorted: active (or down), as its constraints say."""
    constraints = [parse_constraint(text) for text in spec.constraints]
    names = []
    for name in sorted(tables.nodes):
        attributes = attributes_of(tables.nodes[name])
        meets = all(constraint.allows(attributes.get(constraint.attribute, "")) for constraint in constraints)
        if meets and tables.nodes[name].availability == "active":
            names.append(name)
    return names
