"""The links between nodes as people see them: what each carries, and what of it is reserved by whom. Pure."""

from collections.abc import Iterable

import numpy as np

from okube.manager.flows import flows_in
from okube.manager.survey import Place, Survey
from okube.manager.topology import topology_in
from okube.model.net_views import LinkFlowView, LinksView, LinkView
from okube.scheduler.links import Links
from okube.scheduler.reserved import Reserved
from okube.state import Tables

__all__ = ["MOST_DECLARED", "links_view"]

MOST_DECLARED = 1000
_NOWHERE = Place()


def links_view(tables: Tables, survey: Survey | None) -> LinksView:
    """The links of all nodes, and those that are declared between and within places that have nodes."""
    names = sorted(tables.nodes)
    links = Links(topology_in(tables, survey), names)
    reserved = Reserved(links, flows_in(tables))
    links.all()
    used, by = reserved.used, _by_link(tables, reserved)
    wanted: Iterable[int] = range(len(used))
    if len(used) - len(names) > MOST_DECLARED:
        wanted = [number for number in wanted if number < len(names) or used[number] > 0]
    return LinksView(links=[_view(links, number, float(used[number]), by.get(number, []), survey) for number in wanted])


def _by_link(tables: Tables, reserved: Reserved) -> dict[int, list[LinkFlowView]]:
    found: dict[int, list[LinkFlowView]] = {}
    for flow, used in reserved.of_each():
        service, target = tables.services.get(flow.service), tables.services.get(flow.target)
        if service is None or target is None:
            continue
        for number in np.flatnonzero(used).tolist():
            view = LinkFlowView(origin=service.name, target=target.name, reserved=round(float(used[number])))
            found.setdefault(number, []).append(view)
    return found


def _view(links: Links, number: int, used: float, by: list[LinkFlowView], survey: Survey | None) -> LinkView:
    link = links.link(number)
    carries = float(links.capacity[number])
    capacity = None if np.isinf(carries) else round(carries)
    place = _NOWHERE
    if link.kind == "node" and survey is not None:
        place = survey.place(link.origin) or _NOWHERE
    return LinkView(
        kind=link.kind,
        origin=link.origin,
        target=link.target,
        one_way=link.one_way,
        capacity=capacity,
        reserved=round(used),
        free=None if capacity is None else capacity - round(used),
        sent=_known(place.sent_bps),
        received=_known(place.received_bps),
        flows=by,
    )


def _known(bps: int) -> int | None:
    return None if bps < 0 else bps
