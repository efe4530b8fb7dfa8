"""What a score's costs follow from: what it says again as long as that has not changed."""

from collections.abc import Hashable
from typing import Literal, Protocol, runtime_checkable

from okube.scheduler.ledger import Demand, Ledger
from okube.scheduler.nodes import FloatArray
from okube.scheduler.policies.score import Score
from okube.scheduler.use import Use

__all__ = ["Basis", "ByUse", "Steady", "basis_of"]

Basis = Literal["use", "group", "own", "zone", "any"]
"""``use``: what a node holds, and the shape of the demand. ``group``: what placing tasks of the group does not change.
``own``, ``zone``: which share of its service's tasks the node has, or its zone. ``any``: anything, as its reach says.
"""


@runtime_checkable
class _HasBasis(Protocol):
    def basis(self, demand: Demand) -> Basis: ...


@runtime_checkable
class ByUse(Protocol):
    """A score whose basis is ``use``."""

    def of_use(self, use: Use, demand: Demand) -> FloatArray:
        """What one more task of the demand costs on nodes that are used so: 0 to 1."""


@runtime_checkable
class Steady(Protocol):
    """A score whose basis is ``group`` for some demands."""

    def kept_by(self, ledger: Ledger, demand: Demand) -> Hashable:
        """What its costs follow from, to keep them by; None where they are not worth it."""


def basis_of(score: Score, demand: Demand) -> Basis:
    """What the costs of a score follow from, for tasks of the demand."""
    return score.basis(demand) if isinstance(score, _HasBasis) else "any"
