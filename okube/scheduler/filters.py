"""Filters: why a node cannot take a task, and how many it can take."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from okube.model.constraints import Constraint, Operator
from okube.model.resources import LIMITS_KNOWN
from okube.scheduler.amounts import apart, write_bytes, write_count, write_nanocores
from okube.scheduler.calls import NetworkFilter
from okube.scheduler.company import CompanyFilter, PerNodeFilter
from okube.scheduler.ledger import Demand, Ledger, Resource
from okube.scheduler.nodes import BoolArray, IntArray
from okube.scheduler.ports import UNLIMITED, fixed_ports
from okube.scheduler.rules import Filter, Refusal, any_number

__all__ = ["FILTERS", "Filter", "Refusal", "allowed_for", "of_group", "room_for", "room_of_shape"]

_VALUES_SHOWN = 3


class ReadyFilter:
    """Only nodes that are heard of get tasks."""

    name = "ready"

    def room(self, ledger: Ledger, demand: Demand) -> IntArray:
        """See ``Filter``."""
        return any_number(ledger.nodes.ready)

    def explain(self, ledger: Ledger, demand: Demand, refused: IntArray) -> list[Refusal]:
        """See ``Filter``."""
        return [Refusal(len(refused), "down")]


class SchedulableFilter:
    """Nodes that are cordoned, draining or drained get no tasks."""

    name = "availability"

    def room(self, ledger: Ledger, demand: Demand) -> IntArray:
        """See ``Filter``."""
        return any_number(ledger.nodes.schedulable)

    def explain(self, ledger: Ledger, demand: Demand, refused: IntArray) -> list[Refusal]:
        """See ``Filter``."""
        words = Counter(ledger.nodes.availability[row] for row in refused.tolist())
        return [Refusal(nodes, word) for word, nodes in sorted(words.items())]


class KnowledgeFilter:
    """The agent knows what the service asks for; one of an older Okube would run the task without, and say nothing."""

    name = "agent"

    def room(self, ledger: Ledger, demand: Demand) -> IntArray:
        """See ``Filter``."""
        return any_number(ledger.nodes.knows >= demand.knows)

    def explain(self, ledger: Ledger, demand: Demand, refused: IntArray) -> list[Refusal]:
        """See ``Filter``."""
        lacks = "keeps no limits above what is promised" if demand.knows >= LIMITS_KNOWN else "gives tasks no secrets"
        return [Refusal(len(refused), f"its agent is of an older Okube, which {lacks}: upgrade it")]


class ConstraintFilter:
    """All constraints of the service hold on the node."""

    name = "constraints"

    def room(self, ledger: Ledger, demand: Demand) -> IntArray:
        """See ``Filter``."""
        allowed = np.ones(len(ledger.nodes), dtype=np.bool_)
        for constraint in demand.constraints:
            allowed &= ledger.allowed(constraint)
        return any_number(allowed)

    def explain(self, ledger: Ledger, demand: Demand, refused: IntArray) -> list[Refusal]:
        """See ``Filter``; a node that fails several constraints counts for the first of them."""
        refusals = []
        for constraint in demand.constraints:
            allowed = ledger.allowed(constraint)[refused]
            if not allowed.all():
                refusals.append(_unmet(constraint, ledger, refused[~allowed]))
            refused = refused[allowed]
        return refusals


@dataclass(frozen=True, slots=True)
class ResourceFilter:
    """The node has enough of one resource (its row) left; who asks for none of it is never refused."""

    resource: int
    name: str
    write: Callable[[int, int], str]

    def room(self, ledger: Ledger, demand: Demand) -> IntArray:
        """See ``Filter``."""
        asked = int(demand.resources[self.resource, 0])
        if asked == 0:
            return np.full(len(ledger.nodes), UNLIMITED, dtype=np.int64)
        room: IntArray = ledger.free[self.resource] // asked
        return np.maximum(room, 0)

    def explain(self, ledger: Ledger, demand: Demand, refused: IntArray) -> list[Refusal]:
        """See ``Filter``; nodes that are too small even when empty are told from those that are full."""
        asked = int(demand.resources[self.resource, 0])
        total = ledger.total[self.resource]
        too_small = total[refused] < asked
        refusals = []
        if too_small.any():
            largest = int(total[refused[too_small]].max())
            refusals.append(self._too_small(asked, largest, int(too_small.sum()), int(total.max())))
        if not too_small.all():
            most = int(ledger.free[self.resource, refused[~too_small]].max())
            refusals.append(self._full(asked, most, int((~too_small).sum())))
        return refusals

    def _too_small(self, asked: int, largest: int, nodes: int, largest_of_all: int) -> Refusal:
        if largest <= 0:
            return Refusal(nodes, f"{self.name} {self.write(asked, 1)} asked, {_they(nodes)} none")
        wanted, there = apart(asked, largest, self.write)
        who = "the largest node has" if largest == largest_of_all else "the largest of these has"
        return Refusal(nodes, f"{self.name} {wanted} asked, {who if nodes > 1 else 'the node has'} {there}")

    def _full(self, asked: int, most: int, nodes: int) -> Refusal:
        wanted, there = apart(asked, most, self.write)
        free = "free at most" if nodes > 1 and most > 0 else "free"
        return Refusal(nodes, f"{self.name} {wanted} asked, {there} {free}")


def _they(nodes: int) -> str:
    return "they have" if nodes > 1 else "the node has"


class NamedFilter:
    """The node has enough left of each named resource that is asked for."""

    name = "resources"

    def room(self, ledger: Ledger, demand: Demand) -> IntArray:
        """See ``Filter``."""
        if demand.missing:
            return np.zeros(len(ledger.nodes), dtype=np.int64)
        room = np.full(len(ledger.nodes), UNLIMITED, dtype=np.int64)
        for rule in _named(ledger, demand):
            np.minimum(room, rule.room(ledger, demand), out=room)
        return room

    def explain(self, ledger: Ledger, demand: Demand, refused: IntArray) -> list[Refusal]:
        """See ``Filter``; a node that lacks several of them counts for the first."""
        if demand.missing:
            count = dict(demand.group.named)[demand.missing[0]]
            return [Refusal(len(refused), f"{demand.missing[0]} {count} asked, no node offers any")]
        refusals: list[Refusal] = []
        for rule in _named(ledger, demand):
            fits = rule.room(ledger, demand)[refused] > 0
            if not fits.all():
                refusals += rule.explain(ledger, demand, refused[~fits])
            refused = refused[fits]
        return refusals


def _named(ledger: Ledger, demand: Demand) -> Iterator[ResourceFilter]:
    asked = demand.resources[:, 0]
    for row, name in enumerate(ledger.named, len(Resource)):
        if asked[row]:
            yield ResourceFilter(row, name, write_count)


class PortFilter:
    """The host ports asked for are free on the node."""

    name = "ports"

    def room(self, ledger: Ledger, demand: Demand) -> IntArray:
        """See ``Filter``."""
        if not demand.ports:
            return np.full(len(ledger.nodes), UNLIMITED, dtype=np.int64)
        return ledger.ports.room(demand.ports)

    def explain(self, ledger: Ledger, demand: Demand, refused: IntArray) -> list[Refusal]:
        """See ``Filter``; a node that lacks several ports counts for the first of them."""
        fixed = fixed_ports(demand.ports)
        for (port, protocol), times in Counter(fixed).items():
            if times > 1:
                return [Refusal(len(refused), f"host port {port}/{protocol} asked {times} times by one task")]
        refusals = []
        for port, protocol in fixed:
            taken = ledger.ports.taken(port, protocol)[refused]
            if taken.any():
                refusals.append(Refusal(int(taken.sum()), f"host port {port}/{protocol} taken"))
            refused = refused[~taken]
        if len(refused):
            ports = ledger.ports
            refusals.append(Refusal(len(refused), f"too few free host ports in {ports.first}-{ports.last}"))
        return refusals


_OF_NODES: tuple[Filter, ...] = (ReadyFilter(), SchedulableFilter(), KnowledgeFilter(), ConstraintFilter())
_OF_RESOURCES = (
    ResourceFilter(Resource.CPU, "cpu", write_nanocores),
    ResourceFilter(Resource.MEMORY, "memory", write_bytes),
    ResourceFilter(Resource.DISK, "disk", write_bytes),
)
_NAMED = NamedFilter()
_PORTS, _PER_NODE, _COMPANY, _NETWORK = PortFilter(), PerNodeFilter(), CompanyFilter(), NetworkFilter()

FILTERS: tuple[Filter, ...] = (*_OF_NODES, *_OF_RESOURCES, _NAMED, _PORTS, _PER_NODE, _COMPANY, _NETWORK)
"""All filters, in the order in which a node is asked; a refused node counts for the first that refuses it."""


def room_for(ledger: Ledger, demand: Demand) -> IntArray:
    """How many more tasks of the demand fit on each node."""
    room: IntArray = ledger.kept.array(("room", demand.shape), lambda rows: room_of_shape(ledger, demand, rows)).copy()
    for rule in (*of_group(demand), *ledger.more_filters):
        np.minimum(room, rule.room(ledger, demand), out=room)
    return room


def of_group(demand: Demand) -> Iterator[Filter]:
    """The filters that have something to say to such tasks beside what tasks of their shape all hear."""
    if demand.ports:
        yield _PORTS
    if demand.group.max_per_node:
        yield _PER_NODE
    if demand.group.company:
        yield _COMPANY
    if demand.group.calls:
        yield _NETWORK


def room_of_shape(ledger: Ledger, demand: Demand, rows: IntArray) -> IntArray:
    """How many more tasks fit on each of these nodes by what all tasks of the shape of the demand have in common."""
    room = np.where(allowed_for(ledger, demand)[rows], UNLIMITED, 0)
    for kind, asked in enumerate(demand.resources[:, 0].tolist()):
        if asked:
            np.minimum(room, ledger.free[kind, rows] // asked, out=room)
    return np.maximum(room, 0)


def allowed_for(ledger: Ledger, demand: Demand) -> BoolArray:
    """The nodes that may have tasks of the shape of the demand, were they empty."""
    key = ("allowed", demand.group.constraints, demand.knows, demand.missing)
    return ledger.kept.fixed(key, lambda: _allowed(ledger, demand))


def _allowed(ledger: Ledger, demand: Demand) -> BoolArray:
    if demand.missing:
        return np.zeros(len(ledger.nodes), dtype=np.bool_)
    allowed = np.ones(len(ledger.nodes), dtype=np.bool_)
    for rule in _OF_NODES:
        allowed &= rule.room(ledger, demand) > 0
    return allowed


def _unmet(constraint: Constraint, ledger: Ledger, refused: IntArray) -> Refusal:
    reason = f"constraint {constraint} not met"
    if constraint.operator is Operator.IS_NOT:
        return Refusal(len(refused), reason)
    attributes = ledger.nodes.attributes
    present = {attributes[row].get(constraint.attribute, "") for row in refused.tolist()}
    values = sorted(present - {""}) + ["not set"] * ("" in present)
    if len(values) <= _VALUES_SHOWN:
        reason += f" ({constraint.short_attribute} is {' or '.join(values)})"
    return Refusal(len(refused), reason)
