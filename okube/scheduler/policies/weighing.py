"""Puts the tasks of one group where the weighted sum of a policy's scores is least, one after another."""

import numpy as np

from okube.scheduler.choice import Choice, among_words
from okube.scheduler.filters import room_for
from okube.scheduler.groups import TaskGroup
from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import FloatArray, IntArray
from okube.scheduler.policies.policy import Policy, Term
from okube.scheduler.policies.score import reach_of

__all__ = ["Weighing", "weighted_costs"]

_DIGITS = 9
"""Costs are compared in so many decimals, so that what is equal but for rounding is equal; then the name decides."""
_TERMS_SHOWN = 4


class Weighing:
    """The tasks of one group on their way to the cheapest nodes.

    What a task costs is asked for all nodes once. Then, after each task, for those alone whose costs it can have
    changed: the node that got it, or its zone, or all, as the policy's scores say.
    """

    def __init__(self, ledger: Ledger, group: TaskGroup, demand: Demand, policy: Policy) -> None:
        self._ledger = ledger
        self._demand = demand
        self._spread = ledger.begin(group)
        self._room = room_for(ledger, demand)
        self._terms = policy.terms_for(demand)
        self._name = policy.name
        reaches = {reach_of(term.score, demand) for term in self._terms}
        self._reach = next((reach for reach in ("cluster", "zone") if reach in reaches), "node")

    def rows_with_room(self) -> IntArray:
        """The nodes that can take another task."""
        return np.flatnonzero(self._room > 0)

    def count_room(self, room: IntArray) -> None:
        """Each node takes so many more tasks: what was placed meanwhile can have made it less, or more."""
        self._room[:] = room

    def fill(self, among: IntArray, wanted: int) -> list[Choice]:
        """Places at most ``wanted`` tasks on these nodes (rows, ascending), and tells the node of each, in order."""
        among = among[self._room[among] > 0]
        if wanted <= 0 or len(among) == 0:
            return []
        costs = weighted_costs(self._ledger, self._demand, self._terms, among)
        if wanted == 1:
            why = self._why_this(among, costs)
            return [Choice([self._take(among, costs)], why)]
        return [Choice(self._fill_many(among, costs, wanted), self._why_these(among))]

    def _fill_many(self, among: IntArray, costs: FloatArray, wanted: int) -> list[int]:
        rows: list[int] = []
        while len(rows) < wanted:
            place = int(costs.argmin())
            if costs[place] == np.inf:
                break
            rows.append(self._take(among, costs))
            self._renew(among, costs, place)
        return rows

    def _take(self, among: IntArray, costs: FloatArray) -> int:
        chosen = among[[int(costs.argmin())]]
        self._ledger.take(chosen, self._demand)
        self._spread.add(chosen)
        self._room[chosen] -= 1
        return int(chosen[0])

    def _renew(self, among: IntArray, costs: FloatArray, place: int) -> None:
        """Asks again for the costs that a task on the node at ``place`` can have changed."""
        if self._reach == "cluster":
            touched = np.arange(len(among))
        elif self._reach == "zone":
            touched = np.flatnonzero(self._ledger.zones[among] == self._ledger.zones[among[place]])
        else:
            touched = np.array([place])
        rows = among[touched]
        new = weighted_costs(self._ledger, self._demand, self._terms, rows)
        new[self._room[rows] <= 0] = np.inf
        costs[touched] = new

    def _why_this(self, among: IntArray, costs: FloatArray) -> str:
        """``of 5 nodes that fit: least cost 12.5 (binpack 10, spread 2.5); next w2 with 20.1``."""
        if len(among) == 1:
            return among_words(among, len(self._ledger.nodes), ())
        order = np.argsort(costs, kind="stable")[:2]
        chosen, runner_up = among[order].tolist()
        parts = [f"{term.score.name} {_number(self._cost_of(term, chosen))}" for term in self._terms[:_TERMS_SHOWN]]
        best, second = costs[order].tolist()
        names = self._ledger.nodes.names
        told = f" ({', '.join(parts)})" if parts else ""
        last = "first by name" if best == second else f"next {names[runner_up]} with {_number(second)}"
        return among_words(among, len(names), (f"least cost {_number(best)}{told}; {last}",))

    def _cost_of(self, term: Term, row: int) -> float:
        return float(weighted_costs(self._ledger, self._demand, (term,), np.array([row]))[0])

    def _why_these(self, among: IntArray) -> str:
        names = ", ".join(term.score.name for term in self._terms[:_TERMS_SHOWN])
        return among_words(among, len(self._ledger.nodes), (f"least cost ({names or self._name})",))


def weighted_costs(ledger: Ledger, demand: Demand, terms: tuple[Term, ...], rows: IntArray) -> FloatArray:
    """What one more task costs on each of these nodes: the sum of what the scores say, weighed.

    What a score says counts within 0 and 1; what is no number counts as 1, so that a score that is wrong about a node
    does not draw tasks there.
    """
    total = np.zeros(len(rows))
    for term in terms:
        costs = term.score.costs(ledger, demand, rows)
        total += term.weight * np.clip(np.nan_to_num(costs, nan=1.0, posinf=1.0, neginf=1.0), 0.0, 1.0)
    return np.round(total, _DIGITS)


def _number(cost: float) -> str:
    return f"{cost:.3g}"
