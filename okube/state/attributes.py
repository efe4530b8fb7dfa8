"""What constraints can ask of a node."""

from okube.model.node import Node

__all__ = ["attributes_of"]


def attributes_of(node: Node) -> dict[str, str]:
    """``node.name``, ``node.zone``, ``node.role``, ``node.runtime`` and ``node.labels.KEY``, with their values."""
    made = {f"node.labels.{key}": value for key, value in node.labels.items()}
    made.update({"node.name": node.name, "node.zone": node.zone, "node.role": node.role, "node.runtime": node.runtime})
    return made
