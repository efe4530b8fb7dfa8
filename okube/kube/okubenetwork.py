"""What an Okube cluster on the same machines knows of the network, asked for again and again."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from okube.kube.machines import Known, Machines
from okube.model.errors import OkubeError
from okube.model.net_views import NetNodeView, NetView
from okube.model.topology import DeclaredTopology
from okube.scheduler.declared import UNKNOWN_BANDWIDTH, Place, costs_of

__all__ = ["AskOkube", "Asked", "follow_okube"]

_log = logging.getLogger(__name__)
_EVERY_S = 15.0


class Asked(NamedTuple):
    """The answers to ``/v1/net`` and ``/v1/net/topology``, decoded from JSON."""

    net: Mapping[str, Any]
    topology: Mapping[str, Any]


AskOkube = Callable[[], Asked]
"""Asks a cluster; blocks, and raises ``OkubeError`` where it gets no answer."""


async def follow_okube(machines: Machines, ask: AskOkube, every_s: float = _EVERY_S) -> None:
    """Tells ``machines`` what the cluster knows, until cancelled; what was learned stays while nobody answers."""
    failing = learned = False
    while True:
        try:
            found = await asyncio.to_thread(ask)
            _learn(machines, found)
        except (OkubeError, msgspec.ValidationError) as error:
            if not failing:
                _log.warning("the Okube cluster does not tell of the network: %s; what is known counts on", error)
            failing = True
        else:
            if failing or not learned:
                _log.info("the Okube cluster tells of the network between %d nodes", len(found.net["nodes"]))
            failing, learned = False, True
        await asyncio.sleep(every_s)


def _learn(machines: Machines, found: Asked) -> None:
    nodes = msgspec.convert(found.net, NetView).nodes
    declared = msgspec.convert(found.topology, DeclaredTopology)
    machines.learn({node.name: _known(node) for node in nodes}, costs_of(declared))


def _known(node: NetNodeView) -> Known:
    coordinate = None
    if node.coordinate is not None and node.height is not None:
        coordinate = (*node.coordinate, node.height)
    link = UNKNOWN_BANDWIDTH if node.link is None else node.link
    return Known(Place(node.region, node.zone, node.rack), coordinate, link)
