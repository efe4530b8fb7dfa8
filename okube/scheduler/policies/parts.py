"""The parts of which a node's cost is made, by what they follow from; each in whole billionths."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from okube.scheduler.calls import verdict_is_steady, verdict_of
from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import BoolArray, FloatArray
from okube.scheduler.policies.basis import Basis, basis_rule
from okube.scheduler.policies.policy import SCORES, Policy, Term
from okube.scheduler.policies.price import weighed

__all__ = ["Parts", "PartsOf", "Steady", "steady_for"]


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The scores of a policy that tell nodes apart for some tasks, sorted by what they follow from.

    ``all`` are those of all sorts, heaviest first; ``own`` and ``zone`` are the weights of the share of the service's
    tasks that a node has, and its zone. The same object stands for the same scores.
    """

    all: tuple[tuple[Basis, Term], ...]
    use: tuple[Term, ...]
    steady: tuple[Term, ...]
    own: tuple[float, ...]
    zone: tuple[float, ...]


class PartsOf:
    """The parts of one policy, for any demand.

    Okube's own scores mind nothing of a demand but its shape, its wishes, whom it calls, and its company; so groups
    without company that have the rest in common are not asked about again.
    """

    def __init__(self, policy: Policy) -> None:
        self._terms = policy.terms
        self._asked = [(term.score.applies, basis_rule(term.score)) for term in policy.terms]
        self._all_ours = all(SCORES.get(term.score.name) is term.score for term in policy.terms)
        self._alike: dict[Hashable, Parts | None] = {}
        self._found: dict[tuple[Basis | None, ...], Parts | None] = {}

    def parts(self, demand: Demand) -> Parts | None:
        """The parts for tasks of the demand; None where one follows from something that is not known."""
        group = demand.group
        if group.company or not self._all_ours:
            return self._look(demand)
        key = (demand.shape, bool(group.prefer), bool(group.calls), verdict_is_steady(demand))
        if key not in self._alike:
            self._alike[key] = self._look(demand)
        return self._alike[key]

    def _look(self, demand: Demand) -> Parts | None:
        bases = tuple([basis(demand) if applies(demand) else None for applies, basis in self._asked])
        if bases not in self._found:
            self._found[bases] = None if "any" in bases else self._sorted(bases)
        return self._found[bases]

    def _sorted(self, bases: tuple[Basis | None, ...]) -> Parts:
        every = tuple([(basis, term) for basis, term in zip(bases, self._terms, strict=True) if basis is not None])

        def of(wanted: Basis) -> tuple[Term, ...]:
            return tuple(term for basis, term in every if basis == wanted)

        own, zone = (tuple(term.weight for term in of(basis)) for basis in ("own", "zone"))
        return Parts(every, of("use"), of("group"), own, zone)


class Steady:
    """What placing a group does not change of the costs, in billionths: infinite for nodes too far from what it calls.

    ``allowed`` are the nodes that are near enough, None where all are.
    """

    __slots__ = ("allowed", "costs")

    def __init__(self, ledger: Ledger, demand: Demand, terms: tuple[Term, ...]) -> None:
        rows = np.arange(len(ledger.nodes))
        self.costs: FloatArray = np.zeros(len(rows))
        for term in terms:
            self.costs += weighed(term.weight, term.score.costs(ledger, demand, rows))
        verdict = verdict_of(ledger, demand)
        self.allowed: BoolArray | None = verdict.allowed if verdict is not None and verdict.refusals else None
        if self.allowed is not None:
            self.costs[~self.allowed] = np.inf


def steady_for(ledger: Ledger, demand: Demand, parts: Parts) -> Steady | None:
    """The steady part for tasks of the demand; None where there is none.

    It follows from whom the group calls, where these are, and what it wishes; by these it is kept, and is the same
    object for all groups that have them in common. Wishes for company are not kept.
    """
    group = demand.group
    if not parts.steady and not group.calls:
        return None
    if group.company or not verdict_is_steady(demand):
        return Steady(ledger, demand, parts.steady)
    talk = demand.talk
    where = tuple([ledger.whereabouts(rule.service) for rule in talk.rules])
    key = (parts, talk, where, group.prefer)
    return ledger.kept.fixed(key, lambda: Steady(ledger, demand, parts.steady))
