"""A place in the network as numbers, such that the distance of two places is a round trip in seconds."""

import msgspec

__all__ = ["Coordinate"]


class Coordinate(msgspec.Struct, frozen=True, array_like=True):
    """Where a node is, in seconds of round trip: a position in a Euclidean space, and a height above it.

    The height is what every packet of the node has to pass, wherever it goes: the link of its machine. ``error`` is
    how wrong round trips told by it are lately, as a share of them: 0.1 is a tenth.
    """

    position: tuple[float, ...]
    height: float
    error: float
