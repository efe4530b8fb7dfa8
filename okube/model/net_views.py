"""The JSON shapes of the network: round trips between zones and between nodes, in seconds; links in bit/s."""

from typing import Literal

import msgspec

from okube.model.views import Time

__all__ = ["LinkFlowView", "LinkView", "LinksView", "NetNodeView", "NetPairView", "NetView", "ZonePairView"]


class ZonePairView(msgspec.Struct, frozen=True, kw_only=True):
    """The round trips from the nodes of one zone to those of another, or of the same one; null where none is known.

    Where a zone has many nodes, some of them stand for all.
    """

    origin: str = msgspec.field(name="from")
    target: str = msgspec.field(name="to")
    latency: float | None
    """The median."""
    lowest: float | None
    highest: float | None
    pairs: int
    """So many pairs of nodes were looked at."""
    measured: int
    """Of so many the round trip was measured lately; of the others coordinates tell it."""


class NetNodeView(msgspec.Struct, frozen=True, kw_only=True):
    """Where a node is in the network, and what its link does.

    ``coordinate`` is a position in seconds, and ``height`` what comes to every round trip of the node; they are null
    while too little was measured, and where the others do not find the node where it says that it is (``misfit``, the
    median of how far off it is, as a share of what they measure). Speeds are null where nobody can say.
    """

    name: str
    region: str
    zone: str
    rack: str
    coordinate: list[float] | None
    height: float | None
    error: float | None
    """How wrong round trips told by it are lately, by its own account: 0.1 is a tenth."""
    misfit: float | None
    message: str
    latency: float | None
    """The median round trip to the other nodes (some of them, where there are many), as coordinates tell it."""
    link: int | None
    sent: int | None
    received: int | None
    told: Time | None


class NetPairView(msgspec.Struct, frozen=True, kw_only=True):
    """The round trip between two nodes: what was ``measured`` last, and what their coordinates say (``told``)."""

    origin: str = msgspec.field(name="from")
    target: str = msgspec.field(name="to")
    latency: float | None
    """The better known of the two: what was measured, else what is told."""
    measured: float | None
    told: float | None


class NetView(msgspec.Struct, frozen=True, kw_only=True):
    """The network as the leader knows it; ``pairs`` are from one node, and empty where none is asked for."""

    zones: list[ZonePairView]
    nodes: list[NetNodeView]
    pairs: list[NetPairView] = []


class LinkFlowView(msgspec.Struct, frozen=True, kw_only=True):
    """What the tasks of one service have reserved on a link to talk with another, together, in bit/s."""

    origin: str = msgspec.field(name="from")
    target: str = msgspec.field(name="to")
    reserved: int


class LinkView(msgspec.Struct, frozen=True, kw_only=True):
    """A link: that of a node, or one that is declared between two racks, zones or regions, or inside of one.

    All numbers are in bit/s. ``capacity`` is null where nobody knows the speed: it carries any amount then. ``free`` is
    negative where more is reserved than it carries. What goes out and comes in is measured on the links of nodes alone.
    """

    kind: Literal["node", "rack", "zone", "region"]
    origin: str = msgspec.field(name="from")
    target: str = msgspec.field(name="to")
    """Empty for the link of a node, and like ``from`` for the inside of a place."""
    one_way: bool
    capacity: int | None
    reserved: int
    free: int | None
    sent: int | None
    received: int | None
    flows: list[LinkFlowView]


class LinksView(msgspec.Struct, frozen=True, kw_only=True):
    """All links; of more than 1,000 that are declared, those alone on which something is reserved."""

    links: list[LinkView]
