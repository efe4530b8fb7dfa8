"""The sentences about nodes that lack bandwidth for a task."""

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
    name_of = {rule.service: rule.name for rule in reversed(group.calls) if not rule.depends}
    refusals = []
    for short in reserved.shorts(group, refused):
        wanted, there = apart(round(short.asked_bps), max(0, round(short.free_bps)), write_bandwidth)
        called = " and ".join(name_of.get(service, service) for service in short.services)
        where = _own(short.nodes) if short.link < 0 else f"on {reserved.links.link(short.link).words}"
        refusals.append(Refusal(short.nodes, f"{wanted} to {called} asked, {there} free {where}"))
    drawing = len(refused) - sum(refusal.nodes for refusal in refusals)
    if drawing:
        reason = f"the tasks that depend on {group.name or 'it'} would reserve more on the way there than is free"
        refusals.append(Refusal(drawing, reason))
    return refusals


def _own(nodes: int) -> str:
    return "on its own link" if nodes == 1 else "at most on their own links"
