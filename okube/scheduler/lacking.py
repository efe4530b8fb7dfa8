"""The sentences about nodes that lack bandwidth for a task."""

import numpy as np

from okube.scheduler.amounts import apart, write_bandwidth
from okube.scheduler.groups import TaskGroup
from okube.scheduler.nodes import IntArray
from okube.scheduler.reserved import Reserved
from okube.scheduler.rules import Refusal

__all__ = ["lacking"]


def lacking(reserved: Reserved, group: TaskGroup, refused: IntArray) -> list[Refusal]:
    """Why one more task of the group would not find the bandwidth that it asks for on these nodes (rows).

    A node that lacks it on several links counts for one of them; the nodes that lack it on their own link, each on
    another, are told together.
    """
    refused = refused[~reserved.allows(group)[refused]]
    own: list[tuple[float, float]] = []
    shared: dict[int, tuple[int, float, float]] = {}
    drawing = 0
    for row in refused.tolist():
        short = reserved.short(group, row)
        if short is None:
            drawing += 1
        elif short.link == row:
            own.append((short.asked_bps, short.free_bps))
        else:
            nodes, asked, free = shared.get(short.link, (0, 0.0, np.inf))
            shared[short.link] = nodes + 1, max(asked, short.asked_bps), min(free, short.free_bps)
    called = " and ".join(reserved.called(group))
    refusals = []
    for link, (nodes, asked, free) in shared.items():
        wanted, there = _apart(asked, free)
        refusals.append(
            Refusal(nodes, f"{wanted} to {called} asked, {there} free on {reserved.links.link(link).words}")
        )
    if own:
        wanted, there = _apart(max(asked for asked, _ in own), max(free for _, free in own))
        where = "free on its own link" if len(own) == 1 else "free at most on their own links"
        refusals.append(Refusal(len(own), f"{wanted} to {called} asked, {there} {where}"))
    if drawing:
        reason = f"the tasks that depend on {group.name or 'it'} would reserve more on the way there than is free"
        refusals.append(Refusal(drawing, reason))
    return refusals


def _apart(asked_bps: float, free_bps: float) -> tuple[str, str]:
    return apart(round(asked_bps), max(0, round(free_bps)), write_bandwidth)
