"""What a score's costs follow from: what it says again as long as that has not changed."""

from collections.abc import Callable
from typing import Literal, Protocol, runtime_checkable

from okube.scheduler.ledger import Demand
from okube.scheduler.nodes import FloatArray
from okube.scheduler.policies.score import Score
from okube.scheduler.use import Use

__all__ = ["Basis", "ByUse", "basis_of", "basis_rule"]

Basis = Literal["use", "group", "own", "zone", "any"]
"""``use``: what a node holds, and the shape of the demand. ``group``: what placing tasks of the group does not change.
``own``, ``zone``: which share of its service's tasks the node has, or its zone. ``any``: anything, as its reach says.
"""


@runtime_checkable
class ByUse(Protocol):
    """A score whose basis is ``use``."""

    @property
    def name(self) -> str:
        """See ``Score``."""

    def of_use(self, use: Use, demand: Demand) -> FloatArray:
        """What one more task of the demand costs on nodes that are used so: 0 to 1."""


def basis_of(score: Score, demand: Demand) -> Basis:
    """What the costs of a score follow from, for tasks of the demand."""
    return basis_rule(score)(demand)


def basis_rule(score: Score) -> Callable[[Demand], Basis]:
    """How a score tells that."""
    rule: Callable[[Demand], Basis] | None = getattr(score, "basis", None)
    return _any if rule is None else rule


def _any(demand: Demand) -> Basis:
    return "any"
