"""The network as the scheduler sees it: what was measured, and what a person declared, for the nodes of the tables."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from okube.manager.settings import ManagerSettings
from okube.manager.survey import Survey
from okube.model.commands import PutTopology
from okube.model.topology import DeclaredTopology
from okube.model.versions import version_of
from okube.scheduler.declared import Place, costs_of
from okube.scheduler.topology import Topology
from okube.state import Tables

__all__ = ["declared_in", "plan_seeding_topology", "topology_in"]


def declared_in(tables: Tables) -> DeclaredTopology:
    """What a person declared; nothing, where nobody did."""
    said = tables.settings.topology
    return DeclaredTopology() if said is msgspec.UNSET else said


def topology_in(tables: Tables, survey: Survey | None, stand_ins: Mapping[str, str] = MappingProxyType({})) -> Topology:
    """The network between the nodes, in the order of their names; without a survey nothing of it was measured.

    Of nodes that are but thought of, ``stand_ins`` names others whose coordinates and links they would have.
    """
    names = sorted(tables.nodes)
    nodes = [tables.nodes[name] for name in names]
    places = [Place(node.region, node.zone, node.rack) for node in nodes]
    costs = costs_of(declared_in(tables))
    if survey is None:
        return Topology(places, costs)
    coordinates, links = survey.rows([stand_ins.get(name, name) for name in names])
    return Topology(places, costs, coordinates=coordinates, links=links)


def plan_seeding_topology(tables: Tables, settings: ManagerSettings) -> list[PutTopology]:
    """What the leader proposes where its cluster.yaml declares something, and nobody did before."""
    if settings.topology is None or tables.settings.topology is not msgspec.UNSET:
        return []
    command = PutTopology(settings.topology, seed=True)
    return [command] if version_of(command) <= tables.settings.command_version else []
