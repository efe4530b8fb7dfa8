"""The parts of which a node's cost is made, by what they follow from; each in whole billionths."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

import numpy as np

from okube.scheduler.calls import verdict_of
from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import FloatArray
from okube.scheduler.policies.basis import Basis, basis_rule
from okube.scheduler.policies.policy import Policy, Term
from okube.scheduler.policies.price import weighed

__all__ = ["Parts", "PartsOf", "steady_costs"]


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
    """The parts of one policy, for any demand."""

    def __init__(self, policy: Policy) -> None:
        self._terms = policy.terms
        self._asked = [(term.score.applies, basis_rule(term.score)) for term in policy.terms]
        self._found: dict[tuple[Basis | None, ...], Parts | None] = {}

    def parts(self, demand: Demand) -> Parts | None:
        """The parts for tasks of the demand; None where one follows from something that is not known."""
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


def steady_costs(ledger: Ledger, demand: Demand, parts: Parts) -> FloatArray | None:
    """What placing the group does not change, infinite for nodes that are too far from what it calls; None for nothing.

    To be read, not changed: it is the same for all groups for which it follows from the same.
    """
    terms = parts.steady
    verdict = verdict_of(ledger, demand) if demand.group.calls else None
    if not terms and (verdict is None or not verdict.refusals):
        return None

    def sum_up() -> FloatArray:
        total = np.zeros(len(ledger.nodes))
        rows = np.arange(len(total))
        for term in terms:
            total += weighed(term.weight, term.score.costs(ledger, demand, rows))
        if verdict is not None:
            total[~verdict.allowed] = np.inf
        return total

    keys = tuple([_kept_by(ledger, demand, term) for term in terms])
    if None in keys:
        return sum_up()
    return ledger.kept.fixed(("steady", parts, keys, verdict), sum_up)


def _kept_by(ledger: Ledger, demand: Demand, term: Term) -> Hashable:
    kept_by: Callable[[Ledger, Demand], Hashable] | None = getattr(term.score, "kept_by", None)
    return None if kept_by is None else kept_by(ledger, demand)
