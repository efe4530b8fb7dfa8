"""Filters for tasks that are kept near those of some service, or apart from them, and for so many a node."""

import numpy as np

from okube.scheduler.groups import CompanyRule
from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import BoolArray, IntArray
from okube.scheduler.ports import UNLIMITED
from okube.scheduler.rules import Refusal, any_number

__all__ = ["CompanyFilter", "PerNodeFilter", "has_company", "moves_room"]


def has_company(ledger: Ledger, rule: CompanyRule) -> BoolArray:
    """The nodes on which, or in whose zone, a task of the rule's service is."""
    counts = ledger.tasks_of(rule.service)
    if rule.within == "zone":
        by_zone = np.zeros(ledger.zone_count, dtype=np.int64)
        np.add.at(by_zone, ledger.zones, counts)
        counts = by_zone[ledger.zones]
    return np.asarray(counts > 0, dtype=np.bool_)


def moves_room(demand: Demand) -> bool:
    """Whether a task of the group that is placed can leave other nodes than its own without room for the next."""
    own = (rule for rule in demand.group.company if rule.service == demand.group.service and rule.weight is None)
    return any(rule.within == "zone" or not rule.apart for rule in own)


class CompanyFilter:
    """Near what the service must be near, and apart from what it must be apart from, or what must be apart from it."""

    name = "company"

    def room(self, ledger: Ledger, demand: Demand) -> IntArray:
        """See ``Filter``."""
        room = np.full(len(ledger.nodes), UNLIMITED, dtype=np.int64)
        for rule in demand.group.company:
            if rule.weight is None:
                np.minimum(room, _room(ledger, demand, rule), out=room)
        return room

    def explain(self, ledger: Ledger, demand: Demand, refused: IntArray) -> list[Refusal]:
        """See ``Filter``; a node that fails several rules counts for the first of them."""
        refusals = []
        for rule in demand.group.company:
            if rule.weight is not None:
                continue
            fits = _room(ledger, demand, rule)[refused] > 0
            if not fits.all():
                refusals.append(Refusal(int((~fits).sum()), _why(ledger, demand, rule)))
            refused = refused[fits]
        return refusals


def _room(ledger: Ledger, demand: Demand, rule: CompanyRule) -> IntArray:
    present = has_company(ledger, rule)
    own = rule.service == demand.group.service
    if rule.apart:
        return np.where(present, 0, 1) if own else any_number(~present)
    if own and not present.any():
        return any_number(~present)  # the first of them may be anywhere
    return any_number(present)


def _why(ledger: Ledger, demand: Demand, rule: CompanyRule) -> str:
    where = "on it" if rule.within == "node" else "in its zone"
    if rule.theirs:
        return f"a task of {rule.name} is {where}, which keeps apart from {demand.group.name}"
    if rule.apart:
        return f"anti-affinity: a task of {rule.name} is {where}"
    if not rule.service:
        return f"affinity: there is no service {rule.name}"
    if not ledger.tasks_of(rule.service).any():
        return f"affinity: no task of {rule.name} has a node yet"
    return f"affinity: no task of {rule.name} is {where}"


class PerNodeFilter:
    """No more tasks of the service on one node than it wants."""

    name = "max-per-node"

    def room(self, ledger: Ledger, demand: Demand) -> IntArray:
        """See ``Filter``."""
        most = demand.group.max_per_node
        if not most:
            return np.full(len(ledger.nodes), UNLIMITED, dtype=np.int64)
        return np.maximum(most - ledger.spread.by_node, 0)

    def explain(self, ledger: Ledger, demand: Demand, refused: IntArray) -> list[Refusal]:
        """See ``Filter``."""
        return [Refusal(len(refused), f"max_per_node {demand.group.max_per_node} reached")]
