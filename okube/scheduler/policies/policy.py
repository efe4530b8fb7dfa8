"""Policies: which scores count, and how much."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from okube.scheduler.ledger import Demand
from okube.scheduler.policies.loads import AnyTasks, Balance, Binpack, Epvm
from okube.scheduler.policies.nearness import Nearness
from okube.scheduler.policies.score import Score
from okube.scheduler.policies.spreading import OwnTasks, OwnZone
from okube.scheduler.policies.turns import RoundRobin
from okube.scheduler.policies.wishes import Wishes

__all__ = ["POLICY_WEIGHTS", "SCORES", "SPREAD", "Policy", "Term", "policy_of"]

SCORES: Mapping[str, Score] = MappingProxyType(
    {
        score.name: score
        for score in (
            Balance(),
            Binpack(),
            Epvm(),
            Nearness(),
            RoundRobin(),
            OwnTasks(),
            AnyTasks(),
            Wishes(),
            OwnZone(),
        )
    }
)
"""The scores that Okube brings along, by name."""

_WISHES = {"preference": 1000.0}
_TIES = {"balance": 0.1, "tasks": 0.01}
POLICY_WEIGHTS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "spread": {"spread": 100.0, "zones": 10.0, "balance": 1.0, "tasks": 0.1, **_WISHES},
        "binpack": {"binpack": 100.0, **_WISHES},
        "epvm": {"epvm": 100.0, **_TIES, **_WISHES},
        "round-robin": {"round-robin": 100.0, **_WISHES},
        "network": {"network": 100.0, "spread": 100.0, "balance": 1.0, "tasks": 0.1, **_WISHES},
    }
)
"""What the scores of each policy weigh, where cluster.yaml does not say otherwise."""
_EXACT = frozenset(("spread", "zones", "balance", "tasks"))
_NO_SCORES: Mapping[str, Score] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Term:
    """A score, and what it weighs."""

    score: Score
    weight: float


@dataclass(frozen=True, slots=True)
class Policy:
    """Scores with their weights, heaviest first; a node's cost is the weighted sum, and the cheapest gets the task.

    Where the policy is ``exact``, tasks that no other score applies to are spread by the rule of
    ``okube.scheduler.scores``, in which what counts more is never outweighed by much of what counts less. ``unknown``
    are the names that were weighed and that no score has.
    """

    name: str
    terms: tuple[Term, ...] = ()
    exact: bool = False
    unknown: tuple[str, ...] = field(default=(), compare=False)

    def terms_for(self, demand: Demand) -> tuple[Term, ...]:
        """The scores that tell nodes apart for such tasks."""
        return tuple(term for term in self.terms if term.score.applies(demand))

    def spreads_exactly(self, demand: Demand) -> bool:
        """Whether the rule of ``okube.scheduler.scores`` says it all."""
        return self.exact and all(t.score.name in _EXACT for t in self.terms_for(demand))


def policy_of(name: str, weights: Mapping[str, float], more: Mapping[str, Score] = _NO_SCORES) -> Policy:
    """The policy of a name, with these weights in the place of its own.

    Args:
        name: one of ``POLICY_WEIGHTS``.
        weights: by the scores' names; 0 takes a score out.
        more: scores beside those that Okube brings along.
    """
    scores = {**SCORES, **more}
    weighed = {**POLICY_WEIGHTS[name], **weights}
    found = sorted(
        (Term(scores[each], weight) for each, weight in weighed.items() if weight > 0 and each in scores),
        key=lambda term: (-term.weight, term.score.name),
    )
    return Policy(
        name=name,
        terms=tuple(found),
        exact=name == "spread" and not _EXACT & set(weights),
        unknown=tuple(sorted(each for each in weighed if each not in scores)),
    )


SPREAD = policy_of("spread", {})
"""The policy where nothing else is said."""
