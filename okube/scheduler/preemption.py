"""Which tasks give way to one that matters more: the least harm, on one node or among all. Pure.

A task may take the place of tasks with a lower priority, never of equal ones: so no two can take turns at it, and a
chain of them ends.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from okube.scheduler.filters import FILTERS, NamedFilter, PortFilter, ResourceFilter
from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import IntArray
from okube.scheduler.ports import fixed_ports

__all__ = ["Holder", "Room", "find_room", "make_room"]

_MOST_NODES = 200
_NODES_AT_ONCE = 20
Ports = frozenset[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Holder:
    """A task that holds something of a node: amounts in the order of the ledger's rows, and host ports.

    One that is ``stopping`` gives all of it back soon, whatever its priority. Tasks of one ``service`` do not
    give way to each other, though its versions may differ in priority.
    """

    task: str
    priority: int
    resources: tuple[int, ...]
    ports: Ports = frozenset()
    stopping: bool = False
    since_ms: int = 0
    service: str = ""


@dataclass(frozen=True, slots=True)
class Room:
    """A node (its row) that has room for the task once these tasks have stopped; none where those that stop will do."""

    row: int
    victims: tuple[Holder, ...]


def make_room(
    free: Sequence[int],
    asked: Sequence[int],
    ports: Ports,
    holders: Iterable[Holder],
    priority: int,
    service: str = "",
) -> tuple[Holder, ...] | None:
    """The tasks of one node that have to give way to one of ``priority``; None where that would not be enough.

    First all that may go are taken, the lowest priority first and of these the youngest; then those are given back,
    the most important first, without which it is enough as well. So none of them goes in vain.

    Args:
        free: what is left of each resource; negative where more is promised than there is.
        asked: what the task asks for.
        ports: host ports that the task must have.
        holders: the tasks of the node.
        priority: that of the task.
        service: that of the task.
    """
    left = list(free)
    lower: list[Holder] = []
    for holder in holders:
        if holder.stopping:
            left = _with(left, holder, 1)
        elif _may_go(holder, priority, service):
            lower.append(holder)
        elif holder.ports & ports:
            return None
    lower.sort(key=lambda holder: (holder.priority, -holder.since_ms, holder.task))
    for holder in lower:
        left = _with(left, holder, 1)
    if not _enough(left, asked):
        return None
    victims = []
    for holder in reversed(lower):
        kept = _with(left, holder, -1)
        if not holder.ports & ports and _enough(kept, asked):
            left = kept
        else:
            victims.append(holder)
    return tuple(reversed(victims))


def find_room(
    ledger: Ledger, demand: Demand, holders: Mapping[int, Sequence[Holder]], priority: int
) -> Generator[None, None, Room | None]:
    """Where a task makes room for itself with the least harm, or None; a few nodes at a time.

    Harm is, in this order: the highest priority of those that give way, how many they are, and all that they hold. Of
    many nodes, those that lack least are looked at. ``ledger.begin`` was called for the task's group.
    """
    asked, ports = demand.resources[:, 0].tolist(), frozenset(fixed_ports(demand.ports))
    best: Room | None = None
    for count, row in enumerate(_candidates(ledger, demand, holders, priority)):
        if count % _NODES_AT_ONCE == _NODES_AT_ONCE - 1:
            yield
        there = holders.get(row, ())
        victims = make_room(ledger.free[:, row].tolist(), asked, ports, there, priority, demand.group.service)
        if victims is not None and (best is None or _harm(victims) < _harm(best.victims)):
            best = Room(row, victims)
    return best


def _candidates(ledger: Ledger, demand: Demand, holders: Mapping[int, Sequence[Holder]], priority: int) -> list[int]:
    """The nodes that no filter refuses but for what their tasks hold, and that could have enough; best first."""
    ports = fixed_ports(demand.ports)
    if demand.missing or len(set(ports)) < len(ports):
        return []
    allowed = np.ones(len(ledger.nodes), dtype=np.bool_)
    for rule in (*FILTERS, *ledger.more_filters):
        if not isinstance(rule, ResourceFilter | NamedFilter | PortFilter):
            allowed &= rule.room(ledger, demand) > 0
    allowed[_taken_beside(ledger, frozenset(ports), holders)] = False
    could: IntArray = ledger.free.copy()
    for row, there in holders.items():
        for holder in there:
            if holder.stopping or _may_go(holder, priority, demand.group.service):
                could[:, row] += np.array(holder.resources)
    allowed &= ((could >= demand.resources) | (demand.resources == 0)).all(axis=0)
    rows = np.flatnonzero(allowed)
    lacking = np.maximum(demand.resources - ledger.free[:, rows], 0) / np.maximum(ledger.total[:, rows], 1)
    order = np.argsort(lacking.sum(axis=0), kind="stable")
    nearest: list[int] = rows[order[:_MOST_NODES]].tolist()
    return nearest


def _taken_beside(ledger: Ledger, ports: Ports, holders: Mapping[int, Sequence[Holder]]) -> list[int]:
    """The nodes that share their host with another one whose tasks have one of the ports, and keep it."""
    if not ports or not ledger.ports.shared:
        return []
    hosts = ledger.nodes.hosts
    having: dict[str, set[int]] = {}
    for row, there in holders.items():
        if any(holder.ports & ports and not holder.stopping for holder in there):
            having.setdefault(hosts[row], set()).add(row)
    return [row for row, host in enumerate(hosts) if having.get(host, set()) - {row}]


def _may_go(holder: Holder, priority: int, service: str) -> bool:
    return holder.priority < priority and not (service and holder.service == service)


def _with(left: list[int], holder: Holder, sign: int) -> list[int]:
    return [each + sign * held for each, held in zip(left, holder.resources, strict=True)]


def _enough(left: Sequence[int], asked: Sequence[int]) -> bool:
    return all(wanted == 0 or there >= wanted for there, wanted in zip(left, asked, strict=True))


def _harm(victims: tuple[Holder, ...]) -> tuple[float, int, int]:
    highest = max((victim.priority for victim in victims), default=float("-inf"))
    return highest, len(victims), sum(sum(victim.resources) for victim in victims)
