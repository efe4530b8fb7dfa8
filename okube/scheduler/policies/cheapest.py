"""Puts the tasks of one group on the cheapest nodes, where all parts of the costs follow known rules.

What nodes cost by what they hold is kept up to date over all groups of one shape, and what placing the group does not
change is kept by what that follows from. So all nodes are looked at for a single task with one sum and one search for
the least; for many, see ``Frontier``. The result is that of ``Weighing``, which asks all scores anew.
"""

import numpy as np

from okube.scheduler.calls import NetworkFilter, waits
from okube.scheduler.choice import Choice, among_words
from okube.scheduler.filters import of_group
from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import FloatArray, IntArray
from okube.scheduler.policies.basis import Basis
from okube.scheduler.policies.frontier import Frontier
from okube.scheduler.policies.parts import Parts, steady_for
from okube.scheduler.policies.policy import Policy, Term
from okube.scheduler.policies.price import BILLION, weighed_one, weighed_share, whole_costs
from okube.scheduler.policies.standing import standing_for

__all__ = ["Cheapest"]

_TERMS_SHOWN = 4
_SHARES = ("own", "zone")


class Cheapest:
    """The tasks of one group, which may go to all nodes alike, on their way to the cheapest."""

    def __init__(self, ledger: Ledger, demand: Demand, policy: Policy, parts: Parts) -> None:
        self._ledger = ledger
        self._demand = demand
        self._name = policy.name
        self._parts = parts
        self._own = {} if ledger.is_new else ledger.own_counts()
        self._most = max(1, sum(self._own.values()) + len(demand.group.tasks))
        self._zone_weights = parts.zone if ledger.zone_count > 1 else ()
        self._standing = standing_for(ledger, demand, parts)
        self._steady = steady_for(ledger, demand, parts)

    def fill(self, wanted: int) -> list[Choice]:
        """Places at most so many tasks, and tells the node of each, in order."""
        if wanted <= 0 or waits(self._ledger, self._demand):
            return []
        standing, steady = self._standing, self._steady
        costs = standing.costs.copy() if steady is None else standing.costs + steady.costs
        self._room = self._room_left(costs)
        fits = standing.fits if self._room is standing.room else self._room > 0
        if steady is not None and steady.allowed is not None:
            fits = fits & steady.allowed
        fitting = int(np.count_nonzero(fits))
        if fitting == 0:
            return []
        in_zone = self._add_own(costs)
        if wanted == 1:
            return [self._one(costs, in_zone, fitting)]
        return [self._many(costs, in_zone, fitting, wanted)]

    def _room_left(self, costs: FloatArray) -> IntArray:
        """The room that all filters leave; what a node without costs is infinite."""
        room, group = self._standing.room, self._demand.group
        if not (group.ports or group.max_per_node or group.company or self._ledger.more_filters):
            return room
        rules = [rule for rule in of_group(self._demand) if not isinstance(rule, NetworkFilter)]
        rules += self._ledger.more_filters
        for rule in rules:
            room = np.minimum(room, rule.room(self._ledger, self._demand))
        costs[room <= 0] = np.inf
        return room

    def _add_own(self, costs: FloatArray) -> dict[int, int]:
        """Adds the shares of the service's tasks that nodes have; how many are in each zone that has some."""
        if not self._own:
            return {}
        rows, tasks = np.array(list(self._own)), np.array(list(self._own.values()))
        for weight in self._parts.own:
            costs[rows] += weighed_share(weight, tasks / self._most)
        in_zone: dict[int, int] = {}
        for zone, count in zip(self._ledger.zones[rows].tolist(), tasks.tolist(), strict=True):
            in_zone[zone] = in_zone.get(zone, 0) + count
        return in_zone

    def _zone_cost(self, count: int) -> float:
        cost = 0.0
        for weight in self._zone_weights:
            cost += weighed_one(weight, count / self._most)
        return cost

    def _one(self, costs: FloatArray, in_zone: dict[int, int], fitting: int) -> Choice:
        if in_zone and self._zone_weights:
            shares = np.zeros(self._ledger.zone_count)
            for zone, count in in_zone.items():
                shares[zone] = self._zone_cost(count)
            costs += shares[self._ledger.zones]
        row = int(costs.argmin())
        best = float(costs[row])
        costs[row] = np.inf
        next_row = int(costs.argmin())
        why = self._why_this(row, best, next_row, float(costs[next_row]), fitting)
        self._ledger.take_one(row, self._demand)
        return Choice([row], why)

    def _many(self, costs: FloatArray, in_zone: dict[int, int], fitting: int, wanted: int) -> Choice:
        zones = self._ledger.zones if self._zone_weights else None
        frontier = Frontier(
            costs, self._room, zones, self._zone_cost, in_zone if self._zone_weights else {}, self._ahead
        )
        rows, taken = frontier.fill(wanted), frontier.taken
        self._ledger.take(np.array(list(taken)), self._demand, np.array(list(taken.values())))
        return Choice(rows, self._why_these(fitting))

    def _ahead(self, rows: IntArray, times: IntArray) -> FloatArray:
        """What one more task costs on these nodes after so many more on each, without the share of the zone."""
        costs = self._standing.ask(self._ledger.use(rows).after(self._demand, times))
        if self._steady is not None:
            costs += self._steady.costs[rows]
        own = times + np.array([self._own.get(row, 0) for row in rows.tolist()]) if self._own else times
        for weight in self._parts.own:
            costs += weighed_share(weight, own / self._most)
        return costs

    def _why_this(self, row: int, best: float, next_row: int, second: float, fitting: int) -> str:
        """``of 5 nodes that fit: least cost 12.5 (binpack 10, spread 2.5); next w2 with 20.1``."""
        names = self._ledger.nodes.names
        if fitting == 1:
            return among_words(1, len(names), ())
        nothing = not self._own  # then no node has a share of the service's tasks
        parts = [
            f"{term.score.name} 0" if nothing and basis in _SHARES else self._part(basis, term, row)
            for basis, term in self._parts.all[:_TERMS_SHOWN]
        ]
        told = f" ({', '.join(parts)})" if parts else ""
        last = "first by name" if best == second else f"next {names[next_row]} with {_number(second)}"
        return among_words(fitting, len(names), (f"least cost {_number(best)}{told}; {last}",))

    def _part(self, basis: Basis, term: Term, row: int) -> str:
        """What one score adds to the cost of a node, as it was before the task came there: ``spread 2.5``."""
        if basis == "group" and len(self._parts.steady) == 1 and self._steady is not None:
            cost = float(self._steady.costs[row])
        elif basis == "use":
            cost = self._standing.cost_of(term, row)
        else:
            cost = float(whole_costs(self._ledger, self._demand, (term,), np.array([row]))[0])
        return f"{term.score.name} {_number(cost)}"

    def _why_these(self, fitting: int) -> str:
        names = ", ".join([term.score.name for _, term in self._parts.all[:_TERMS_SHOWN]])
        return among_words(fitting, len(self._ledger.nodes), (f"least cost ({names or self._name})",))


def _number(cost: float) -> str:
    return f"{cost / BILLION:.3g}"
