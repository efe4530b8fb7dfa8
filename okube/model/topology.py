"""What a person declares of the network: round trips and bandwidth between and within regions, zones and racks."""

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from okube.model.errors import FieldError
from okube.model.quantities import format_round_trip, parse_bandwidth, parse_seconds

__all__ = ["DeclaredTopology", "LevelTopology", "PairCost", "PathCost"]

_LONGEST_S = 60.0


def _latency(value: object) -> float:
    seconds = parse_seconds(value)
    if seconds > _LONGEST_S:
        raise ValueError(f"{value!r} is too long for a round trip: at most {format_round_trip(_LONGEST_S)}")
    return seconds


def _bandwidth(value: object) -> int:
    bits = parse_bandwidth(value)
    if bits == 0:
        raise ValueError("a bandwidth of 0 carries nothing: leave it out where it is not known")
    return bits


def _name(text: str) -> str | None:
    return None if text.strip() else "is empty: name a region, zone or rack"


def _read(parse: Any) -> msgspec.Meta:
    return msgspec.Meta(extra={"parse": parse})


class PathCost(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A round trip in seconds and a bandwidth in bit/s; None where not known."""

    latency: Annotated[float, _read(_latency)] | None = None
    bandwidth: Annotated[int, _read(_bandwidth)] | None = None


class PairCost(PathCost, frozen=True, kw_only=True, omit_defaults=True, rename={"origin": "from", "target": "to"}):
    """The same between two places by name; it holds for the way back too, unless that has an entry of its own."""

    origin: Annotated[str, msgspec.Meta(extra={"check": _name})]
    target: Annotated[str, msgspec.Meta(extra={"check": _name})]


class LevelTopology(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What holds ``within`` each region (zone, rack), ``between`` two of them in one place above, and for ``pairs``."""

    within: PathCost = PathCost()
    between: PathCost = PathCost()
    pairs: tuple[PairCost, ...] = ()

    def problems(self) -> Iterator[FieldError]:
        """A pair that is given twice, or without a cost."""
        seen: set[tuple[str, str]] = set()
        for number, pair in enumerate(self.pairs):
            if (pair.origin, pair.target) in seen:
                yield FieldError(f"pairs[{number}]", f"from {pair.origin} to {pair.target} is given twice")
            elif pair.latency is None and pair.bandwidth is None:
                yield FieldError(f"pairs[{number}]", "says neither a latency nor a bandwidth")
            seen.add((pair.origin, pair.target))


class DeclaredTopology(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``topology`` of cluster.yaml and of a topology file; what it does not name stays a hole."""

    regions: LevelTopology = LevelTopology()
    zones: LevelTopology = LevelTopology()
    racks: LevelTopology = LevelTopology()

    def names(self) -> Iterator[tuple[str, str, str]]:
        """Every name that a pair mentions: its level, the path of the field, and the name."""
        for level in ("regions", "zones", "racks"):
            for number, pair in enumerate(getattr(self, level).pairs):
                yield level, f"{level}.pairs[{number}].from", pair.origin
                yield level, f"{level}.pairs[{number}].to", pair.target
