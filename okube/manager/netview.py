"""The network as people see it: from the leader's survey to the views. Pure."""

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median
from typing import TypeVar

import numpy as np

from okube.manager.survey import Place, Survey
from okube.model.net_views import NetNodeView, NetPairView, NetView, ZonePairView
from okube.model.network import Coordinate
from okube.model.node import Node
from okube.network.coordinates import distance

__all__ = ["net_view", "pairs_from"]

_MOST_PAIRS = 4000
_STAND_INS = 64
_NOWHERE = Place()
T = TypeVar("T")
TimeText = Callable[[float], str | None]


def net_view(nodes: Mapping[str, Node], survey: Survey | None, time_text: TimeText) -> NetView:
    """All zones and all nodes; ``time_text`` makes a time of one on the clock's monotonic scale."""
    names = sorted(nodes)
    medians = _medians(names, survey)
    return NetView(
        zones=list(_zones(nodes, survey)),
        nodes=[_node(nodes[name], survey, time_text, latency) for name, latency in zip(names, medians, strict=True)],
    )


def pairs_from(origin: str, nodes: Iterable[str], survey: Survey | None) -> list[NetPairView]:
    """The round trips from one node to the others."""
    return [_pair(origin, name, survey) for name in sorted(nodes) if name != origin]


def _zones(nodes: Mapping[str, Node], survey: Survey | None) -> Iterable[ZonePairView]:
    by_zone: dict[str, list[str]] = {}
    for name in sorted(nodes):
        by_zone.setdefault(nodes[name].zone, []).append(name)
    zone_pairs = list(itertools.combinations_with_replacement(sorted(by_zone), 2))
    each = max(2, int((_MOST_PAIRS / max(len(zone_pairs), 1)) ** 0.5))
    stand_ins = {zone: _spread(names, each) for zone, names in by_zone.items()}
    for one, other in zone_pairs:
        pairs = [
            _pair(mine, theirs, survey)
            for mine, theirs in itertools.product(stand_ins[one], stand_ins[other])
            if (mine < theirs if one == other else mine != theirs)
        ]
        known = [pair.latency for pair in pairs if pair.latency is not None]
        yield ZonePairView(
            origin=one,
            target=other,
            latency=median(known) if known else None,
            lowest=min(known, default=None),
            highest=max(known, default=None),
            pairs=len(pairs),
            measured=sum(pair.measured is not None for pair in pairs),
        )


def _medians(names: Sequence[str], survey: Survey | None) -> list[float | None]:
    """The median round trip from each node to others that stand for all, where it is known."""
    if survey is None or not names:
        return [None] * len(names)
    coordinates, _ = survey.rows(names)
    others = np.array(_spread(range(len(names)), _STAND_INS))
    apart = np.linalg.norm(coordinates[:, None, :-1] - coordinates[None, others, :-1], axis=2)
    seconds = apart + coordinates[:, None, -1] + coordinates[None, others, -1]
    seconds[others, np.arange(len(others))] = np.nan  # to itself
    found = [float(np.median(row[~np.isnan(row)])) if (~np.isnan(row)).any() else math.nan for row in seconds]
    return [None if math.isnan(each) else each for each in found]


def _spread(sequence: Sequence[T], count: int) -> Sequence[T]:
    """So many at most, evenly from the whole sequence."""
    if len(sequence) <= count:
        return sequence
    return [sequence[number * len(sequence) // count] for number in range(count)]


def _pair(origin: str, target: str, survey: Survey | None) -> NetPairView:
    if survey is None:
        return NetPairView(origin=origin, target=target, latency=None, measured=None, told=None)
    here, there = survey.place(origin) or _NOWHERE, survey.place(target) or _NOWHERE
    found = [seconds for seconds in (here.measured.get(target), there.measured.get(origin)) if seconds is not None]
    measured = min(found, default=None)
    one, other = survey.believed(origin), survey.believed(target)
    told = None if one is None or other is None else distance(one, other)
    latency = told if measured is None else measured
    return NetPairView(origin=origin, target=target, latency=latency, measured=measured, told=told)


def _node(node: Node, survey: Survey | None, time_text: TimeText, latency: float | None) -> NetNodeView:
    place = (survey.place(node.name) if survey is not None else None) or _NOWHERE
    believed = survey.believed(node.name) if survey is not None else None
    own = place.coordinate
    return NetNodeView(
        name=node.name,
        region=node.region,
        zone=node.zone,
        rack=node.rack,
        coordinate=None if believed is None else list(believed.position),
        height=None if believed is None else believed.height,
        error=None if own is None else own.error,
        misfit=place.misfit,
        message=_message(place, believed),
        latency=latency,
        link=_known(place.link_bps),
        sent=_known(place.sent_bps),
        received=_known(place.received_bps),
        told=time_text(place.told_s) if place.told_s else None,
    )


def _message(place: Place, believed: Coordinate | None) -> str:
    if believed is not None or not place.told_s:
        return ""
    if place.coordinate is None:
        return "nothing was measured yet"
    if place.is_doubted:
        return "the others do not find it where it says that it is, so its coordinate counts for nothing"
    return "too little was measured yet"


def _known(bps: int) -> int | None:
    return None if bps < 0 else bps
