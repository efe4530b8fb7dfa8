"""What constraints can ask of a node, and which nodes a global service is for."""

from typing import TYPE_CHECKING

from okube.model.node import Node
from okube.model.service import Service

if TYPE_CHECKING:
    from okube.state.tables import Tables

__all__ = ["attributes_of", "nodes_of_global"]


def attributes_of(node: Node) -> dict[str, str]:
    """``node.name``, ``node.zone``, ``node.role``, ``node.runtime`` and ``node.labels.KEY``, with their values.

    Of ``node.region``, ``node.rack`` and ``node.platform`` those that the node has.
    """
    made = {f"node.labels.{key}": value for key, value in node.labels.items()}
    made.update({"node.name": node.name, "node.zone": node.zone, "node.role": node.role, "node.runtime": node.runtime})
    more = (("node.region", node.region), ("node.rack", node.rack), ("node.platform", node.platform))
    made.update((name, value) for name, value in more if value)
    return made


def nodes_of_global(tables: "Tables", service: Service) -> list[str]:
    """The nodes that should have a task of a global service, sorted: as its constraints say, and active, or down.

    A node that is cordoned, or held because it comes and goes, keeps the task that it has and gets no new one.
    """
    return tables.targets.names(service.id)
