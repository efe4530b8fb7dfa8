"""Puts the tasks of one group where the weighted sum of a policy's scores is least, one after another."""

import numpy as np

from okube.scheduler.choice import Choice, among_words
from okube.scheduler.filters import room_for
from okube.scheduler.groups import TaskGroup
from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import FloatArray, IntArray
from okube.scheduler.policies.basis import basis_of
from okube.scheduler.policies.policy import Policy, Term
from okube.scheduler.policies.price import BILLION, whole_costs
from okube.scheduler.policies.score import Reach, Score

__all__ = ["Weighing"]

_TERMS_SHOWN = 4


class Weighing:
    """The tasks of one group on their way to the cheapest nodes.

    What a task costs is asked for all nodes once. Then, after each task, a score is asked again for those nodes alone
    of which it can say something else: the one that got the task, those of its zone, or all, as its reach says.
    """

    def __init__(self, ledger: Ledger, group: TaskGroup, demand: Demand, policy: Policy) -> None:
        self._ledger = ledger
        self._demand = demand
        self._spread = ledger.spread
        self._room = room_for(ledger, demand)
        self._terms = policy.terms_for(demand)
        self._name = policy.name
        reaches = [_reach(term.score, demand) for term in self._terms]
        self._of_reach: dict[Reach, tuple[Term, ...]] = {
            reach: tuple(term for term, its in zip(self._terms, reaches, strict=True) if its == reach)
            for reach in ("node", *sorted(set(reaches) - {"node"}))
        }

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
        if wanted == 1:
            costs = whole_costs(self._ledger, self._demand, self._terms, among)
            why = self._why_this(among, costs)
            return [Choice([self._take(among, costs)], why)]
        return [Choice(self._fill_many(among, wanted), self._why_these(among))]

    def _fill_many(self, among: IntArray, wanted: int) -> list[int]:
        parts = {reach: self._costs(terms, among) for reach, terms in self._of_reach.items()}
        rows: list[int] = []
        while len(rows) < wanted:
            costs = sum(parts.values(), np.zeros(len(among)))
            place = int(costs.argmin())
            if costs[place] == np.inf:
                break
            rows.append(self._take(among, costs))
            self._renew(among, parts, place)
        return rows

    def _costs(self, terms: tuple[Term, ...], rows: IntArray) -> FloatArray:
        return whole_costs(self._ledger, self._demand, terms, rows)

    def _take(self, among: IntArray, costs: FloatArray) -> int:
        chosen = among[[int(costs.argmin())]]
        self._ledger.take(chosen, self._demand)
        self._spread.add(chosen)
        self._room[chosen] -= 1
        return int(chosen[0])

    def _renew(self, among: IntArray, parts: dict[Reach, FloatArray], place: int) -> None:
        """Asks again for what a task on the node at ``place`` can have changed."""
        for reach, terms in self._of_reach.items():
            if reach == "cluster":
                parts[reach] = self._costs(terms, among)
            elif reach == "zone":
                there = np.flatnonzero(self._ledger.zones[among] == self._ledger.zones[among[place]])
                parts[reach][there] = self._costs(terms, among[there])
            else:
                full = self._room[among[place]] <= 0
                parts[reach][place] = np.inf if full else self._costs(terms, among[[place]])[0]

    def _why_this(self, among: IntArray, costs: FloatArray) -> str:
        """``of 5 nodes that fit: least cost 12.5 (binpack 10, spread 2.5); next w2 with 20.1``."""
        if len(among) == 1:
            return among_words(len(among), len(self._ledger.nodes), ())
        order = np.argsort(costs, kind="stable")[:2]
        chosen, runner_up = among[order].tolist()
        parts = [f"{term.score.name} {_number(self._cost_of(term, chosen))}" for term in self._terms[:_TERMS_SHOWN]]
        best, second = (costs[order] / BILLION).tolist()
        names = self._ledger.nodes.names
        told = f" ({', '.join(parts)})" if parts else ""
        last = "first by name" if best == second else f"next {names[runner_up]} with {_number(second)}"
        return among_words(len(among), len(names), (f"least cost {_number(best)}{told}; {last}",))

    def _cost_of(self, term: Term, row: int) -> float:
        return float(whole_costs(self._ledger, self._demand, (term,), np.array([row]))[0]) / BILLION

    def _why_these(self, among: IntArray) -> str:
        names = ", ".join(term.score.name for term in self._terms[:_TERMS_SHOWN])
        return among_words(len(among), len(self._ledger.nodes), (f"least cost ({names or self._name})",))


def _reach(score: Score, demand: Demand) -> Reach:
    """Whose costs change with a task; nobody's is as good as its node's own, where the room changes anyway."""
    return "node" if basis_of(score, demand) in ("use", "group", "own") else score.reach


def _number(cost: float) -> str:
    return f"{cost:.3g}"
