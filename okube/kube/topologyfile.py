"""The topology file of the extender: what the network costs, and where nodes stand whose labels do not say it."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from okube.config.document import render_errors
from okube.config.yamldoc import load_documents
from okube.model.decode import decode
from okube.model.errors import BadFile, InvalidInput
from okube.model.topology import DeclaredTopology
from okube.scheduler.declared import Level, LevelCosts, Place, costs_of

__all__ = ["ToldTopology", "read_topology"]


class _NodePlace(msgspec.Struct, frozen=True, kw_only=True):
    region: str = ""
    zone: str = ""
    rack: str = ""


class _File(msgspec.Struct, frozen=True, kw_only=True):
    topology: DeclaredTopology = DeclaredTopology()
    nodes: dict[str, _NodePlace] = {}


class ToldTopology(NamedTuple):
    """Costs by level (None: it declares none), and the places of the nodes that the file names."""

    costs: Mapping[Level, LevelCosts] | None
    places: Mapping[str, Place]


def read_topology(path: Path) -> ToldTopology:
    """What a file says.

    Raises:
        BadFile: it cannot be read, or is empty.
        Malformed: it is no YAML.
        InvalidInput: it says what cannot be; a line for each error, with file, line and field path.
    """
    documents = load_documents(path)
    if len(documents) != 1:
        raise BadFile(f"{path} holds {len(documents) or 'no'} documents: one is expected, with topology and nodes.")
    try:
        written = decode(_File, documents[0].data, what=documents[0].source)
    except InvalidInput as error:
        raise InvalidInput("\n".join(render_errors(documents[0], error)), error.errors) from error
    places = {name: Place(node.region, node.zone, node.rack) for name, node in written.nodes.items()}
    return ToldTopology(costs_of(written.topology) or None, places)
