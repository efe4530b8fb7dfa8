"""Network coordinates: the round trip between any two nodes, out of a few measured ones.

The rule is Vivaldi with height (Dabek, Cox, Kaashoek, Morris: "Vivaldi: a decentralized network coordinate system",
SIGCOMM 2004): each node is a body, each measured round trip a spring between two of them, and each measurement moves
the one that made it a little way towards where the spring would rest, the less the more wrong the peer was lately.

Three things are of Ledlie, Gardner, Seltzer: "Network coordinates in the wild" (NSDI 2007): what counts of a pair is a
low percentile of its last few measurements, gravity keeps the whole from drifting away, and a node that knows little
weighs little. The rest is for peers that lie, and for numbers that cannot be: a step is bounded whatever a peer tells
of itself, nobody is believed to be free of error, and what is not sound changes nothing.

Plain numbers and no arrays: agents use it, and each has a handful of peers.
"""

import math
from collections import OrderedDict, deque
from collections.abc import Sequence

from okube.model.network import Coordinate

__all__ = [
    "DIMENSIONS",
    "FARTHEST_S",
    "ORIGIN",
    "RoundTrips",
    "distance",
    "is_sound",
    "misfit",
    "updated",
]

DIMENSIONS = 5
"""Six places that are equally far from each other find room in it without a word from the heights."""
FARTHEST_S = 60.0
"""No round trip and no coordinate is larger."""

_START_ERROR = 1.0
_LEAST_ERROR = 0.02
_MOST_ERROR = 1.5
_MOVE = 0.25  # of the way to where the spring rests: c_c of the paper
_LEARN = 0.25  # how fast the error follows: c_e of the paper
_LEAST_HEIGHT_S = 1e-6
_GRAIN_S = 1e-3  # on one switch the turns of a machine's scheduler are as long as the way, and say nothing of places
_FREE_STEP_S = 0.02  # a spring is never taken for stretched by more than this, or its own length where that is more
_GRAVITY_S = 100.0

ORIGIN = Coordinate((0.0,) * DIMENSIONS, _LEAST_HEIGHT_S, _START_ERROR)
"""Where a node is that has measured nothing."""


def is_sound(coordinate: Coordinate) -> bool:
    """Whether the numbers can be true: finite, none beyond ``FARTHEST_S``, height and error not negative."""
    numbers = (*coordinate.position, coordinate.height, coordinate.error)
    return (
        len(coordinate.position) == DIMENSIONS
        and all(math.isfinite(number) and abs(number) <= FARTHEST_S for number in numbers)
        and coordinate.height >= 0
        and coordinate.error >= 0
    )


def distance(one: Coordinate, other: Coordinate) -> float:
    """The round trip between two nodes, in seconds."""
    return math.dist(one.position, other.position) + (one.height + other.height)


def misfit(told_s: float, measured_s: float) -> float:
    """How wrong a told round trip is, as a share of the measured one; below a millisecond little counts."""
    return abs(told_s - measured_s) / max(measured_s, _GRAIN_S)


def updated(own: Coordinate, peer: Coordinate, rtt_s: float, direction: Sequence[float]) -> Coordinate:
    """Where a node is once it has measured a round trip to a peer.

    Args:
        own: where it was.
        peer: where the peer says that it is.
        rtt_s: the round trip, in seconds.
        direction: a vector of ``DIMENSIONS`` numbers, not all 0, along which two nodes in one place part.

    What cannot be, of the peer or the round trip, changes nothing.
    """
    if not (is_sound(peer) and math.isfinite(rtt_s) and 0 < rtt_s <= FARTHEST_S):
        return own
    told_s = distance(own, peer)
    trust = max(own.error, _LEAST_ERROR)
    weight = trust / (trust + max(peer.error, _LEAST_ERROR))
    wrong = min(misfit(told_s, rtt_s), _MOST_ERROR)
    share = _LEARN * weight
    error = min(max(wrong * share + own.error * (1 - share), _LEAST_ERROR), _MOST_ERROR)
    free_s = max(rtt_s, _FREE_STEP_S)
    force_s = _MOVE * weight * min(max(rtt_s - told_s, -free_s), free_s)
    height = own.height + force_s * (own.height + peer.height) / told_s if told_s > 0 else own.height
    moved = _pulled(_pushed(own.position, peer.position, force_s, told_s, direction))
    made = Coordinate(moved, max(height, _LEAST_HEIGHT_S), error)
    return made if is_sound(made) else own


class RoundTrips:
    """What was measured to each peer lately; what counts is the low quartile of the last few.

    Whatever delays a packet makes a round trip longer, and nothing makes it shorter than the way is.

    Args:
        most: so many peers are remembered, those that were measured last.
        window: so many measurements of each.
    """

    def __init__(self, most: int = 64, window: int = 5) -> None:
        self._most = most
        self._window = window
        self._of: OrderedDict[str, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._of)

    def add(self, peer: str, rtt_s: float) -> float:
        """Take a measurement; answers what counts of that peer now."""
        known = self._of.setdefault(peer, deque(maxlen=self._window))
        self._of.move_to_end(peer)
        known.append(rtt_s)
        if len(self._of) > self._most:
            self._of.popitem(last=False)
        return sorted(known)[(len(known) - 1) // 4]


def _pushed(
    own: tuple[float, ...], peer: tuple[float, ...], force_s: float, told_s: float, direction: Sequence[float]
) -> list[float]:
    """A position, moved away from the peer's by the share of the force that is not the heights'."""
    apart = [mine - theirs for mine, theirs in zip(own, peer, strict=True)]
    length = math.hypot(*apart)
    if length > _LEAST_HEIGHT_S:
        return [mine + force_s * part / told_s for mine, part in zip(own, apart, strict=True)]
    if force_s <= 0:
        return list(own)  # in one place already: whatever way it went, it would be farther off
    length = math.hypot(*direction)
    return [mine + force_s * part / length for mine, part in zip(own, direction, strict=True)]


def _pulled(position: list[float]) -> tuple[float, ...]:
    """A position, a little nearer to the origin, the more the farther out it is."""
    out = math.hypot(*position)
    if out == 0.0:
        return tuple(position)
    left = 1 - min(out / _GRAVITY_S**2, 1.0)
    return tuple(part * left for part in position)
